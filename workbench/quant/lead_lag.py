"""Who moves first: correlation of one asset's return with another's some bars later.

returns : (n_bars, n), NaN where a bar is missing (such bars are left out of their pairs). One matrix product a lag. The
test allows for volatility that changes and clusters: under "no lead" the products u_t v_{t+lag} are uncorrelated, so
their sum has variance Σ u² v² (Taylor 1984), which is a matrix product too. Several lags of many pairs are searched;
the p-values given are corrected for all of them (Holm 1979).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True)
class Lead:
    """`leader`'s return tells of `follower`'s `lag` bars later. Both are column numbers; p_value is corrected."""

    leader: int
    follower: int
    lag: int
    correlation: float
    p_value: float


def lagged_correlation(returns, greatest_lag: int) -> tuple[np.ndarray, np.ndarray]:
    """(correlation, z), each (greatest_lag, n, n): [k, i, j] sets asset i at a bar beside asset j k + 1 bars later.

    z is near standard normal where there is no lead. NaN below 30 pairs of bars or where one does not move.
    Raises ValueRefused for inf, a lag below 1 or too few bars."""
    x = np.asarray(returns, dtype=float)
    if x.ndim != 2 or np.isinf(x).any():
        raise ValueRefused(f"returns: needs bars × assets without inf, got shape {x.shape}")
    if greatest_lag < 1 or len(x) < greatest_lag + 30:
        raise ValueRefused(f"{len(x)} bars cannot show a lead of {greatest_lag}: needs 30 more than the greatest lag")
    seen = np.isfinite(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(seen, x - np.nanmean(np.where(seen, x, np.nan), axis=0), 0.0)
        scale = np.sqrt((centred**2).sum(axis=0) / seen.sum(axis=0))
        u = np.where(scale > 0, centred / scale, np.nan)
    u = np.where(seen & np.isfinite(u), u, 0.0)
    there, squares = (seen & (scale > 0)).astype(float), u * u
    found = np.empty((2, greatest_lag, x.shape[1], x.shape[1]))
    for lag in range(1, greatest_lag + 1):
        count = there[:-lag].T @ there[lag:]
        total, spread = u[:-lag].T @ u[lag:], squares[:-lag].T @ squares[lag:]
        enough = (count >= 30) & (spread > 0)
        found[0, lag - 1] = np.where(enough, total / np.maximum(count, 1), np.nan)
        found[1, lag - 1] = np.where(enough, total / np.sqrt(np.maximum(spread, 1e-300)), np.nan)
    return found[0], found[1]


def leads(returns, greatest_lag: int, level: float = 0.05) -> list[Lead]:
    """Pairs where one asset leads another, all lags and pairs together held to `level`; the surest first."""
    r, z = lagged_correlation(returns, greatest_lag)
    others = ~np.eye(r.shape[1], dtype=bool)
    p = np.where(others, 2 * norm.sf(np.abs(z)), np.nan)
    order = np.argsort(p, axis=None)[: int(np.isfinite(p).sum())]
    found, greatest = [], 0.0
    for rank, flat in enumerate(order):
        lag, i, j = (int(k) for k in np.unravel_index(flat, p.shape))
        greatest = max(greatest, min(1.0, p[lag, i, j] * (len(order) - rank)))
        if greatest > level:
            break
        found.append(Lead(i, j, lag + 1, float(r[lag, i, j]), greatest))
    return found
