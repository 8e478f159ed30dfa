"""More windows of a pattern than were labelled: what its labels share, laid over windows of unlabelled history.

A labelled window is a shape and the noise of the market that day. Few labels show little of either; but of the noise
history has plenty, of the same kind and with the same correlation from bar to bar, and what labels share is their mean.
"""

import numpy as np

from workbench.quant.pattern_middle import BEND, SHIFT, T, as_unit, bent_shape
from workbench.quant.pattern_windows import POINTS

_LINE = np.linalg.qr(np.stack([np.ones(POINTS), T], axis=1))[0]


def contrast(classes: list[np.ndarray]) -> float:
    """How far a pattern stands out of its window's noise, as a ratio of deviations: by how like each label is to the
    mean of the others of its class, over all `classes` of shapes (n ≥ 2, POINTS)."""
    likeness = [as_unit(np.delete(x, i, axis=0).mean(axis=0)) @ x[i] / POINTS for x in classes for i in range(len(x))]
    typical = float(np.clip(np.mean(likeness), 0.3, 0.98))
    return typical / np.sqrt(1 - typical**2)


def strangers(count: int, rng: np.random.Generator) -> np.ndarray:
    """Shapes of no pattern in particular, (count, POINTS): sums of six sine waves, the longest of one window."""
    waves = np.arange(1, 7)
    size, phase = rng.normal(size=(count, 6)) / waves, rng.uniform(0, 2 * np.pi, (count, 6))
    turns = 2 * np.pi * waves[:, None] * T
    return as_unit((size[:, :, None] * np.sin(turns + phase[:, :, None])).sum(axis=1))


def laid_over(shapes: np.ndarray, stands_out: float, windows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy of a shape for each of `windows` (n, channels, POINTS) from `prepared`: bent and moved a little in time,
    `stands_out` times as wide as what the window's close does about its own straight line, in place of that line.

    shapes : (POINTS,), or (n, POINTS) where each window has its own."""
    n, close = len(windows), windows[:, 0].astype(float)
    noise = close - close @ _LINE @ _LINE.T
    width = np.maximum(noise.std(axis=1, keepdims=True), 1e-6)
    warps = rng.uniform(-BEND, BEND, n), rng.uniform(-SHIFT, SHIFT, n)
    each = np.broadcast_to(shapes, (n, POINTS))
    drawn = np.array([bent_shape(shape, bend, shift) for shape, bend, shift in zip(each, *warps, strict=True)])
    mixed = drawn * stands_out + noise / width
    copies = windows.copy()
    copies[:, 0] = as_unit(mixed)
    copies[:, 1] = windows[:, 1] / (width * mixed.std(axis=1, keepdims=True))
    return copies
