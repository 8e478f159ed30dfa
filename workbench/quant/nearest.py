"""Repair of a matrix that pairwise estimates (missing candles) left indefinite.

The nearest correlation matrix in the Frobenius norm, by a semismooth Newton method on the dual problem (Qi and Sun
2006): find y so that the positive part of G + Diag(y) has a unit diagonal. It takes a handful of eigendecompositions
where alternating projections take dozens.
"""

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.covariance import from_correlation, to_correlation
from workbench.quant.finite import square

_MOST_STEPS = 50
_TOLERANCE = 1e-12


def nearest_correlation(matrix, floor: float = 1e-10) -> np.ndarray:
    """The correlation matrix closest to `matrix` (symmetric, diagonal taken as 1), smallest eigenvalue ≥ `floor`.

    A matrix that is good already comes back as it was. Raises ValueRefused for NaN, asymmetry, or floor outside [0, 1).
    """
    g = square(matrix, "correlation").copy()
    np.fill_diagonal(g, 1.0)
    if not 0 <= floor < 1:
        raise ValueRefused(f"floor must lie in [0, 1), got {floor}")
    if np.linalg.eigvalsh(g)[0] >= floor:
        return g
    return _lifted(_newton(g), floor)


def nearest_covariance(covariance, floor: float = 1e-10) -> np.ndarray:
    """A covariance with the same variances and the nearest correlation matrix."""
    correlation, deviations = to_correlation(covariance)
    return from_correlation(nearest_correlation(correlation, floor), deviations)


def _newton(g: np.ndarray) -> np.ndarray:
    y = np.zeros(len(g))
    value, gradient, parts = _dual(g, y)
    for _ in range(_MOST_STEPS):
        if np.abs(gradient).max() < _TOLERANCE * len(g):
            break
        step = _direction(parts, gradient)
        length, slope = 1.0, gradient @ step
        while length > 1e-10:
            new_value, new_gradient, new_parts = _dual(g, y + length * step)
            # near the end the value stalls in its rounding; a smaller gradient is progress all the same
            if new_value <= value + 1e-4 * length * slope or np.abs(new_gradient).max() < 0.5 * np.abs(gradient).max():
                break
            length /= 2
        else:
            break
        y, value, gradient, parts = y + length * step, new_value, new_gradient, new_parts
    return _positive(*parts)


def _dual(g: np.ndarray, y: np.ndarray):
    """The dual's value and gradient at y, and the eigenpairs they come from."""
    eigenvalues, vectors = np.linalg.eigh(g + np.diag(y))
    kept = np.maximum(eigenvalues, 0)
    gradient = np.einsum("ij,j,ij->i", vectors, kept, vectors) - 1
    return kept @ kept / 2 - y.sum(), gradient, (eigenvalues, vectors)


def _direction(parts, gradient: np.ndarray) -> np.ndarray:
    """Solve V h = −gradient by conjugate gradients, V an element of the dual's generalised Hessian."""
    eigenvalues, p = parts
    weights = _weights(eigenvalues)
    diagonal = np.einsum("ij,ij->i", (p * p) @ weights, p * p) + 1e-12

    def hessian(h):
        inner = p.T @ (h[:, None] * p)
        return np.einsum("ij,ij->i", p @ (weights * inner), p) + 1e-12 * h

    return _conjugate_gradients(hessian, diagonal, -gradient)


def _weights(eigenvalues: np.ndarray) -> np.ndarray:
    """Ω: 1 between positive eigenvalues, 0 between negative ones, λᵢ/(λᵢ − λⱼ) across."""
    up = eigenvalues > 0
    weights = np.zeros((len(up), len(up)))
    weights[np.ix_(up, up)] = 1.0
    if not up.all():
        across = eigenvalues[up][:, None] / (eigenvalues[up][:, None] - eigenvalues[~up])
        weights[np.ix_(up, ~up)] = across
        weights[np.ix_(~up, up)] = across.T
    return weights


def _conjugate_gradients(apply, diagonal, target, most: int = 200, tolerance: float = 1e-8) -> np.ndarray:
    x, residual = np.zeros_like(target), target.copy()
    z = residual / diagonal
    direction, product = z.copy(), residual @ z
    for _ in range(most):
        image = apply(direction)
        length = product / (direction @ image)
        x += length * direction
        residual -= length * image
        if np.linalg.norm(residual) <= tolerance * np.linalg.norm(target):
            break
        z = residual / diagonal
        product, before = residual @ z, product
        direction = z + product / before * direction
    return x


def _positive(eigenvalues: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    half = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    return half @ half.T


def _lifted(matrix: np.ndarray, floor: float) -> np.ndarray:
    """Unit diagonal exactly, then as much identity mixed in as lifts the smallest eigenvalue to `floor`."""
    root = np.sqrt(np.diagonal(matrix))
    matrix = matrix / root / root[:, None]
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    low = np.linalg.eigvalsh(matrix)[0]
    if low < floor:
        mix = min(1.0, (floor - low) / (1 - low) + 1e-15)
        matrix *= 1 - mix
        np.fill_diagonal(matrix, 1.0)
    return matrix
