"""Has it changed? Online change points with a false-alarm rate that holds for any distribution.

Each new value is ranked among those since the last change (ties broken by a uniform draw that the caller passes). While
nothing changes, values are exchangeable and these ranks are independent and uniform, whatever the distribution: Vovk's
conformal p-values. Bets on ranks being high, or low, are multiplied up in the manner of Shiryaev and Roberts; the sum
minus the number of bars is a martingale, so that alarms at `patience` come on average no sooner than every `patience`
bars (an e-detector, Shin, Ramdas & Rinaldo 2022). Returns are not exchangeable (calm and wild bars cluster), and
`patience` is then no promise: watch returns divided by a volatility forecast, or their size.
"""

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused

POWERS = (0.5, 0.7, 0.85)  # bets κ p^(κ−1): from few and extreme values to a slight shift of all
N_BETS = 2 * len(POWERS)


@dataclass(frozen=True, slots=True)
class Watch:
    """State between two bars. seen : values since the last restart, sorted. wealth : of each bet, Shiryaev–Roberts;
    streak, began : of each bet, cumulative product since it last began to win, and at which bar of the watch."""

    patience: float
    seen: tuple[float, ...] = ()
    wealth: tuple[float, ...] = (0.0,) * N_BETS
    streak: tuple[float, ...] = (1.0,) * N_BETS
    began: tuple[int, ...] = (0,) * N_BETS

    def __post_init__(self) -> None:
        if not self.patience > 1:
            raise ValueRefused(f"patience is a number of bars above 1, got {self.patience}")

    @property
    def evidence(self) -> float:
        """Mean wealth; an alarm once it reaches `patience`."""
        return sum(self.wealth) / N_BETS


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Row at which the alarm came, and the row from which the winning bet had been winning: the likely change."""

    alarm: int
    began: int


def watched(watch: Watch, value: float, uniform: float) -> Watch:
    """Watch after one more value; `uniform`, a draw from (0, 1), breaks ties and fills the gap between ranks.

    A value that is not finite changes nothing.
    """
    if not np.isfinite(value):
        return watch
    bar = len(watch.seen)
    below, upto = bisect.bisect_left(watch.seen, value), bisect.bisect_right(watch.seen, value)
    rank = min(max((below + uniform * (upto - below + 1)) / (bar + 1), 1e-12), 1 - 1e-12)
    odds = [k * p ** (k - 1) for p in (rank, 1 - rank) for k in POWERS]
    wealth = tuple([(w + 1) * odd for w, odd in zip(watch.wealth, odds, strict=True)])
    began = tuple([bar if s <= 1 else b for s, b in zip(watch.streak, watch.began, strict=True)])
    streak = tuple([max(s, 1.0) * odd for s, odd in zip(watch.streak, odds, strict=True)])
    seen = (*watch.seen[:below], value, *watch.seen[below:])
    return Watch(watch.patience, seen, wealth, streak, began)


def change_points(values: ArrayLike, uniforms: ArrayLike, patience: float = 1000.0) -> list[ChangePoint]:
    """All alarms over a series (n_bars,), oldest first; after each the watch starts anew with the next value.

    uniforms : (n_bars,) draws from (0, 1). Row t reads rows up to t.
    """
    found, watch, rows = [], Watch(patience), []
    for row, (value, uniform) in enumerate(zip(np.asarray(values), np.asarray(uniforms), strict=True)):
        if np.isfinite(value):
            rows.append(row)
        watch = watched(watch, float(value), float(uniform))
        if watch.evidence >= patience:
            leader = max(range(N_BETS), key=watch.streak.__getitem__)
            found.append(ChangePoint(row, rows[watch.began[leader]]))
            watch, rows = Watch(patience), []
    return found
