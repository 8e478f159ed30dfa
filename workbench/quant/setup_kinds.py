"""The setups that come with the house: breakout, retest, range, break of a trend line, match of a pattern. Pure.

Each looks at the bars it is handed, the newest last and closed. Distances are meant in mean true ranges (ATR).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.quant.indicators import true_range
from workbench.quant.setups import Bars, Setup, Trigger
from workbench.quant.swings import swings

REWARD = 2.0  # target, in distances from entry to stop


def _atr(bars: Bars) -> float:
    return float(np.nanmean(true_range(bars.high, bars.low, bars.close)))


def _beyond(bars: Bars, side: int, level: float, words: str) -> Trigger | None:
    """A trigger at the newest close with its stop one ATR behind the level."""
    entry, stop = float(bars.close[-1]), level - side * _atr(bars)
    target = entry + REWARD * (entry - stop)
    return Trigger(side, level, stop, target, words) if min(stop, target) > 0 else None


def _holds(bars: Bars, trigger: Trigger) -> bool:
    return trigger.side * (float(bars.close[-1]) - trigger.level) > 0


@dataclass(frozen=True, slots=True)
class Breakout:
    """A close beyond the extreme of the `lookback` bars before it; confirmed by the next close on that side."""

    lookback: int = 20
    side: int = 1
    name: str = "breakout"

    @property
    def needs(self) -> int:
        return self.lookback + 1

    def watch(self, bars: Bars) -> Trigger | None:
        level = _extreme(bars.before(), self.side)
        if self.side * (bars.close[-1] - level) <= 0:
            return None
        what = "highest high" if self.side > 0 else "lowest low"
        return _beyond(bars, self.side, level, f"closed beyond {level:g}, the {what} of {self.lookback} bars")

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        return _holds(bars, trigger)


@dataclass(frozen=True, slots=True)
class Retest:
    """After a breakout of up to `window` bars ago, the level is touched again and holds at the close."""

    lookback: int = 20
    window: int = 12
    side: int = 1
    tolerance: float = 0.3
    name: str = "retest"

    @property
    def needs(self) -> int:
        return self.lookback + self.window + 1

    def watch(self, bars: Bars) -> Trigger | None:
        n, side = len(bars), self.side
        near = self.tolerance * _atr(bars)
        touch = bars.low[-1] if side > 0 else bars.high[-1]
        for broke in range(n - 2, n - 2 - self.window, -1):
            level = _extreme(bars.before(n - broke), side, self.lookback)
            closes = bars.close[broke:]
            if side * (bars.close[broke] - level) > 0 and (side * (closes - level) > 0).all():
                if side * (touch - level) <= near:
                    return _beyond(bars, side, level, f"back at {level:g}, broken {n - 1 - broke} bars ago, and held")
                return None
        return None

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        if not _holds(bars, trigger):
            return False
        edge = bars.high[-2] if self.side > 0 else bars.low[-2]
        return True if self.side * (bars.close[-1] - edge) > 0 else None


@dataclass(frozen=True, slots=True)
class RangeTurn:
    """The edge of a range is touched and refused: `lookback` bars no wider than `width` ATR, both edges met before."""

    lookback: int = 48
    width: float = 8.0
    tolerance: float = 0.5
    name: str = "range"

    @property
    def needs(self) -> int:
        return self.lookback + 1

    def watch(self, bars: Bars) -> Trigger | None:
        past, atr = bars.before(), _atr(bars)
        top, bottom = _extreme(past, 1), _extreme(past, -1)
        near = self.tolerance * atr
        met = ((past.high >= top - near).sum() >= 2) and ((past.low <= bottom + near).sum() >= 2)
        if not met or not 2 * near < top - bottom <= self.width * atr:
            return None
        close = float(bars.close[-1])
        if not bottom < close < top:
            return None
        if bars.low[-1] <= bottom + near and close > bars.open[-1]:
            return Trigger(1, bottom, bottom - atr, top, f"turned up at {bottom:g}, the foot of the range to {top:g}")
        if bars.high[-1] >= top - near and close < bars.open[-1]:
            return Trigger(-1, top, top + atr, bottom, f"turned down at {top:g}, the head of the range from {bottom:g}")
        return None

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        if not _holds(bars, trigger):
            return False
        return True if trigger.side * (bars.close[-1] - bars.close[-2]) > 0 else None


@dataclass(frozen=True, slots=True)
class LineBreak:
    """A close beyond a trend line.

    line : ((open time in ms, price), (open time in ms, price)) as drawn; None: through the newest two swing highs that
    fall (side +1), or lows that rise (side −1), among the last `lookback` bars.
    """

    side: int = 1
    line: tuple[tuple[int, float], tuple[int, float]] | None = None
    lookback: int = 120
    reach: int = 4
    name: str = "trend-line break"

    @property
    def needs(self) -> int:
        return self.lookback + 1 if self.line is None else 15

    def watch(self, bars: Bars) -> Trigger | None:
        line = self.line or self._found(bars.before())
        if line is None:
            return None
        (t0, p0), (t1, p1) = line
        slope = (p1 - p0) / (t1 - t0)
        before, now = (p0 + slope * (int(bars.opened_ms[at]) - t0) for at in (-2, -1))
        crossed = self.side * (bars.close[-2] - before) <= 0 < self.side * (bars.close[-1] - now)
        return (
            _beyond(bars, self.side, now, f"closed beyond the trend line at {now:g}") if crossed and now > 0 else None
        )

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        return _holds(bars, trigger)

    def _found(self, bars: Bars) -> tuple[tuple[int, float], tuple[int, float]] | None:
        points = [swing for swing in swings(bars.high, bars.low, self.reach) if swing.side == self.side][-2:]
        if len(points) < 2 or self.side * (points[1].price - points[0].price) >= 0:
            return None
        one, other = ((int(bars.opened_ms[point.at]), point.price) for point in points)
        return one, other


Recognise = Callable[[Bars], tuple[str, float] | None]


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A pattern found in the newest bars. recognise : bars → (its name, probability) or None; it may look at nothing
    else. stop and target are fractions of the close, as the pattern's own rule has them."""

    recognise: Recognise
    length: int = 60
    least: float = 0.6
    side: int = 1
    stop: float = 0.015
    target: float = 0.03
    name: str = "pattern"

    @property
    def needs(self) -> int:
        return self.length

    def watch(self, bars: Bars) -> Trigger | None:
        found = self.recognise(bars)
        if found is None or found[1] < self.least:
            return None
        close = float(bars.close[-1])
        stop, target = close * (1 - self.side * self.stop), close * (1 + self.side * self.target)
        return Trigger(self.side, close, stop, target, f"{found[0]} recognised, {100 * found[1]:.0f} %")

    def confirms(self, bars: Bars, trigger: Trigger) -> bool | None:
        if trigger.side * (float(bars.close[-1]) - trigger.stop) <= 0:
            return False
        return True if _holds(bars, trigger) else None


def _extreme(bars: Bars, side: int, lookback: int | None = None) -> float:
    values = bars.high if side > 0 else bars.low
    recent = values[-lookback:] if lookback else values
    return float(recent.max() if side > 0 else recent.min())


KINDS: dict[str, Callable[[int], Setup]] = {
    "breakout": lambda side: Breakout(side=side),
    "retest": lambda side: Retest(side=side),
    "range": lambda side: RangeTurn(),
    "line": lambda side: LineBreak(side=side),
}
"""Setups that need nothing but a side, by the word that a command takes."""
