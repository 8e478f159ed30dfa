"""The books of the exchange: accounts, their orders, and what happens to them. No clock, wire or loop: requests and
price moves come in as values, changes go out as values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from workbench.market.paper_exchange.accounts import EXACT, ZERO, Account, fee_of
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.matching import BUY, SELL, STOPS, Key, Match, Move, PaperOrder, RestingOrders
from workbench.market.paper_exchange.refusals import (
    INSUFFICIENT,
    filter_failure,
    market_closed,
    rejected,
    unknown_order,
)


class Quote(NamedTuple):
    """What a market offers at this moment. `takeable`: base amount one account may take in this step; `is_open`:
    whether anything trades at all (recorded bars may be missing, a mirrored feed may be silent)."""

    bid: Decimal
    ask: Decimal
    takeable: Decimal
    at_ms: int
    is_open: bool = True

    def for_side(self, side: str) -> Decimal:
        return self.ask if side == BUY else self.bid


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
class Trade:
    """One execution of an order."""

    account: str
    trade_id: int
    order_id: int
    client_id: str
    market: Market
    side: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    at_ms: int
    maker: bool

    @property
    def value(self) -> Decimal:
        return EXACT.multiply(self.price, self.amount)


@dataclass(frozen=True, slots=True)
class Change:
    """`order` as it is after `what`: NEW, TRADE (with `trade`), CANCELED, EXPIRED or TRIGGERED."""

    what: str
    order: PaperOrder
    trade: Trade | None = None
    by_client_id: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """`maker_bps`, `taker_bps`: fees in hundredths of a percent of what a trade receives."""

    maker_bps: Decimal = Decimal(10)
    taker_bps: Decimal = Decimal(10)


@dataclass
class Engine:
    """All accounts and orders. Methods return the changes they made, in order."""

    terms: Terms = field(default_factory=Terms)
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[str, dict[int, PaperOrder]] = field(default_factory=dict)
    trades: dict[str, list[Trade]] = field(default_factory=dict)
    resting: dict[str, RestingOrders] = field(default_factory=dict)

    def open_account(self, name: str, funds: Mapping[str, Decimal]) -> Account:
        """The account of that name, made with `funds` where there is none yet."""
        if name not in self.accounts:
            account = Account(name)
            account.deposit(funds)
            self.adopt(account, (), ())
        return self.accounts[name]

    def adopt(self, account: Account, orders: Iterable[PaperOrder], trades: Iterable[Trade]) -> None:
        """Take over an account as a state file tells it."""
        self.accounts[account.name] = account
        self.orders[account.name] = {}
        self.trades[account.name] = list(trades)
        for order in orders:
            self._keep(order)

    def submit(self, ticket: Ticket, quote: Quote) -> list[Change]:
        """Check, lock, match. Raises Refused, having changed nothing."""
        price = quote.for_side(ticket.side)
        order = self._checked(ticket, price, quote)
        account = self.accounts[ticket.account]
        if order.kind == "MARKET":
            return self._take(account, order, price, quote)
        if order.kind in STOPS:
            return self._rest_stop(account, order, quote)
        crossing = quote.is_open and order.crosses(price)
        if crossing and order.kind == "LIMIT_MAKER":
            raise rejected("Order would immediately match and take.")
        if not crossing and order.time_in_force in ("IOC", "FOK"):
            self._require(account, order)
            return self._expire(account, order, quote.at_ms)
        return self._take(account, order, price, quote) if crossing else self._rest(account, order)

    def cancel(self, account: str, key: int | str, at_ms: int, symbol: str) -> Change:
        """Cancel by number or client id. Raises Refused (-2011)."""
        order = self.find(account, key, symbol)
        if order is None or not order.is_open:
            raise unknown_order(canceling=True)
        owner = self.accounts[account]
        owner.unlock(*order.locks)
        owner.updated_ms = at_ms
        return Change("CANCELED", self._keep(order.ended("CANCELED", at_ms)))

    def move(self, symbol: str, move: Move) -> list[Change]:
        """Let the resting orders of `symbol` meet a price move."""
        book = self.resting.get(symbol)
        if book is None:
            return []
        changes = []
        for match in book.meet(move):
            if match.amount == 0:
                changes.append(Change("TRIGGERED", self._keep(match.order.triggered(move.at_ms))))
            else:
                changes.append(self._settle(match, move.at_ms))
        return changes

    def find(self, account: str, key: int | str, symbol: str) -> PaperOrder | None:
        """By number, or by client id (the newest that bears it)."""
        orders = self.orders[account]
        if isinstance(key, int):
            found = orders.get(key)
        else:
            found = next((order for order in reversed(orders.values()) if order.client_id == key), None)
        return found if found and found.market.symbol == symbol else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[PaperOrder]:
        books = [self.resting[symbol]] if symbol in self.resting else [] if symbol else self.resting.values()
        found = [order for book in books for order in book.orders.values() if order.account == account]
        return sorted(found, key=lambda order: order.order_id)

    def _checked(self, ticket: Ticket, price: Decimal, quote: Quote) -> PaperOrder:
        account, market = self.accounts[ticket.account], ticket.market
        if not quote.is_open and ticket.kind == "MARKET":
            raise market_closed()
        for level in (ticket.price, ticket.stop):
            if level is not None:
                market.check_price(level)
        amount = ticket.amount
        if amount is None:
            assert ticket.quote_amount is not None
            amount = market.floor_to_lot(EXACT.divide(ticket.quote_amount, price))
            if amount == 0:
                raise filter_failure("NOTIONAL")
        market.check_amount(amount)
        market.check_notional(EXACT.multiply(amount, ticket.price or price))
        number = account.order_count + 1
        client_id = ticket.client_id or f"wb-{ticket.account}-{number}"
        if any(order.client_id == client_id for order in self.open_orders(ticket.account)):
            raise rejected("Duplicate order sent.")
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
            created_ms=quote.at_ms,
            updated_ms=quote.at_ms,
            queued_ms=quote.at_ms,
            working=ticket.kind not in STOPS,
            quote_amount=ticket.quote_amount,
        )

    def _take(self, account: Account, order: PaperOrder, price: Decimal, quote: Quote) -> list[Change]:
        """Trade at once against the market at `price`, as far as this step's volume goes."""
        left = self._takeable(order, quote)
        if order.time_in_force == "FOK" and left < order.amount:
            self._require(account, order)
            return self._expire(account, order, quote.at_ms)
        changes = self._rest(account, order, price if order.price is None else None)
        amount = order.market.floor_to_lot(min(order.amount, left))
        if amount > 0:
            changes.append(self._settle(Match(order, price, amount, False), quote.at_ms))
        order = self.orders[account.name][order.order_id]
        if order.is_open and (order.kind == "MARKET" or order.time_in_force == "IOC"):
            account.unlock(*_locks(order, price))
            changes.append(Change("EXPIRED", self._keep(order.ended("EXPIRED", quote.at_ms))))
        return changes

    def _rest(self, account: Account, order: PaperOrder, price: Decimal | None = None) -> list[Change]:
        account.lock(*_locks(order, price))
        account.order_count, account.updated_ms = order.order_id, order.created_ms
        return [Change("NEW", self._keep(order))]

    def _rest_stop(self, account: Account, order: PaperOrder, quote: Quote) -> list[Change]:
        assert order.stop is not None
        last = quote.for_side(order.side)
        if last <= order.stop if order.waits_for_fall else last >= order.stop:
            raise rejected("Stop price would trigger immediately.")
        return self._rest(account, order)

    def _require(self, account: Account, order: PaperOrder) -> None:
        asset, amount = order.locks
        if account.balance(asset).free < amount:
            raise rejected(INSUFFICIENT)

    def _expire(self, account: Account, order: PaperOrder, at_ms: int) -> list[Change]:
        """An order that may not rest and could not trade."""
        account.order_count, account.updated_ms = order.order_id, at_ms
        return [Change("NEW", order), Change("EXPIRED", self._keep(order.ended("EXPIRED", at_ms)))]

    def _takeable(self, order: PaperOrder, quote: Quote) -> Decimal:
        """What the step offers one account, less what it has already had of it."""
        left = quote.takeable
        for trade in reversed(self.trades[order.account]):
            if trade.at_ms < quote.at_ms:
                break
            if trade.market.symbol == order.market.symbol:
                left -= trade.amount
        return max(left, ZERO)

    def _settle(self, match: Match, at_ms: int) -> Change:
        """Move the money of one execution."""
        order, price, amount = match.order, match.price, match.amount
        account, market = self.accounts[order.account], order.market
        value = EXACT.multiply(price, amount)
        bps = self.terms.maker_bps if match.maker else self.terms.taker_bps
        if order.side == BUY:
            fee, asset = fee_of(amount, bps), market.base
            account.pay((market.quote, value), (asset, amount), fee)
            if order.price is not None and order.price > price:  # it had locked its limit, and paid less
                account.unlock(market.quote, EXACT.multiply(amount, order.price - price))
        else:
            fee, asset = fee_of(value, bps), market.quote
            account.pay((market.base, amount), (asset, value), fee)
        account.trade_count += 1
        account.updated_ms = at_ms
        trade = Trade(
            account=account.name,
            trade_id=account.trade_count,
            order_id=order.order_id,
            client_id=order.client_id,
            market=market,
            side=order.side,
            price=price,
            amount=amount,
            fee=fee,
            fee_asset=asset,
            at_ms=at_ms,
            maker=match.maker,
        )
        self.trades[account.name].append(trade)
        return Change("TRADE", self._keep(order.traded(amount, price, at_ms)), trade)

    def _keep(self, order: PaperOrder) -> PaperOrder:
        self.orders[order.account][order.order_id] = order
        self.resting.setdefault(order.market.symbol, RestingOrders()).put(order)
        return order


def _locks(order: PaperOrder, price: Decimal | None) -> tuple[str, Decimal]:
    """What `order` locks; a market order locks its amount at the `price` of the moment."""
    return (
        replace(order, price=price).locks
        if price is not None and order.price is None and order.side == BUY
        else order.locks
    )


__all__ = ["BUY", "SELL", "Change", "Engine", "Key", "Quote", "Terms", "Ticket", "Trade"]
