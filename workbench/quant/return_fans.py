"""Where a price may be: naive about direction, learned about spread.

The level is today's price (nobody beats it, see docs/learning.md); the spread is a variance forecast; the shape of the
tails is what past returns looked like after division by the forecast made for them.
"""

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import LEVELS, as_levels

NORMAL_SHAPE = (-1.645, -1.282, -0.842, -0.524, -0.253, 0.0, 0.253, 0.524, 0.842, 1.282, 1.645)  # at LEVELS


def future_returns(closes: ArrayLike, horizon: int) -> np.ndarray:
    """Log return over the next `horizon` bars, shape of `closes` (bars along axis 0). LOOKS AHEAD; NaN at the end."""
    logs = np.log(np.asarray(closes, dtype=float))
    out = np.full_like(logs, np.nan)
    if horizon < len(logs):
        out[:-horizon] = logs[horizon:] - logs[:-horizon]
    return out


def learn_shape(returns: ArrayLike, variances: ArrayLike, levels: ArrayLike = LEVELS) -> np.ndarray:
    """Quantiles of past returns in units of the forecast made for each, (n_levels,).

    returns, variances : same shape; rows where either is NaN are left out. The caller passes matured outcomes only.
    Raises ValueRefused below 50 rows.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.asarray(returns, dtype=float) / np.sqrt(np.asarray(variances, dtype=float))
    z = z[np.isfinite(z)]
    if z.size < 50:
        raise ValueRefused(f"the shape of returns needs 50 matured forecasts, got {z.size}")
    return np.quantile(z, as_levels(levels))


def return_fan(variance: ArrayLike, shape: ArrayLike = NORMAL_SHAPE) -> np.ndarray:
    """Quantiles of the log return, (..., n_levels), from variance forecasts (...)."""
    return np.sqrt(np.asarray(variance, dtype=float))[..., None] * np.asarray(shape, dtype=float)


def price_fan(reference: ArrayLike, returns: ArrayLike) -> np.ndarray:
    """Quantiles of the price, (..., n_levels), from today's price (...) and quantiles of the log return."""
    return np.asarray(reference, dtype=float)[..., None] * np.exp(np.asarray(returns, dtype=float))


def in_sigmas(prices: ArrayLike, reference: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """Price quantiles (..., n_levels) as log returns in units of `sigma` (...), the scale trust compares bots on."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.asarray(prices, dtype=float) / np.asarray(reference, dtype=float)[..., None])
    return logs / np.asarray(sigma, dtype=float)[..., None]


def from_sigmas(values: ArrayLike, reference: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """Inverse of `in_sigmas`."""
    return price_fan(reference, np.asarray(values, dtype=float) * np.asarray(sigma, dtype=float)[..., None])
