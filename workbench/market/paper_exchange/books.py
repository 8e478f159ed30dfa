"""The books of the exchange: accounts, their orders and trades, and how one execution moves money. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from workbench.market.paper_exchange.accounts import EXACT, ZERO, Account, fee_of
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.matching import BUY, Match, PaperOrder, RestingOrders


class Level(NamedTuple):
    """`amount` of base currency to be had at `price`."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What a market offers one account at this moment, best price first. `is_open`: whether anything trades at all
    (recorded bars may be missing, a mirrored feed may be silent)."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ms: int
    is_open: bool = True

    def offers(self, side: str) -> tuple[Level, ...]:
        """What an order of that side can take."""
        return self.asks if side == BUY else self.bids


@dataclass(frozen=True, slots=True)
class Terms:
    """`maker_bps`, `taker_bps`: fees in hundredths of a percent of what a trade receives."""

    maker_bps: Decimal = Decimal(10)
    taker_bps: Decimal = Decimal(10)


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


@dataclass
class Books:
    """Accounts by name, their orders by number, their trades in order, and the resting orders of each market."""

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
            self.keep(order)

    def keep(self, order: PaperOrder) -> PaperOrder:
        """Write down an order as it is now."""
        self.orders[order.account][order.order_id] = order
        self.resting.setdefault(order.market.symbol, RestingOrders()).put(order)
        return order

    def find(self, account: str, key: int | str, symbol: str) -> PaperOrder | None:
        """By number, or by client id (the newest that bears it)."""
        orders = self.orders[account]
        if isinstance(key, int):
            found = orders.get(key)
        else:
            found = next((order for order in reversed(orders.values()) if order.client_id == key), None)
        return found if found and found.market.symbol == symbol else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[PaperOrder]:
        """Oldest first."""
        books = self.resting.values() if symbol is None else filter(None, [self.resting.get(symbol)])
        found = [order for book in books for order in book.orders.values() if order.account == account]
        return sorted(found, key=lambda order: order.order_id)

    def traded_at(self, account: str, symbol: str, at_ms: int) -> Decimal:
        """What an account has traded of a market at this very moment of market time."""
        amount = ZERO
        for trade in reversed(self.trades[account]):
            if trade.at_ms < at_ms:
                break
            if trade.market.symbol == symbol:
                amount += trade.amount
        return amount

    def settle(self, match: Match, at_ms: int) -> tuple[PaperOrder, Trade]:
        """Move the money of one execution, out of what the order has locked."""
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
        return self.keep(order.traded(amount, price, at_ms)), trade
