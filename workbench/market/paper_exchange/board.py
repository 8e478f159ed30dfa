"""What a market shows at a moment: bars, trades, book, day's figures. Whole numbers (see `Market`), times in market
milliseconds. `ReplayBoard` reads them off a tape at the replay's position; the mirror has its own board.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple, Protocol

from workbench.market.paper_exchange.books import Level, Quote
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.recording import STEPS, Recording

LEVELS = 20
DAY_MS = 86_400_000


class Bar(NamedTuple):
    """A bar, closed or forming. `value`: quote volume in points × units; `bought`: volume taken by buyers."""

    opened_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    trades: int
    bought: int
    first_trade: int


class MarketTrade(NamedTuple):
    """A trade of the market. `by_seller`: the seller took (Binance's 'buyer is maker')."""

    trade_id: int
    price: int
    amount: int
    at_ms: int
    by_seller: bool


class BookView(NamedTuple):
    """Price levels, best first: (points, units)."""

    update_id: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Board(Protocol):
    """One market, now."""

    market: Market

    @property
    def now_ms(self) -> int: ...
    def quote(self) -> Quote: ...
    def last_trade(self) -> MarketTrade | None: ...
    def forming_bar(self) -> Bar | None: ...
    def bars(self, start_ms: int, end_ms: int) -> list[Bar]: ...
    def newest(self, count: int, end_ms: int) -> list[Bar]: ...
    def trades(
        self, count: int, from_id: int | None = None, since: int | None = None, until: int | None = None
    ) -> list[MarketTrade]: ...
    def book(self) -> BookView: ...
    def book_before(self) -> BookView: ...


class ReplayBoard:
    """A market of a recording at the position that `cursor` holds; everything is a function of that position."""

    def __init__(self, recording: Recording, symbol: str, cursor: "Cursor", share: float):
        self.recording, self.symbol, self.cursor = recording, symbol, cursor
        self.tape = recording.tapes[symbol]
        self.market = self.tape.market
        self.share = Decimal(str(share))
        self._seen, self._seen_at = (-1, False), -1

    @property
    def now_ms(self) -> int:
        return self.recording.time_of(self.cursor.position)

    def _look(self) -> tuple[int, bool]:
        """The newest row, and whether it is the bar being played; looked up once a position."""
        position = self.cursor.position
        if position != self._seen_at:
            self._seen, self._seen_at = self.recording.row_at(self.symbol, position // STEPS), position
        return self._seen

    @property
    def place(self) -> int:
        """Steps this market has played, which numbers its trades and book updates; -1 before its first."""
        row, forming = self._look()
        return row * STEPS + (self.cursor.position % STEPS if forming else STEPS - 1) if row >= 0 else -1

    @property
    def trades_now(self) -> bool:
        """Whether this market's bar is being played at this position."""
        return self._look()[1]

    def price_at(self, place: int) -> int:
        return self.tape.path(place // STEPS)[place % STEPS]

    def trade_at(self, place: int) -> MarketTrade:
        row, step = divmod(place, STEPS)
        price = self.tape.path(row)[step]
        at_ms = self.tape.opened[row] + step * self.recording.step_ms
        return MarketTrade(
            place + 1, price, self.tape.shares(row)[step], at_ms, place > 0 and price < self.price_at(place - 1)
        )

    def last_trade(self) -> MarketTrade | None:
        place = self.place
        return self.trade_at(place) if place >= 0 else None

    def quote(self) -> Quote:
        """Orders trade at the price of the step itself, since recorded bars carry no spread."""
        place = self.place
        if place < 0:
            return Quote((), (), self.now_ms, False)
        offer = (Level(self.market.price(self.price_at(place)), self.takeable(place)),)
        return Quote(offer, offer, self.now_ms, self.trades_now)

    def takeable(self, place: int) -> Decimal:
        """What our orders may have of a step's volume."""
        row, step = divmod(place, STEPS)
        return self.market.amount(self.tape.shares(row)[step]) * self.share

    def bar(self, row: int, steps: int = STEPS) -> Bar:
        """The first `steps` steps of a bar: all four when it has closed."""
        path, shares = self.tape.path(row), self.tape.shares(row)
        before = self.tape.close[row - 1] if row else path[0]
        volume = value = bought = 0
        for price, amount in zip(path[:steps], shares, strict=False):
            volume += amount
            value += price * amount
            if price >= before:
                bought += amount
            before = price
        high, low = max(path[:steps]), min(path[:steps])
        return Bar(self.tape.opened[row], path[0], high, low, before, volume, value, steps, bought, row * STEPS + 1)

    def forming_bar(self) -> Bar | None:
        """The bar of this moment, as far as it has come."""
        row, forming = self._look()
        return self.bar(row, self.cursor.position % STEPS + 1) if forming else None

    def bars(self, start_ms: int, end_ms: int) -> list[Bar]:
        """Bars that opened in [start_ms, end_ms], the forming one included."""
        first, last = self.tape.rows_between(start_ms, min(end_ms, self.now_ms))
        return self._rows(first, last)

    def newest(self, count: int, end_ms: int) -> list[Bar]:
        """The newest `count` bars that opened at or before `end_ms`."""
        _, last = self.tape.rows_between(0, min(end_ms, self.now_ms))
        return self._rows(max(0, last - count), last)

    def _rows(self, first: int, last: int) -> list[Bar]:
        row, forming = self._look()
        closed_end = row if forming else row + 1
        found = [self.bar(one) for one in range(first, min(last, closed_end))]
        if forming and first <= row < last:
            found.append(self.bar(row, self.cursor.position % STEPS + 1))
        return found

    def trades(
        self, count: int, from_id: int | None = None, since: int | None = None, until: int | None = None
    ) -> list[MarketTrade]:
        """At most `count` trades: from an id or a time on, else the newest; oldest first, none of amount zero."""
        end = self.place + 1
        if until is not None and until < self.now_ms:
            end = min(end, self.tape.rows_between(0, until)[1] * STEPS)
        start = max(0, end - count)
        if from_id is not None:
            start = max(0, from_id - 1)
        elif since is not None:
            start = max(0, (self.tape.rows_between(since, since)[0] - 1) * STEPS)
        found: list[MarketTrade] = []
        for place in range(start, end):
            trade = self.trade_at(place)
            if trade.amount and (since is None or trade.at_ms >= since) and (until is None or trade.at_ms <= until):
                found.append(trade)
                if len(found) == count:
                    break
        return found

    def book(self) -> BookView:
        return self._book_at(self.place)

    def book_before(self) -> BookView:
        return self._book_at(self.place - 1)

    def _book_at(self, place: int) -> BookView:
        """A level at each tick on both sides of the last price; a side holds about what one account may take."""
        if place < 0:
            return BookView(0, (), ())
        row, step = divmod(place, STEPS)
        price, tick, lot = self.price_at(place), self.market.tick_points, self.market.lot_units
        size = max(1, int(self.tape.shares(row)[step] * self.share) // LEVELS // lot) * lot
        below, above = (price - 1) // tick * tick, (price // tick + 1) * tick
        bids = tuple((below - i * tick, size) for i in range(LEVELS) if below > i * tick)
        return BookView(place + 1, bids, tuple((above + i * tick, size) for i in range(LEVELS)))


class Cursor:
    """Where the replay stands."""

    __slots__ = ("position",)

    def __init__(self, position: int):
        self.position = position


def aggregate(bars: Iterable[Bar], interval_ms: int, anchor_ms: int = 0) -> list[Bar]:
    """Bars of a longer interval out of shorter ones, by the interval each opened in."""
    found: list[Bar] = []
    for bar in bars:
        opened = (bar.opened_ms - anchor_ms) // interval_ms * interval_ms + anchor_ms
        if found and found[-1].opened_ms == opened:
            found[-1] = _joined(found[-1], bar)
        else:
            found.append(bar._replace(opened_ms=opened))
    return found


def _joined(old: Bar, new: Bar) -> Bar:
    return Bar(
        old.opened_ms,
        old.open,
        max(old.high, new.high),
        min(old.low, new.low),
        new.close,
        old.volume + new.volume,
        old.value + new.value,
        old.trades + new.trades,
        old.bought + new.bought,
        old.first_trade,
    )


class DayFigures(NamedTuple):
    """The last 24 hours of a market: bars whose open lies in them."""

    bar: Bar
    last: MarketTrade
    opened_ms: int
    before: int


def day_figures(board: Board) -> DayFigures | None:
    """None before a market's first trade."""
    last, now = board.last_trade(), board.now_ms
    if last is None:
        return None
    bars = board.bars(now - DAY_MS + 1, now)
    if not bars:  # nothing traded for a day: the last price stands alone
        bars = [Bar(now, last.price, last.price, last.price, last.price, 0, 0, 0, 0, last.trade_id)]
    whole = aggregate(bars, 10**15)[0]
    before = board.trades(1, from_id=max(1, whole.first_trade - 1))
    return DayFigures(whole, last, bars[0].opened_ms, before[0].price if before else whole.open)
