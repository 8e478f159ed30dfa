"""What a candle feed knows, between the wire and its readers: watches, tables, ages, readers. Decides without a loop.

Called on the event loop only; `now_s` is a monotonic reading that the caller takes.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakSet

from workbench.domain.errors import CandleError, SymbolError, ValueRefused
from workbench.domain.market import Candle, Timeframe
from workbench.market.bar_store import BarStore
from workbench.market.bar_watch import BarWatch, Need, Told
from workbench.market.pending_bars import Row

Report = Callable[[Exception], None]


@dataclass(frozen=True, slots=True)
class BarClosed:
    """A bar is over. `candle` is in market time; `wall_at` (UTC) is when the news reached this process."""

    symbol: str
    candle: Candle
    wall_at: datetime


@dataclass(slots=True)
class Lane:
    """One symbol. `heard_s`: when it last had news; `answered_s`: when REST last answered for it, news or not;
    `ask_s`: before then REST is not asked."""

    symbol: str
    watch: BarWatch
    store: BarStore
    heard_s: float = -math.inf
    answered_s: float = -math.inf
    wanted_s: float | None = None
    ask_s: float = -math.inf
    failures: int = 0
    probed_s: float = -math.inf


class Inbox:
    """Closes waiting for one reader. Bounded: the oldest are lost, and counted, when it falls too far behind."""

    def __init__(self, limit: int) -> None:
        self.waiting: deque[BarClosed] = deque(maxlen=limit)
        self.lost = 0

    def put(self, close: BarClosed) -> None:
        self.lost += len(self.waiting) == self.waiting.maxlen
        self.waiting.append(close)


class FeedState:
    """All symbols of a feed."""

    def __init__(self, symbols: Iterable[str], timeframe: Timeframe, flags: bool, keep: int, report: Report) -> None:
        self.timeframe, self.report = timeframe, report
        self.lanes = {
            symbol: Lane(symbol, BarWatch(timeframe.milliseconds, flags), BarStore(keep)) for symbol in symbols
        }
        self.inboxes: WeakSet[Inbox] = WeakSet()
        self.wakers: set[Callable[[], None]] = set()  # called when something was settled
        self.listeners: set[Callable[[], None]] = set()  # called at every word, of a forming bar too
        self.market_ms = 0
        self.amended = 0
        self.cuts = 0
        self._refused: set[tuple[str, float]] = set()

    def lane(self, symbol: str) -> Lane:
        """The lane of a symbol. Raises SymbolError where this feed does not carry it."""
        if symbol not in self.lanes:
            raise SymbolError(f"this feed does not carry {symbol!r}; it carries {', '.join(self.lanes)}")
        return self.lanes[symbol]

    def heard(self, symbol: str, row: Row, final: bool, market_ms: int, now_s: float) -> Told:
        """The stream's word on a bar."""
        if not self._is_sound(symbol, row):
            return Told()
        lane = self.lanes[symbol]
        lane.heard_s = now_s
        self._move(market_ms or int(row[0]))
        told = self._apply(lane, lane.watch.heard(row, final, market_ms))
        self._tell()
        return told

    def cut(self) -> None:
        """The connection broke."""
        self.cuts += 1
        for lane in self.lanes.values():
            lane.watch.cut()

    def read(self, lane: Lane, need: Need, rows: list[Row], market_ms: int | None, now_s: float) -> Told:
        """REST's answer to `need`."""
        filling = lane.watch.settled_ms is None
        rows = [row for row in rows if self._is_sound(lane.symbol, row)]
        told = lane.watch.read(need, rows, market_ms)
        lane.answered_s = now_s
        if told.news:
            lane.heard_s = now_s
        self._move(max(market_ms or 0, int(rows[-1][0]) if rows else 0))
        self._apply(lane, told, silently=filling)
        self.wake()
        self._tell()
        return told

    def wanted(self, now_s: float, grace_s: float) -> list[tuple[Lane, Need]]:
        """What REST should be asked now, most urgent first."""
        found = []
        for lane in self.lanes.values():
            lane.watch.moved(self.market_ms)
            need = lane.watch.need()
            if need is None:
                lane.wanted_s = None
                continue
            lane.wanted_s = now_s if lane.wanted_s is None else lane.wanted_s
            if now_s >= lane.ask_s and (need.urgent or now_s - lane.wanted_s >= grace_s):
                found.append((lane, need))
        return sorted(found, key=lambda pair: (not pair[1].urgent, pair[0].wanted_s))

    @property
    def filled(self) -> bool:
        """Whether every symbol has had its history."""
        return all(lane.watch.settled_ms is not None for lane in self.lanes.values())

    def age_s(self, now_s: float, symbol: str | None = None) -> float:
        heard = self.lanes[symbol].heard_s if symbol else min(lane.heard_s for lane in self.lanes.values())
        return now_s - heard

    def _move(self, market_ms: int) -> None:
        self.market_ms = max(self.market_ms, market_ms)

    def _apply(self, lane: Lane, told: Told, silently: bool = False) -> Told:
        for row in told.amended:
            lane.store.amend(row)
            self.amended += 1
        for row in told.closed:
            lane.store.append(row)
            self._move(int(row[0]) + self.timeframe.milliseconds)
        if told.closed and not silently:
            wall_at = datetime.now(UTC)
            for row in told.closed:
                close = BarClosed(lane.symbol, _candle(lane.symbol, self.timeframe, row), wall_at)
                for inbox in self.inboxes:
                    inbox.put(close)
        if told.closed:
            self.wake()
        return told

    def wake(self) -> None:
        for waker in tuple(self.wakers):
            waker()

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def _is_sound(self, symbol: str, row: Row) -> bool:
        """A bar that breaks the rules of candles is told once and then treated as missing: never mended, never used."""
        try:
            _candle(symbol, self.timeframe, row)
        except (ValueRefused, TypeError) as error:
            if (symbol, row[0]) not in self._refused:
                self._refused.add((symbol, row[0]))
                self.report(CandleError(f"refused a bar of {symbol}, which stays missing: {error}"))
            return False
        return True


def _candle(symbol: str, timeframe: Timeframe, row: Row) -> Candle:
    return Candle(symbol, timeframe, datetime.fromtimestamp(row[0] / 1000, UTC), *row[1:6])
