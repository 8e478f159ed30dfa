"""Does A's past improve the forecast of B? Answered out of sample, for every pair of a market.

The small model forecasts B from its own last returns; the large one adds A's. Both are refitted on bars before each
block, then forecast the block. Nested models need their own test: the large one pays for parameters it should not have
needed, which Clark and West (2007) give back, f_t = e_small² − (e_large² − (ŷ_small − ŷ_large)²); its mean over its
standard error is near normal, and one-sided. Every pair is a trial; p-values are corrected over all (Holm 1979).

returns : (n_bars, n), finite: align first, a gap would be a false zero.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from workbench.domain.errors import ValueRefused
from workbench.quant.finite import finite


@dataclass(frozen=True, slots=True, eq=False)
class CrossPrediction:
    """[i, j] : what asset i's past adds to the forecast of asset j. gain : share of squared error saved out of sample
    (negative: it cost). p_value : corrected; small = it helps. Both (n, n), NaN on the diagonal."""

    gain: np.ndarray
    p_value: np.ndarray
    n_forecasts: int


def cross_prediction(returns, lags: int = 1, first: int = 250, block: int = 50) -> CrossPrediction:
    """Score every ordered pair. lags : past bars of each asset used; first : bars before the first forecast; block :
    bars between refits. Raises ValueRefused for NaN, or fewer than 50 bars to forecast."""
    x = finite(returns, "returns", 2)
    if lags < 1 or block < 1 or len(x) - lags - first < 50:
        raise ValueRefused(f"{len(x)} bars leave fewer than 50 to forecast after {first} + {lags}; give more history")
    n = x.shape[1]
    past = np.stack([x[lags - k : len(x) - k] for k in range(1, lags + 1)], axis=2)  # (rows, n, lags), newest first
    target = x[lags:]
    gain, z = np.full((n, n), np.nan), np.full((n, n), np.nan)
    for j in range(n):
        own = np.concatenate((np.ones((len(target), 1)), past[:, j]), axis=1)
        small = _forecasts(own, target[:, j], first, block)
        for i in range(n):
            if i != j:
                large = _forecasts(np.concatenate((own, past[:, i]), axis=1), target[:, j], first, block)
                gain[i, j], z[i, j] = _beside(target[first:, j], small, large)
    p = norm.sf(z)
    return CrossPrediction(gain, _holm(p), len(target) - first)


def _forecasts(design: np.ndarray, target: np.ndarray, first: int, block: int) -> np.ndarray:
    """One-step forecasts of rows from `first` on, each block by least squares on the rows before it."""
    out = np.empty(len(target) - first)
    for start in range(first, len(target), block):
        rows, now = design[:start], design[start : start + block]
        gram = rows.T @ rows
        gram[np.diag_indices(len(gram))] += 1e-10 * np.trace(gram) / len(gram)  # an asset that stands still
        out[start - first : start - first + len(now)] = now @ np.linalg.solve(gram, rows.T @ target[:start])
    return out


def _beside(actual: np.ndarray, small: np.ndarray, large: np.ndarray) -> tuple[float, float]:
    error_small, error_large = actual - small, actual - large
    before = error_small @ error_small
    gain = 1 - (error_large @ error_large) / before if before > 0 else 0.0
    f = error_small**2 - (error_large**2 - (small - large) ** 2)
    spread = f.std(ddof=1)
    return float(gain), float(f.mean() / spread * np.sqrt(len(f))) if spread > 0 else 0.0


def _holm(p: np.ndarray) -> np.ndarray:
    out = np.full(p.shape, np.nan)
    order = np.argsort(p, axis=None)[: int(np.isfinite(p).sum())]
    greatest = 0.0
    for rank, flat in enumerate(order):
        greatest = max(greatest, min(1.0, float(p.flat[flat]) * (len(order) - rank)))
        out.flat[flat] = greatest
    return out
