"""A correlation through time with the interval that belongs to it, on returns that are heavy-tailed and cluster.

The standard error is that of the mean of each bar's influence, with Bartlett weights (see `correlation_change`),
carried through Fisher's transform so that the interval stays inside [−1, 1]. Row t looks at bars up to its
window's end.
"""

import numpy as np
from scipy.stats import norm

from workbench.quant.correlation import window_ends
from workbench.quant.correlation_change import influence, long_run


def correlation_path(x, y, window: int, step: int = 1, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """(ends, values): index of each window's last bar, and rows (correlation, low, high) of shape (n_windows, 3).

    x, y : (n,) returns in step, NaN where missing; a window with fewer than half its bars, or standing still, is NaN.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ends = window_ends(len(x), window, step)
    reach = float(norm.ppf((1 + level) / 2))
    rows = [_one(x[end + 1 - window : end + 1], y[end + 1 - window : end + 1], reach) for end in ends]
    return ends, np.array(rows).reshape(-1, 3)


def _one(x: np.ndarray, y: np.ndarray, reach: float) -> tuple[float, float, float]:
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < max(10, len(x) // 2):
        return np.nan, np.nan, np.nan
    rho, e = influence(x[both], y[both])
    if not abs(rho) < 1 - 1e-12:
        return rho, rho, rho
    error = np.sqrt(long_run(e) / len(e)) / (1 - rho * rho)
    low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]) * error)
    return rho, float(low), float(high)
