"""Covariances that a solver can use: shrunk, exponentially weighted, scaled, stressed.

returns : ndarray of shape (n_bars, n_symbols), simple returns, rows oldest first. NaN policy: refuse; align the series
first. Every function looks at the rows it is given and no further.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk

from workbench.domain.errors import ValueRefused
from workbench.quant.finite import finite, square


@dataclass(frozen=True, eq=False, slots=True)
class Shrunk:
    """`matrix` = (1 − intensity) × sample + intensity × mean variance × identity."""

    matrix: np.ndarray
    intensity: float


def ledoit_wolf(returns) -> Shrunk:
    """Ledoit and Wolf's (2004) shrinkage toward a scaled identity, the mean removed, divided by n_bars.

    One symmetric product instead of two full ones: Σ(x²)'(x²) is the sum over bars of the squared row norms squared.
    """
    x = _centred(returns)
    n, p = x.shape
    upper = _upper_gram(x) / n
    variances = np.diagonal(upper).copy()
    square_sum = 2 * np.vdot(upper, upper) - variances @ variances
    mean = variances.sum() / p
    row_norms = np.einsum("ij,ij->i", x, x)
    spread = square_sum - p * mean * mean
    noise = (row_norms @ row_norms / n - square_sum) / n
    # a spread of rounding size means the sample is a multiple of the identity already
    intensity = float(min(max(noise / spread, 0.0), 1.0)) if spread > 1e-15 * square_sum else 0.0
    matrix = _mirrored(upper)
    matrix *= 1 - intensity
    matrix[np.diag_indices(p)] += intensity * mean
    return Shrunk(matrix, intensity)


def sample_covariance(returns) -> np.ndarray:
    """Covariance, the mean removed, divided by n_bars − 1; shape (n_symbols, n_symbols)."""
    x = _centred(returns)
    return _mirrored(_upper_gram(x) / (len(x) - 1))


def ewma_covariance(returns, halflife: float) -> np.ndarray:
    """Exponentially weighted second moment: the newest row weighs most, one `halflife` (bars) ago weighs half.

    The mean is taken as zero, as RiskMetrics (1996) does: over hours it is lost in the noise. Shape (n_symbols,)².
    """
    x = finite(returns, "returns", 2)
    if not halflife > 0:
        raise ValueRefused(f"halflife must be positive bars, got {halflife}")
    weights = 0.5 ** (np.arange(len(x) - 1, -1, -1) / halflife)
    return _mirrored(_upper_gram(x * np.sqrt(weights / weights.sum())[:, None]))


def ewma_step(covariance: np.ndarray, row: np.ndarray, halflife: float) -> np.ndarray:
    """The estimate after one more bar, from the one before it; forgets the start instead of renormalising for it."""
    keep = 0.5 ** (1 / halflife)
    fresh = finite(row, "row", 1)
    return keep * covariance + (1 - keep) * np.outer(fresh, fresh)


@dataclass(frozen=True, eq=False, slots=True)
class Scaled:
    """Returns divided by each column's standard deviation (`scale`, shape (n_symbols,)).

    Hourly returns of 1e-3 make the tolerances of general solvers as large as the answer; scaled ones do not.
    """

    returns: np.ndarray
    scale: np.ndarray


def scaled(returns) -> Scaled:
    """Each column at unit deviation. Raises ValueRefused for a column that never moves."""
    x = finite(returns, "returns", 2)
    scale = x.std(axis=0)
    _refuse_still(scale, np.abs(x).max(axis=0))
    return Scaled(x / scale, scale)


def commonly_scaled(returns) -> np.ndarray:
    """All columns divided by one number, the root of their mean variance: weights stay what they were."""
    x = finite(returns, "returns", 2)
    _refuse_still(x.std(axis=0), np.abs(x).max(axis=0))
    return x / np.sqrt(x.var(axis=0).mean())


def to_correlation(covariance) -> tuple[np.ndarray, np.ndarray]:
    """Correlation matrix with an exact unit diagonal, and the deviations (n_symbols,). A zero variance is refused."""
    cov = square(covariance, "covariance")
    variances = np.diagonal(cov)
    if not (variances > 0).all():
        at = int(np.argmin(variances))
        raise ValueRefused(f"variance of column {at} is {variances[at]}; what does not move has no correlation")
    deviations = np.sqrt(variances)
    correlation = cov / deviations / deviations[:, None]
    np.fill_diagonal(correlation, 1.0)
    return correlation, deviations


def from_correlation(correlation: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """The covariance of a correlation matrix and deviations."""
    return correlation * deviations * deviations[:, None]


def stressed(correlation, weight: float, signs=None) -> np.ndarray:
    """Correlations moved toward 1 by `weight` in [0, 1]; stays positive semi-definite, for it is a mixture of two such.

    signs : (n_symbols,) of ±1, the direction held; then long and short move toward −1 and no hedge helps: at weight 1
    the volatility is Σ|n|σ. Without signs every pair moves toward +1.
    """
    matrix = square(correlation, "correlation")
    if not 0 <= weight <= 1:
        raise ValueRefused(f"stress must lie in [0, 1], got {weight}")
    toward = np.ones(len(matrix)) if signs is None else np.where(finite(signs, "signs", 1) < 0, -1.0, 1.0)
    mixed = (1 - weight) * matrix + weight * np.outer(toward, toward)
    np.fill_diagonal(mixed, 1.0)
    return mixed


def _centred(returns) -> np.ndarray:
    x = finite(returns, "returns", 2)
    if len(x) < 2:
        raise ValueRefused(f"a covariance needs 2 bars or more, got {len(x)}")
    return x - x.mean(axis=0)


def _upper_gram(x: np.ndarray) -> np.ndarray:
    """Upper triangle of x'x, zeros below it. A C-ordered x is handed over transposed, so BLAS copies nothing."""
    return dsyrk(1.0, np.ascontiguousarray(x).T)


def _mirrored(upper: np.ndarray) -> np.ndarray:
    matrix = upper + upper.T
    matrix[np.diag_indices(len(matrix))] *= 0.5
    return matrix


def _refuse_still(scale: np.ndarray, size: np.ndarray) -> None:
    still = scale <= 1e-12 * size
    if still.any() or not scale.all():
        raise ValueRefused(f"column {int(np.argmax(still | (scale == 0)))} never moves; leave it out")
