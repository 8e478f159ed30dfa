"""What coverage an honest interval shows in its emptiest window: the yardstick for "worst 500 hours".

Nobody's 90 % interval covers 90 % of every window: outcomes are chance, the emptiest of thousands of windows is picked,
and outcomes several bars ahead overlap, so that 500 hours hold about twenty independent days. Simulated here for an
oracle that knows the distribution itself: hourly returns are normal, correlated between symbols as asked, and its
interval holds exactly what it says. Real candles have wilder moves, which make good windows rarer, not more frequent.
"""

import numpy as np

from workbench.quant.scoring import worst_window

HALF_WIDTH = 1.6448536269514722  # of the central 90 % of a standard normal


def honest_worst(
    shape: tuple[int, int], horizon: int, alike: float, rng: np.random.Generator, runs: int = 60, width: int = 500
) -> np.ndarray:
    """Emptiest window of `width` origins of an exact 90 % interval, run by run: (runs,), fractions.

    shape : (origins, symbols). horizon : bars ahead, an origin at every bar. alike : correlation of any two symbols'
    returns, in [0, 1).
    """
    origins, symbols = shape
    found = []
    for _ in range(runs):
        market, own = rng.normal(size=(origins + horizon, 1)), rng.normal(size=(origins + horizon, symbols))
        levels = np.cumsum(np.sqrt(alike) * market + np.sqrt(1 - alike) * own, axis=0)
        moves = (levels[horizon:] - levels[:-horizon]) / np.sqrt(horizon)
        found.append(worst_window(np.abs(moves) <= HALF_WIDTH, width))
    return np.array(found)


def mean_correlation(returns: np.ndarray) -> float:
    """Mean correlation of the columns of `returns` (n_bars, n_symbols) with each other; rows with NaN are left out."""
    table = np.corrcoef(returns[np.isfinite(returns).all(axis=1)], rowvar=False)
    return float(table[~np.eye(len(table), dtype=bool)].mean())
