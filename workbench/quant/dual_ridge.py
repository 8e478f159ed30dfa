"""Ridge regression on classes where there are far more features than windows: solved in the space of windows.

The penalty is chosen by the leave-one-out error, which the same decomposition gives exactly (up to the mean).
"""

from dataclasses import dataclass

import numba
import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.one_thread import one_thread

PENALTIES = np.logspace(-7, 2, 19)
BLOCK = 128  # rows of one product: always as many, for a smaller one would round otherwise


@dataclass(frozen=True, slots=True, eq=False)
class DualRidge:
    """scores(x) = ((x[:, kept] − mean) · scale) @ weights + level, one column a class, about −1 … 1."""

    kept: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    level: np.ndarray
    penalty: float

    def __post_init__(self) -> None:
        width = self.kept.shape
        sound = (
            self.kept.ndim == 1
            and self.mean.shape == self.scale.shape == self.weights.shape[:1] == width
            and bool((np.diff(self.kept, prepend=-1) > 0).all())
            and self.level.shape == self.weights.shape[1:]
        )
        if not sound:
            raise ValueRefused("this is no ridge: it keeps no columns in their order, or has not one weight for each")

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(n, n_classes) float64 of features (n, n_features); of each row alone, to the last bit."""
        x = np.asarray(features, dtype=np.float32)
        if len(self.kept) and self.kept[-1] >= x.shape[1]:
            raise ValueRefused(f"this ridge reads column {self.kept[-1]}, got an array of shape {x.shape}")
        out = np.empty((len(x), self.weights.shape[1]))
        block = np.zeros((BLOCK, len(self.kept)), np.float32)
        with one_thread():
            for start in range(0, len(x), BLOCK):
                part = x[start : start + BLOCK]
                _standard(part, self.kept, self.mean, self.scale, block)
                out[start : start + BLOCK] = (block @ self.weights)[: len(part)]
        return out + self.level


@numba.njit(cache=True, nogil=True)
def _standard(features, kept, mean, scale, out):
    for row in range(len(features)):
        values, found = features[row], out[row]
        if kept.size == values.size:  # all of them, in order: no need to look up which
            for k in range(kept.size):
                found[k] = (values[k] - mean[k]) * scale[k]
        else:
            for k in range(kept.size):
                found[k] = (values[kept[k]] - mean[k]) * scale[k]


def fit_dual_ridge(features: np.ndarray, classes: np.ndarray, n_classes: int) -> DualRidge:
    """features : (n, n_features) finite; classes : (n,) integers below n_classes. Features that never change are left
    out; the others count alike."""
    x = np.asarray(features, dtype=np.float32)
    spread = x.std(axis=0)
    kept = np.flatnonzero(spread > 1e-6)
    mean, scale = x[:, kept].mean(axis=0), 1 / (spread[kept] * np.sqrt(max(1, len(kept))))
    z = ((x[:, kept] - mean) * scale).astype(np.float32)
    target = np.where(np.asarray(classes)[:, None] == np.arange(n_classes), 1.0, -1.0)
    level = target.mean(axis=0)
    values, vectors = np.linalg.eigh((z @ z.T).astype(float))
    values = np.maximum(values, 0)
    turned = vectors.T @ (target - level)
    errors = [_left_out(values, vectors, turned, target - level, penalty) for penalty in PENALTIES]
    penalty = float(PENALTIES[int(np.argmin(errors))])
    dual = vectors @ (turned / (values + penalty)[:, None])
    return DualRidge(kept, mean, scale.astype(np.float32), (z.T @ dual).astype(np.float32), level, penalty)


def _left_out(values, vectors, turned, target, penalty) -> float:
    """Mean squared error of each window by a fit without it."""
    shrink = values / (values + penalty)
    residual = target - vectors @ (shrink[:, None] * turned)
    leverage = (vectors**2) @ shrink + 1 / len(target)
    return float(np.mean((residual / np.maximum(1 - leverage, 1e-9)[:, None]) ** 2))
