"""Is a window typical of a class, by the class's own examples? Distances after bending time a little (DTW).

A classifier only knows what it was shown: a shape of a kind nobody labelled goes to the class it resembles least badly.
So each class also keeps how far its own examples lie from each other, and what lies farther is none of it.
"""

from dataclasses import dataclass

import numba
import numpy as np

BAND, NEAREST = 0.1, 3


@dataclass(frozen=True, slots=True, eq=False)
class Typicality:
    """examples : (n, n_points) shapes, mean 0 and deviation 1. own : sorted distances of each example to the others."""

    examples: np.ndarray
    own: np.ndarray

    def distance(self, shapes: np.ndarray) -> np.ndarray:
        """(n,) mean distance of each shape to its nearest examples and to their middle; see `fit_typicality`."""
        return _distance(np.asarray(shapes, dtype=float), self.examples)

    def p_values(self, shapes: np.ndarray) -> np.ndarray:
        """(n,) share of the class's own examples that lie at least as far out, in (0, 1]: small is untypical."""
        far = np.searchsorted(self.own, self.distance(shapes), side="left")
        return (len(self.own) - far + 1) / (len(self.own) + 1)


def fit_typicality(shapes: np.ndarray, copies: np.ndarray) -> Typicality:
    """shapes : (n ≥ 3, n_points) examples; copies : (m, n_points) more windows of the class, which are not examples.
    Each example's own distance is measured without it."""
    x = np.asarray(shapes, dtype=float)
    own = [_distance(x[i : i + 1], np.delete(x, i, axis=0)) for i in range(len(x))]
    return Typicality(x, np.sort(np.concatenate([*own, _distance(np.asarray(copies, dtype=float), x)])))


def _distance(shapes: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """To the examples' mean shape, and the mean of the nearest few: one lacks noise, the other mixes no kinds."""
    middle = examples.mean(axis=0)
    middle = (middle - middle.mean()) / max(float(middle.std()), 1e-9)
    to_middle = warped(shapes, middle[None])[:, 0]
    near = np.sort(warped(shapes, examples), axis=1)[:, :NEAREST].mean(axis=1)
    return (to_middle + near) / 2


@numba.njit(cache=True, nogil=True)
def warped(a, b, band=BAND):
    """DTW distance of each of a (n, m) to each of b (k, m): root mean square along the best path within `band` · m."""
    n, m, k = a.shape[0], a.shape[1], b.shape[0]
    width = max(1, int(band * m))
    out = np.empty((n, k))
    before, now = np.empty(m + 1), np.empty(m + 1)
    for i in range(n):
        for j in range(k):
            before[:] = np.inf
            before[0] = 0.0
            for s in range(m):
                now[:] = np.inf
                for t in range(max(0, s - width), min(m, s + width + 1)):
                    gap = a[i, s] - b[j, t]
                    now[t + 1] = gap * gap + min(before[t], before[t + 1], now[t])
                before, now = now, before
            out[i, j] = np.sqrt(before[m] / m)
    return out
