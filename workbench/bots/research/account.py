"""The bot's account as the venue has it: books, resting orders, and whether the two agree."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from workbench.bots.research.book import Book
from workbench.bots.research.broker import Broker, Resting
from workbench.bots.research.client_ids import INTENTS, client_id, intent_of
from workbench.domain.errors import ExchangeError
from workbench.domain.orders import Fill, Side
from workbench.domain.portfolio import Position


class Account:
    """Reads; never trades.

    ours : client id by order id. said : a decision's words by client id. fills : what `reconcile` found, with reasons.
    mismatch : by symbol, what the venue holds and the fills do not explain.
    """

    def __init__(self, broker: Broker, symbols: Sequence[str], tag: str):
        self.broker, self.symbols, self.tag = broker, tuple(symbols), tag
        quotes = {rules.quote for rules in broker.rules.values()}
        if len(quotes) > 1:
            raise ExchangeError(f"markets in {' and '.join(sorted(quotes))} cannot share a book; choose one currency")
        self.book = Book(quotes.pop(), {symbol: rules.amount_step for symbol, rules in broker.rules.items()})
        self.resting: dict[str, list[Resting]] = {}
        self.ours: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self.fills: list[tuple[Fill, str]] = []
        self.dirty: set[str] = set()
        self.mismatch: dict[str, str] = {}
        self._read_upto: dict[str, int] = {}

    async def reconcile(self) -> None:
        """Read everything from the venue: fills, orders, balances. Raises ExchangeError where it cannot be read.

        A holding that the fills do not explain is named in `mismatch`; nothing is bought in that market.
        """
        for symbol in self.symbols:
            self.ours |= await self.broker.intents(symbol)
        found = [fill for symbol in self.symbols for fill in await self._unread(symbol)]
        self.fills = [(fill, self.reason_of(fill)) for fill in sorted(found, key=lambda fill: fill.filled_at)]
        for fill, reason in self.fills:
            self.book.add(fill, reason)
        await self._read_resting()
        balances = await self.broker.balances()
        self.book.started_with = balances.get(self.book.quote, Decimal(0)) - self.book.flow
        self._compare(balances)

    async def refresh(self, everything: bool = False) -> None:
        """Learn what has changed at the venue since last time; asks nothing where nothing of ours is open there."""
        if not (everything or self.dirty or any(self.resting.values())):
            return
        before = {symbol: {(o.order_id, o.filled) for o in orders} for symbol, orders in self.resting.items()}
        await self._read_resting()
        changed = {
            symbol
            for symbol in self.symbols
            if {(o.order_id, o.filled) for o in self.resting.get(symbol, [])} != before.get(symbol, set())
        }
        await self.read_fills(set(self.symbols) if everything else changed | self.dirty)
        self.dirty.clear()

    async def read_fills(self, symbols: set[str]) -> None:
        for symbol in sorted(symbols):
            for fill in await self._unread(symbol):
                self.book.add(fill, self.reason_of(fill))

    def new_id(self, intent: str, symbol: str, moment_ms: int) -> str:
        """A client id never used before; one that the venue knows already is passed over."""
        known, attempt = set(self.ours.values()), 0
        while (name := client_id(self.tag, intent, symbol, moment_ms, attempt)) in known:
            attempt += 1
        return name

    def stop_of(self, symbol: str) -> Resting | None:
        """Our resting stop, if there is one."""
        stops = [order for order in self.resting.get(symbol, []) if order.stop is not None and order.side is Side.SELL]
        return stops[0] if stops else None

    def sellable(self, symbol: str, mark: float) -> Decimal:
        """What can be sold of the position; 0 where it is dust, or worth less than the venue's least order."""
        rules = self.broker.rules[symbol]
        amount = rules.amount(self.book.lot(symbol).amount)
        return amount if rules.tradable(amount, mark) else Decimal(0)

    def positions(
        self,
        marks: Mapping[str, float],
        stops: Mapping[str, float],
        targets: Mapping[str, tuple[float, ...]] | None = None,
    ) -> tuple[Position, ...]:
        """Open positions; the stop is the resting one, else the one managed on closed bars. targets : by market."""
        found = []
        for symbol in self.symbols:
            lot, mark = self.book.lot(symbol), marks.get(symbol, 0.0)
            if lot.opened_at is None or not self.book.held(symbol) or mark <= 0:
                continue
            resting = self.stop_of(symbol)
            stop = resting.stop if resting else stops.get(symbol)
            aims = (targets or {}).get(symbol, ())
            found.append(Position(symbol, float(lot.amount), lot.entry_price, mark, lot.opened_at, stop, aims))
        return tuple(found)

    async def _unread(self, symbol: str) -> list[Fill]:
        fills = await self.broker.fills(symbol, self._read_upto.get(symbol, -1))
        if fills:
            self._read_upto[symbol] = max(int(fill.trade_id) for fill in fills)
        return fills

    def reason_of(self, fill: Fill) -> str:
        """Why it was traded: the decision's own words, or what its client id says after a restart."""
        client = self.ours.get(fill.order_id)
        if client is None:
            return "order not read"
        intent = intent_of(client, self.tag)
        return self.said.get(client) or (INTENTS[intent] if intent else "by hand")

    async def _read_resting(self) -> None:
        orders = await self.broker.open_orders()
        self.resting = {symbol: [order for order in orders if order.symbol == symbol] for symbol in self.symbols}
        self.ours |= {order.order_id: order.client_id for order in orders}

    def _compare(self, balances: Mapping[str, Decimal]) -> None:
        self.mismatch = {}
        for symbol in self.symbols:
            rules, booked = self.broker.rules[symbol], self.book.lot(symbol).amount
            there = balances.get(rules.base, Decimal(0))
            if abs(there - booked) >= rules.amount_step:
                words = f"the venue holds {there.normalize():f} {rules.base}, my fills explain {booked.normalize():f}"
                self.mismatch[symbol] = f"{symbol}: {words}; nothing is bought there until that is settled"


def equity_curve(
    book: Book, fills: Sequence[tuple[Fill, str]], closes: Mapping[datetime, Mapping[str, float]]
) -> list[tuple[datetime, float]]:
    """Worth at each bar close from the first fill on: (close time, worth) rising, for a bot that has been restarted.

    book : fresh, with `started_with` set. fills : with their reasons, in time order. closes : close prices by symbol
    by close time, times rising. A stop that fills at the very open belongs to the bar before, as it does while trading.
    """
    points, todo, marks = [], list(fills), dict[str, float]()
    for at, prices in closes.items():
        marks |= prices
        while todo and (todo[0][0].filled_at < at or (todo[0][0].filled_at == at and todo[0][1] == INTENTS["s"])):
            book.add(*todo.pop(0))
        worth = book.worth(marks)
        if len(todo) < len(fills) and worth is not None:
            points.append((at, float(worth)))
    return points
