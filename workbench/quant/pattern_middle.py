"""What a few labels of a pattern share: their mean, once time was bent as fits the others, and the noise taken out.

About a shape a price walks at random: its changes are noise alike at all frequencies. So the mean change of labels is
read as a sum of cosine waves, and each band of waves shrinks by the share of it that noise would explain (James and
Stein 1961): a smooth pattern becomes smooth, one of sharp steps keeps them. Moves too far out for a mean are cut.
"""

from itertools import pairwise, product

import numpy as np

from workbench.quant.pattern_windows import POINTS

BEND, SHIFT = 0.06, 0.03  # of the window: how much time is bent and moved
T = np.linspace(0, 1, POINTS)
_WARPS = list(product(np.linspace(-BEND, BEND, 9), np.linspace(-SHIFT, SHIFT, 9)))
_BANDS = (0, 2, 4, 8, 16, 32, POINTS - 1)
CUT, ROUNDS = 2.0, 4  # deviations of the labels about their middle; walks through the labels


def middle(shapes: np.ndarray) -> np.ndarray:
    """What shapes (n ≥ 2, POINTS), mean 0 and deviation 1, have in common: (POINTS,), mean 0 and deviation 1."""
    changes = np.diff(aligned(shapes), axis=1)
    about = np.median(changes, axis=0)
    far = CUT * np.sqrt(np.mean((changes - about) ** 2))
    mean = about + np.clip(changes - about, -far, far).mean(axis=0)
    noise = np.mean((changes - mean) ** 2) / (len(shapes) - 1)
    turned = waves(len(mean))
    heights = mean @ turned
    for first, last in pairwise(_BANDS):
        power = max(float(np.sum(heights[first:last] ** 2)), 1e-12)
        heights[first:last] *= max(0.0, 1 - noise * (last - first) / power)
    return as_unit(np.concatenate([[0.0], np.cumsum(turned @ heights)]))


def waves(points: int) -> np.ndarray:
    """(points, points) cosine waves as columns, the slowest first, each of length 1 and square to the others."""
    t, turns = np.arange(points) + 0.5, np.arange(points)
    columns = np.sqrt(2 / points) * np.cos(np.pi * np.outer(t, turns) / points)
    columns[:, 0] /= np.sqrt(2)
    return columns


def aligned(shapes: np.ndarray) -> np.ndarray:
    """Each of `shapes` (n, POINTS) bent and moved in time as fits the mean of the others best; same shape."""
    every = np.array([bends(one) for one in shapes])
    found = every[:, len(_WARPS) // 2].copy()
    for _ in range(ROUNDS):
        for i in range(len(shapes)):
            found[i] = every[i, (every[i] @ (found.sum(axis=0) - found[i])).argmax()]
    return found


def bends(shape: np.ndarray) -> np.ndarray:
    """(n_bends, POINTS) of one shape, as far as time is bent and moved; the middle one is the shape itself."""
    return np.array([bent_shape(shape, bend, shift) for bend, shift in _WARPS])


def bent_shape(shape: np.ndarray, bend: float, shift: float) -> np.ndarray:
    return as_unit(np.interp(T + bend * np.sin(np.pi * T) + shift, T, shape))


def as_unit(x: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and deviation 1."""
    return (x - x.mean(axis=-1, keepdims=True)) / np.maximum(x.std(axis=-1, keepdims=True), 1e-9)
