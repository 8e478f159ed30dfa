"""What happens to requests and to price moves: checked, locked, matched. Pure: time and prices come in as values,
changes go out as values, in the order in which they happened.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from workbench.market.paper_exchange.accounts import EXACT, ZERO, Account
from workbench.market.paper_exchange.books import Books, Level, Quote, Trade
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.matching import BUY, STOPS, Match, Move, PaperOrder
from workbench.market.paper_exchange.refusals import (
    INSUFFICIENT,
    filter_failure,
    market_closed,
    rejected,
    unknown_order,
)

MAX_OPEN_ORDERS = 200


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request for an order. Exactly one of `amount` and `quote_amount` is given."""

    account: str
    market: Market
    side: str
    kind: str
    time_in_force: str = "GTC"
    amount: Decimal | None = None
    quote_amount: Decimal | None = None
    price: Decimal | None = None
    stop: Decimal | None = None
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`order` as it is after `what`: NEW, TRADE (with `trade`), CANCELED, EXPIRED or TRIGGERED."""

    what: str
    order: PaperOrder
    trade: Trade | None = None
    by_client_id: str = ""


@dataclass
class Engine:
    """Decides over `books`. A refused request raises Refused and has changed nothing."""

    books: Books = field(default_factory=Books)

    def submit(self, ticket: Ticket, quote: Quote) -> list[Change]:
        """Take, rest or refuse an order."""
        offers = quote.offers(ticket.side)
        if not offers or (ticket.kind == "MARKET" and not quote.is_open):
            raise market_closed()
        order = self._checked(ticket, offers, quote.at_ms)
        account = self.books.accounts[ticket.account]
        if order.kind == "MARKET":
            return self._market(account, order, quote)
        if order.kind in STOPS:
            return self._stop(account, order, offers[0].price)
        crossing = quote.is_open and order.crosses(offers[0].price)
        if crossing and order.kind == "LIMIT_MAKER":
            raise rejected("Order would immediately match and take.")
        return self._limit(account, order, quote) if crossing else self._rest(account, order)

    def cancel(self, account: str, key: int | str, at_ms: int, symbol: str) -> Change:
        """Cancel by number or client id. Raises Refused (-2011)."""
        order = self.books.find(account, key, symbol)
        if order is None or not order.is_open:
            raise unknown_order(canceling=True)
        owner = self.books.accounts[account]
        owner.unlock(*order.locks)
        owner.updated_ms = at_ms
        return Change("CANCELED", self.books.keep(order.ended("CANCELED", at_ms)))

    def move(self, symbol: str, move: Move) -> list[Change]:
        """Let the resting orders of a market meet a price move."""
        resting = self.books.resting.get(symbol)
        if resting is None:
            return []
        changes = []
        for match in resting.meet(move):
            if match.amount == 0:
                changes.append(Change("TRIGGERED", self.books.keep(match.order.triggered(move.at_ms))))
            else:
                changes.append(Change("TRADE", *self.books.settle(match, move.at_ms)))
        return changes

    def _checked(self, ticket: Ticket, offers: tuple[Level, ...], at_ms: int) -> PaperOrder:
        """The order a ticket asks for, past every filter."""
        account, market = self.books.accounts[ticket.account], ticket.market
        for level in (ticket.price, ticket.stop):
            if level is not None:
                market.check_price(level)
        amount = ticket.amount
        if amount is None:
            assert ticket.quote_amount is not None
            amount = _affordable(market, ticket.quote_amount, offers)
        market.check_amount(amount)
        market.check_notional(EXACT.multiply(amount, ticket.price or offers[0].price))
        number = account.order_count + 1
        client_id = ticket.client_id or f"wb-{number}"
        self._check_room(ticket, client_id)
        return PaperOrder(
            account=ticket.account,
            order_id=number,
            client_id=client_id,
            market=market,
            side=ticket.side,
            kind=ticket.kind,
            time_in_force=ticket.time_in_force,
            amount=amount,
            price=ticket.price,
            stop=ticket.stop,
            created_ms=at_ms,
            updated_ms=at_ms,
            queued_ms=at_ms,
            working=ticket.kind not in STOPS,
            quote_amount=ticket.quote_amount,
        )

    def _check_room(self, ticket: Ticket, client_id: str) -> None:
        """Open orders of an account bear different client ids, and are not too many in one market."""
        open_now = self.books.open_orders(ticket.account)
        if any(order.client_id == client_id for order in open_now):
            raise rejected("Duplicate order sent.")
        here = sum(order.market.symbol == ticket.market.symbol for order in open_now)
        if ticket.kind != "MARKET" and here >= MAX_OPEN_ORDERS:
            raise filter_failure("MAX_NUM_ORDERS")

    def _market(self, account: Account, order: PaperOrder, quote: Quote) -> list[Change]:
        """Take what is offered; what is not filled at once expires."""
        plan = self._plan(order, quote)
        if order.side == BUY:
            asset, needed = order.market.quote, sum((EXACT.multiply(*level) for level in plan), ZERO)
        else:
            asset, needed = order.market.base, order.amount
        if account.balance(asset).free < needed:
            raise rejected(INSUFFICIENT)
        changes = [self._accept(account, order)]
        for level in plan:
            account.lock(asset, EXACT.multiply(*level) if order.side == BUY else level.amount)
            changes.append(self._trade(changes[-1].order, level, quote.at_ms))
        if changes[-1].order.is_open:
            changes.append(self._expire(changes[-1].order, quote.at_ms))
        return changes

    def _limit(self, account: Account, order: PaperOrder, quote: Quote) -> list[Change]:
        """Take what is offered within the limit; the rest waits, or expires where it may not."""
        plan = self._plan(order, quote)
        if order.time_in_force == "FOK" and sum((level.amount for level in plan), ZERO) < order.amount:
            plan = []
        account.lock(*order.locks)
        changes = [self._accept(account, order)]
        for level in plan:
            changes.append(self._trade(changes[-1].order, level, quote.at_ms))
        last = changes[-1].order
        if last.is_open and order.time_in_force != "GTC":
            account.unlock(*last.locks)
            changes.append(self._expire(last, quote.at_ms))
        return changes

    def _rest(self, account: Account, order: PaperOrder) -> list[Change]:
        """Wait on the book; an order that may not wait expires untouched."""
        account.lock(*order.locks)
        changes = [self._accept(account, order)]
        if order.time_in_force != "GTC":
            account.unlock(*order.locks)
            changes.append(self._expire(order, order.created_ms))
        return changes

    def _stop(self, account: Account, order: PaperOrder, price: Decimal) -> list[Change]:
        if price <= order.level if order.waits_for_fall else price >= order.level:
            raise rejected("Stop price would trigger immediately.")
        return self._rest(account, order)

    def _plan(self, order: PaperOrder, quote: Quote) -> list[Level]:
        """What an order would take, level by level: offered, within its limit, and not yet had in this moment."""
        had = self.books.traded_at(order.account, order.market.symbol, quote.at_ms)
        plan, wanted = [], order.amount
        for level in quote.offers(order.side):
            if not order.crosses(level.price):
                break
            skipped = min(had, level.amount)
            had -= skipped
            amount = order.market.floor_to_lot(min(level.amount - skipped, wanted))
            if amount > 0:
                plan.append(Level(level.price, amount))
                wanted -= amount
        return plan

    def _accept(self, account: Account, order: PaperOrder) -> Change:
        account.order_count, account.updated_ms = order.order_id, order.created_ms
        return Change("NEW", self.books.keep(order))

    def _trade(self, order: PaperOrder, level: Level, at_ms: int) -> Change:
        return Change("TRADE", *self.books.settle(Match(order, level.price, level.amount, False), at_ms))

    def _expire(self, order: PaperOrder, at_ms: int) -> Change:
        return Change("EXPIRED", self.books.keep(order.ended("EXPIRED", at_ms)))


def _affordable(market: Market, money: Decimal, offers: tuple[Level, ...]) -> Decimal:
    """How much an amount of quote currency is worth at what is offered; beyond that, at the worst price offered."""
    amount = ZERO
    for price, size in offers:
        part = min(size, EXACT.divide(money, price))
        amount, money = amount + part, money - EXACT.multiply(part, price)
    amount = market.floor_to_lot(amount + EXACT.divide(max(money, ZERO), offers[-1].price))
    if amount == 0:
        raise filter_failure("NOTIONAL")
    return amount
