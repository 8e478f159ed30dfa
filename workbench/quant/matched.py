"""How likely a pattern lies under a window, by its changes: a filter matched to what the pattern's labels share.

A close wanders, and what wanders is like many shapes; its changes are noise without memory. With x the n changes of a
window and t those of a shape, both of length one, −n/2 · log (1 − (x·t)²) is the log of how much likelier "t under
the noise" makes them than "noise alone", whatever the shape's height and the noise's: the adaptive coherence estimator
(Kraut, Scharf and McWhorter, IEEE Transactions on Signal Processing 2001). Prices have fat tails: of a large change
little more counts than that it is large.

What a few slow waves explain of the changes says whether a smooth shape lies there that is another one.
"""

from dataclasses import dataclass

import numba
import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.one_thread import one_thread
from workbench.quant.pattern_middle import bends, waves

SLOW = 8  # waves that a smooth shape is made of
BLOCK = 16  # rows of one product: always as many, for a smaller one would round otherwise
_MOST = 1 - 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """shapes : (n_classes, n_changes, n_bends) float32, changes of each pattern's shape, each bend of length 1."""

    shapes: np.ndarray

    def __post_init__(self) -> None:
        if self.shapes.ndim != 3 or not self.shapes.size or not np.isfinite(self.shapes).all():
            raise ValueRefused(f"filters are finite (classes, changes, bends), got {self.shapes.shape}")

    def evidence(self, closes: np.ndarray) -> np.ndarray:
        """(n, n_classes) log likelihood ratios, 0 or more, of closes (n, n_changes + 1) in any units, by the bend that
        fits best. Each row by itself; a flat one tells nothing."""
        x = np.asarray(closes, dtype=float)
        if x.ndim != 2 or x.shape[1] != self.shapes.shape[1] + 1:
            raise ValueRefused(f"these filters read windows of {self.shapes.shape[1] + 1} closes, got {x.shape}")
        like = np.maximum(_best(soft_changes(x).astype(np.float32), self.shapes), 0)
        return -self.shapes.shape[1] / 2 * np.log(1 - np.minimum(like**2, _MOST))

    def outdone(self, closes: np.ndarray, evidence: np.ndarray) -> np.ndarray:
        """(n,) bool: of what a sum of slow waves, which fits any smooth shape, explains of each row of closes, does
        what has this `evidence` (n,) explain less than half?"""
        count = self.shapes.shape[1]
        slow = _slow_power(soft_changes(np.asarray(closes, dtype=float)), waves(count)[:, :SLOW])
        return 1 - np.exp(-2 * np.asarray(evidence) / count) < slow / 2


def matched_to(middles: np.ndarray) -> Matched:
    """Filters for shapes (n_classes, n_points)."""
    changes = np.diff(np.array([bends(one) for one in middles]), axis=2)
    return Matched(np.ascontiguousarray(_of_length_one(changes).transpose(0, 2, 1), dtype=np.float32))


def soft_changes(closes: np.ndarray) -> np.ndarray:
    """Changes (n, n_points − 1) in units of the window's own, the large ones bent in; rows of length 1, or of zeros."""
    changes = np.diff(closes, axis=1)
    usual = np.sqrt(np.mean(changes**2, axis=1, keepdims=True))
    return _of_length_one(np.tanh(changes / np.maximum(usual, 1e-12)))


def _of_length_one(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.sqrt(np.sum(x**2, axis=-1, keepdims=True)), 1e-12)


def _best(changes: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """(n, classes): the greatest product of each row with a bend of each class."""
    classes, points, bent = shapes.shape
    bank = np.ascontiguousarray(shapes.transpose(1, 0, 2).reshape(points, classes * bent))
    out, block = np.empty((len(changes), classes)), np.zeros((BLOCK, points), np.float32)
    with one_thread():
        for start in range(0, len(changes), BLOCK):
            part = changes[start : start + BLOCK]
            block[: len(part)] = part
            out[start : start + BLOCK] = (block @ bank).reshape(BLOCK, classes, bent).max(axis=2)[: len(part)]
    return out


@numba.njit(cache=True, nogil=True)
def _slow_power(changes, slow):
    """(n,): the share of each row's power in the columns of `slow`."""
    out = np.zeros(len(changes))
    for row in range(len(changes)):
        for wave in range(slow.shape[1]):
            like = 0.0
            for t in range(slow.shape[0]):
                like += changes[row, t] * slow[t, wave]
            out[row] += like * like
    return out
