"""Ridge regression that merges: what two parties learned adds up to what they would have learned together.

A `Gram` holds the sums a linear fit needs and nothing of the rows; adding two is the same as pooling their rows, so
bots can train one model without showing each other their data.
"""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """Sums over rows of z = (1, x, y): moments of shape (n_features + 2, n_features + 2); moments[0, 0] counts rows."""

    moments: np.ndarray

    def __add__(self, other: "Gram") -> "Gram":
        if self.moments.shape != other.moments.shape:
            raise ValueRefused(f"fits of {len(self.moments) - 2} and {len(other.moments) - 2} features do not add up")
        return Gram(self.moments + other.moments)


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """y ≈ intercept + x · coefficients. coefficients : (n_features,)."""

    intercept: float
    coefficients: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(…,) for x of shape (…, n_features); NaN in, NaN out. A row gives the same bits whatever rows surround it,
        which a matrix product does not promise."""
        return self.intercept + (x * self.coefficients).sum(axis=-1)


def gram(x: np.ndarray, y: np.ndarray) -> Gram:
    """Sums of x (n_rows, n_features) and y (n_rows,); rows with NaN or infinity are left out."""
    z = np.column_stack([np.ones(len(y)), x, y])
    z = z[np.isfinite(z).all(axis=1)]
    return Gram(z.T @ z)


def solve(sums: Gram, alpha: float = 0.0) -> Linear:
    """Least squares with penalty alpha · |β|² on standardised columns (the intercept is free).

    A column that never varies gets coefficient 0. Raises ValueRefused without rows.
    """
    m = sums.moments
    n = m[0, 0]
    if not n >= 2:
        raise ValueRefused(f"a fit needs two rows or more, got {n:.0f}")
    mean = m[0, 1:] / n
    spread = m[1:, 1:] - n * np.outer(mean, mean)
    size = np.sqrt(np.maximum(np.diag(spread)[:-1] / n, 0))
    live = size > 1e-12 * (np.abs(mean[:-1]) + 1e-12)
    scale = np.where(live, size, 1.0)
    a = spread[:-1, :-1] / np.outer(scale, scale) + alpha * np.eye(scale.size)
    b = np.where(live, spread[:-1, -1] / scale, 0.0)
    a[~live, :] = a[:, ~live] = 0.0
    beta = np.linalg.lstsq(a, b, rcond=1e-12)[0] / scale
    return Linear(float(mean[-1] - mean[:-1] @ beta), beta)
