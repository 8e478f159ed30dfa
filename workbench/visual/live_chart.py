"""One live chart as data: closed bars, the forming one, and what is drawn around them. Pure: no clock, wire or loop.

Every change raises `rev`. A page that stands at a revision gets what changed since as one small message, however much
happened in between; one that is too far behind gets everything anew.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from workbench.domain.market import Timeframe

Json = dict[str, Any]
Row = list[float]  # [opened_ms, open, high, low, close, volume]
PARTS = ("forming", "overlay", "ribbon", "confidence", "status", "mode", "trading")
REMEMBERED = 512  # changes of bars; who is further behind gets a snapshot


class LiveChartRenderer:
    """`load`, `sync`, `put` bring it up to date; `snapshot`, `changes` give messages for a page.

    Bars are keyed by open time (epoch ms, UTC) and only ever closed ones; the forming bar is a part of its own and
    opens after all of them. Prices in quote currency; numbers go out exactly as they came in.

    Finished trades (`trade_rows`) are told one by one, as bars are; what is open stands in "trading": {"open": rows,
    "bots": colours, "older": how many finished ones are not here}.
    """

    def __init__(self, symbol: str, timeframe: Timeframe, keep: int = 5000):
        self.symbol, self.timeframe, self.keep = symbol, timeframe, keep
        self.rev = 0
        self._bars: dict[int, Row] = {}
        self._changed: deque[tuple[int, int]] = deque()
        self._forgotten = 0  # changes of bars up to this revision are no longer told apart
        self._parts: dict[str, tuple[int, Any]] = {name: (0, None) for name in PARTS}
        self._trades: dict[str, tuple[int, Json]] = {}

    @property
    def bars(self) -> list[Row]:
        """The closed bars, rising, as many as are kept."""
        return list(self._bars.values())

    @property
    def trades(self) -> list[Json]:
        """The finished trades, oldest first."""
        return [row for _, row in self._trades.values()]

    def part(self, name: str) -> Any:
        """What stands in one of PARTS, None where nothing does."""
        return self._parts[name][1]

    def load(self, closed: Sequence[Row], forming: Row | None) -> None:
        """Begin anew from these closed bars: pages get everything again, unless nothing differs."""
        bars = {int(row[0]): list(row) for row in closed[-self.keep :]}
        if bars != self._bars:
            self.rev += 1
            self._bars, self._forgotten = bars, self.rev
            self._changed.clear()
        self.sync((), forming)

    def sync(self, closed: Sequence[Row], forming: Row | None) -> bool:
        """Take newer or amended closed bars (rising; older ones may be left out) and the forming one; was it news?"""
        before = self.rev
        for row in closed:
            opened = int(row[0])
            if self._bars.get(opened) != row and (opened in self._bars or opened > self._newest):
                self.rev += 1
                self._bars[opened] = list(row)
                self._changed.append((self.rev, opened))
        self._trim()
        self.put("forming", list(forming) if forming is not None and forming[0] > self._newest else None)
        return self.rev > before

    def put(self, name: str, value: Any) -> bool:
        """Replace one of PARTS with JSON data; was it news?"""
        if self._parts[name][1] == value:
            return False
        self.rev += 1
        self._parts[name] = (self.rev, value)
        return True

    def put_trades(self, finished: Sequence[Json], trading: Any) -> bool:
        """Have these finished trades (rows, oldest first) and this in "trading"; was it news?

        Pages hear of new ones only; where those they have are not among these, of all anew. Of old ones that have left
        they need not hear: they lie before the first bar.
        """
        before, known = self.rev, self._trades
        if known and not any(row["id"] in known for row in finished):
            self.rev += 1
            known, self._forgotten = {}, self.rev
            self._changed.clear()
        self._trades = {}
        for row in finished:
            rev, was = known.get(row["id"], (0, None))
            if was != row:
                self.rev = rev = self.rev + 1
            self._trades[row["id"]] = (rev, row)
        self.put("trading", trading)
        return self.rev > before

    def snapshot(self) -> Json:
        """Everything a page needs."""
        parts = {name: value for name, (_, value) in self._parts.items()}
        about = {"symbol": self.symbol, "timeframe": str(self.timeframe), "step": self.timeframe.milliseconds}
        return {"kind": "chart", "rev": self.rev, **about, "bars": self.bars, "trades": self.trades, **parts}

    def changes(self, since: int) -> Json | None:
        """What changed after revision `since`: None for nothing, a snapshot where that is not known any more."""
        if since == self.rev:
            return None
        if not self._forgotten <= since < self.rev:
            return self.snapshot()
        opened = dict.fromkeys(at for rev, at in self._changed if rev > since)
        parts = {name: value for name, (rev, value) in self._parts.items() if rev > since}
        bars = [self._bars[at] for at in sorted(opened) if at in self._bars]
        trades = [row for rev, row in self._trades.values() if rev > since]
        rows = ({"bars": bars} if bars else {}) | ({"trades": trades} if trades else {})
        return {"kind": "diff", "since": since, "rev": self.rev, **rows, **parts}

    @property
    def _newest(self) -> int:
        return next(reversed(self._bars), -1)

    def _trim(self) -> None:
        while len(self._bars) > self.keep:
            del self._bars[next(iter(self._bars))]
        while len(self._changed) > REMEMBERED:
            self._forgotten = self._changed.popleft()[0]


def freshness(silent_s: float, unasked_s: float, limit_s: float) -> str:
    """'live': heard of within `limit_s`. 'quiet': silent, but the venue was asked within `limit_s` and has nothing
    newer. 'stale': neither; the figure is older than it should be. NaN counts as stale."""
    if silent_s <= limit_s:
        return "live"
    return "quiet" if unasked_s <= limit_s else "stale"


def stale_after_s(bar_wall_s: float) -> float:
    """How long a chart may be silent: two and a half bars of wall time, from 2 s to 4.5 s (so that 5 s are kept)."""
    return min(max(2.5 * bar_wall_s, 2.0), 4.5)
