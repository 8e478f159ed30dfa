"""What a band of prices has meant to a market: visits, how they ended, time and volume in it, what came after. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ValueRefused
from workbench.quant.counts import median_interval, share_interval

Array = NDArray[np.float64]
FAR = 3.0  # so many times beyond everything the market has done, a zone is taken for a slip


@dataclass(frozen=True, slots=True)
class Reaction:
    """Log returns over `horizon` bars from the close of a touch, counted away from the zone on the side it came from.

    n : touches with a whole horizon behind them, at least a horizon apart. interval : 90 % of the median, None where
    too few. usual : median absolute return over as many bars, of all bars: what a move is in this market.
    """

    horizon: int
    n: int
    median: float | None
    interval: tuple[float, float] | None
    usual: float | None


@dataclass(frozen=True, slots=True)
class ZoneStudy:
    """touches : visits from outside that are over or not; held, broken : how the finished ones ended. hold_interval :
    90 % of held ÷ finished. bars_inside : closes within ÷ all; volume_inside : share of the volume, each bar's spread
    evenly over its range. first, last : rows of the first and the last touch, None where there is none. inside : the
    newest close lies in the zone. away : distance of the newest close from the nearer edge, fraction of that close, 0
    inside, positive above the zone. usual_hold : the share of visits that bands of this width held anywhere in this
    market (see `usual_hold`): what holding means by chance.
    """

    low: float
    high: float
    touches: int
    held: int
    broken: int
    hold_interval: tuple[float, float]
    bars_inside: float
    volume_inside: float
    first: int | None
    last: int | None
    inside: bool
    away: float
    reaction: Reaction
    usual_hold: float | None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A zone that this market has never been near: the numbers are another market's, or a slip."""

    low: float
    high: float
    lowest: float
    highest: float
    last: float

    @property
    def words(self) -> str:
        middle = (self.low + self.high) / 2
        times = middle / self.last if middle > self.last else self.last / middle
        side = "above" if middle > self.last else "below"
        known = f"it has traded between {self.lowest:,.6g} and {self.highest:,.6g}, the last close is {self.last:,.6g}"
        return f"{self.low:,.10g} – {self.high:,.10g} is about {times:,.0f} times {side} this market: {known}"


def study(
    high: Array, low: Array, close: Array, volume: Array, bottom: float, top: float, horizon: int = 24
) -> ZoneStudy | Unreachable:
    """Study the zone from `bottom` to `top` over closed bars. Arrays (n,), n ≥ 2, no NaN; prices in quote currency.

    Raises ValueRefused for a zone that is none, or too few bars.
    """
    if not 0 < bottom < top < np.inf:
        raise ValueRefused(f"a zone goes from a lower to a higher price above 0, got {bottom} to {top}")
    if len(close) < 2 or horizon < 1:
        raise ValueRefused(f"a zone is studied over two bars or more and a horizon of 1 or more, got {len(close)}")
    lowest, highest, last = float(low.min()), float(high.max()), float(close[-1])
    if bottom > FAR * highest or top < lowest / FAR:
        return Unreachable(bottom, top, lowest, highest, last)
    visits = visits_of(high, low, close, bottom, top)
    ended = [visit.held for visit in visits if visit.held is not None]
    held = sum(ended)
    away = (last - top) / last if last > top else (last - bottom) / last if last < bottom else 0.0
    return ZoneStudy(
        low=bottom,
        high=top,
        touches=len(visits),
        held=held,
        broken=len(ended) - held,
        hold_interval=share_interval(held, len(ended)),
        bars_inside=float(((close >= bottom) & (close <= top)).mean()),
        volume_inside=_volume_inside(high, low, volume, bottom, top),
        first=visits[0].at if visits else None,
        last=visits[-1].at if visits else None,
        inside=bottom <= last <= top,
        away=float(away),
        reaction=_reaction(visits, close, horizon),
        usual_hold=usual_hold(high, low, close, top / bottom),
    )


def usual_hold(high: Array, low: Array, close: Array, ratio: float, bands: int = 40) -> float | None:
    """Held ÷ finished visits over bands of one width (`ratio`: top ÷ bottom, > 1) laid evenly over the prices of the
    middle nine tenths of closes. None where nothing visited any of them. What a level's own share is to be held
    against: a bar that dips into a band mostly closes where it came from, whatever the band."""
    begin, end = np.log(np.quantile(close, [0.05, 0.95]))
    held = over = 0
    for foot in np.exp(np.linspace(begin, end, bands)):
        ended = [visit.held for visit in visits_of(high, low, close, foot, foot * ratio) if visit.held is not None]
        held, over = held + sum(ended), over + len(ended)
    return held / over if over else None


@dataclass(frozen=True, slots=True)
class Visit:
    """The market came to the zone at row `at`, from above (+1) or below (−1). held: it left where it came from; None
    while it has not left."""

    at: int
    side: int
    held: bool | None


def visits_of(high: Array, low: Array, close: Array, bottom: float, top: float, first: int = 1) -> list[Visit]:
    """Every visit from row `first` on.

    A visit begins with a bar that reaches into the zone after a close outside it, or that closes beyond it, and ends
    with the first close outside it. A bar that jumps over the zone has broken it. A close inside at the very start
    belongs to no visit.
    """
    where = np.where(close > top, 1, np.where(close < bottom, -1, 0))
    reached = (low <= top) & (high >= bottom)
    found: list[Visit] = []
    since, came = 0, 0
    for t in range(max(first, 1), len(close)):
        before, now = int(where[t - 1]), int(where[t])
        if not came and before and (reached[t] or now == -before):
            since, came = t, before
        if came and now:
            found.append(Visit(since, came, now == came))
            came = 0
    return [*found, Visit(since, came, None)] if came else found


def _volume_inside(high: Array, low: Array, volume: Array, bottom: float, top: float) -> float:
    overlap = np.clip(np.minimum(high, top) - np.maximum(low, bottom), 0.0, None)
    span = high - low
    flat = ((low >= bottom) & (high <= top)).astype(float)  # a bar without a range is inside or it is not
    share = np.divide(overlap, span, out=flat, where=span > 0)
    total = float(volume.sum())
    return float((share * volume).sum() / total) if total > 0 else 0.0


def _reaction(visits: list[Visit], close: Array, horizon: int) -> Reaction:
    logs = np.log(close)
    moves, free = [], 0
    for visit in visits:
        if visit.at >= free and visit.at + horizon < len(close):
            moves.append(visit.side * (logs[visit.at + horizon] - logs[visit.at]))
            free = visit.at + horizon
    usual = float(np.median(np.abs(logs[horizon:] - logs[:-horizon]))) if len(close) > horizon else None
    median = float(np.median(moves)) if moves else None
    return Reaction(horizon, len(moves), median, median_interval(moves), usual)
