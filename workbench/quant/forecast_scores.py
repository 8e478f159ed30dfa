"""One forecast against what happened, in units that markets, horizons and quiet or wild days share.

The unit is σ, the desk's plain guess of the spread of the log return over the horizon, from the last closes before the
forecast. The naive forecast everybody is measured against: today's price, with the moves of those closes around it.
Closes are of the desk's own bars, an array on a full grid with NaN where a bar is missing. Pure; nothing here sees
more than it is given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import LEVELS, as_fan, quantiles_at
from workbench.quant.scoring import crps, pinball, pit, qlike

HISTORY = 720  # bars before the forecast that the naive forecast is made of
LEAST = 60
LONGEST = 8  # bars of the moves it is made of; longer horizons are scaled by the root of time
RECENT = 48
CALM, WILD = 0.7, 1.4
REGIMES = ("calm", "usual", "wild")


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What a forecast made at one close is measured with. sigma : std of the log return over the horizon; moves : past
    moves in σ, centred, (n,); regime : how the last day compares with the last weeks."""

    reference: float
    sigma: float
    moves: np.ndarray
    regime: str

    def naive(self, levels: ArrayLike) -> np.ndarray:
        """Quantiles of the naive forecast in σ, shape of `levels`."""
        return np.quantile(self.moves, np.asarray(levels, dtype=float))

    def in_sigmas(self, prices: ArrayLike) -> np.ndarray:
        return np.log(np.asarray(prices, dtype=float) / self.reference) / self.sigma


@dataclass(frozen=True, slots=True)
class Score:
    """Losses in σ, smaller is better. pinball : mean over the forecast's levels. pit : where the outcome fell, (0, 1).
    qlike, qlike_naive : NaN where no volatility was given, or the bars on the way are not all known."""

    outcome: float
    crps: float
    naive: float
    pinball: float
    pit: float
    qlike: float
    qlike_naive: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened: the close at the moment meant, and the sum of squared log returns on the way (NaN: unknown)."""

    price: float
    variance: float = float("nan")


def yardstick(closes: ArrayLike, horizon: int) -> Yardstick:
    """closes : (n,), the last of them the close that the forecast was made from. horizon : bars of those closes.

    Raises ValueRefused where the last close is missing, history is shorter than 60 moves, or nothing moved.
    """
    past = np.asarray(closes, dtype=float)[-HISTORY - 1 :]
    if not past.size or not past[-1] > 0:
        raise ValueRefused("no closed bar ends where the forecast was made")
    steps = min(horizon, LONGEST)
    logs = np.log(past)
    moves = logs[steps:] - logs[:-steps]
    moves = moves[np.isfinite(moves)]
    if moves.size < LEAST:
        raise ValueRefused(f"{moves.size} moves before the forecast are too few to tell its size; {LEAST} are needed")
    spread = float(np.sqrt(np.mean(moves**2)))
    if not spread > 0:
        raise ValueRefused("the market did not move before the forecast, so nothing can be compared")
    return Yardstick(
        reference=float(past[-1]),
        sigma=spread * float(np.sqrt(horizon / steps)),
        moves=(moves - np.median(moves)) / spread,
        regime=_regime(np.diff(logs)),
    )


def _regime(returns: np.ndarray) -> str:
    recent, all_ = (
        np.sqrt(np.nanmean(part**2)) if np.isfinite(part).any() else np.nan for part in (returns[-RECENT:], returns)
    )
    if not (np.isfinite(recent) and all_ > 0):
        return REGIMES[1]
    ratio = recent / all_
    return REGIMES[0] if ratio < CALM else REGIMES[2] if ratio > WILD else REGIMES[1]


def outcome(closes: ArrayLike, horizon: int) -> Outcome:
    """closes : (horizon + 1,), from the close forecast from to the one meant. LOOKS AHEAD of the forecast, of course.

    Raises ValueRefused where the last bar is missing.
    """
    way = np.asarray(closes, dtype=float)
    if way.size != horizon + 1 or not way[-1] > 0:
        raise ValueRefused("no closed bar ends where the forecast matures")
    return Outcome(float(way[-1]), float(np.sum(np.diff(np.log(way)) ** 2)))


def score(
    levels: ArrayLike, prices: ArrayLike, stick: Yardstick, happened: Outcome, volatility: float | None, uniform: float
) -> Score:
    """Score one fan of prices (n_levels,). volatility : the bot's own, std of the log return over the horizon.

    uniform : a draw from (0, 1) that the PIT needs where a fan does not say more.
    """
    p, values = as_fan(levels, stick.in_sigmas(prices))
    y = float(stick.in_sigmas(happened.price))
    variance = np.nan if volatility is None else volatility**2
    judged = np.isfinite(variance)
    return Score(
        outcome=happened.price,
        crps=float(crps(p, values, y)),
        naive=float(crps(p, stick.naive(p), y)),
        pinball=float(pinball(p, values, y).mean()),
        pit=float(pit(p, values, y, uniform)),
        qlike=float(qlike(happened.variance, variance)) if judged else np.nan,
        qlike_naive=float(qlike(happened.variance, stick.sigma**2)) if judged else np.nan,
    )


def for_trust(levels: ArrayLike, prices: ArrayLike, stick: Yardstick) -> np.ndarray:
    """The fan in σ at the levels that trust is kept at, (len(LEVELS),)."""
    return quantiles_at(levels, stick.in_sigmas(prices), LEVELS)
