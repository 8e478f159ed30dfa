"""Forecast fans without a learnt model: what the market's own standardised moves were, at today's volatility."""

import numpy as np
from numpy.typing import NDArray

from workbench.bots.research.strategy import LEVELS

LONGEST = 8  # bars; longer moves overlap too much in a thousand bars, they are scaled by the root of time
LEAST = 60
# standardised log returns of the five sample coins, 2017-10 to 2018-04: used where history is too short to count
FALLBACK = (-1.62, -1.13, -0.48, 0.0, 0.47, 1.07, 1.54)


def empirical_fan(
    close: NDArray[np.float64], volatility: NDArray[np.float64], horizon: int, drift: float = 0.0
) -> tuple[float, ...]:
    """Prices at LEVELS `horizon` bars ahead, rising.

    close, volatility : shape (n,), the latter a bar's log volatility known at that bar. drift : shift of the whole fan
    in standard deviations over the horizon (a signal's modest opinion; 0 has none). Uses the rows given, no later one.
    """
    steps = min(horizon, LONGEST)
    moves = np.log(close[steps:] / close[:-steps]) / (volatility[:-steps] * np.sqrt(steps))
    moves = moves[np.isfinite(moves)]
    shape = np.quantile(moves, LEVELS) if len(moves) >= LEAST else np.array(FALLBACK)
    centred = shape - shape[LEVELS.index(0.5)] + drift
    now = volatility[-1] if np.isfinite(volatility[-1]) and volatility[-1] > 0 else 0.01
    return rising(close[-1] * np.exp(centred * now * np.sqrt(horizon)))


def rising(prices: NDArray[np.float64]) -> tuple[float, ...]:
    """Sorted (crossed quantiles are put in order) as plain floats."""
    return tuple(float(price) for price in np.sort(prices))
