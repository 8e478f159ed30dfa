"""QUANT features: quantiles of many nested intervals of a window, of its changes and of its spectrum.

Dempster, Schmidt and Webb, "QUANT", Data Mining and Knowledge Discovery 2024: intervals halve `depth` times, once more
shifted by half an interval; of m values every fourth quantile is taken, every second one relative to the mean.
"""

from itertools import pairwise

import numpy as np

from workbench.domain.errors import ValueRefused

DEPTH, EVERY = 6, 4


def quantile_features(windows: np.ndarray, depth: int = DEPTH, every: int = EVERY) -> np.ndarray:
    """(n, n_features) float32 of windows (n, n_channels, n_bars), finite, n_bars ≥ 4. Each window alone."""
    x = np.asarray(windows, dtype=np.float32)
    if x.ndim != 3 or x.shape[2] < 4 or not np.isfinite(x).all():
        raise ValueRefused(f"windows must be finite (n, channels, bars ≥ 4), got {x.shape}")
    parts = [_of(view, depth, every) for view in _views(x)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _views(x: np.ndarray) -> list[np.ndarray]:
    change = np.diff(x, axis=2)
    smooth = np.apply_along_axis(np.convolve, 2, change, np.ones(5) / 5, "same") if change.shape[2] > 5 else change
    return [x, smooth, np.diff(x, 2, axis=2), np.abs(np.fft.rfft(x, axis=2))]


def _of(view: np.ndarray, depth: int, every: int) -> np.ndarray:
    bars = view.shape[2]
    found = []
    for first, last in _intervals(bars, depth):
        part = view[:, :, first:last]
        count = 1 + (last - first - 1) // every
        if count == 1:
            found.append(np.median(part, axis=2, keepdims=True))
            continue
        levels = np.quantile(part, np.linspace(0, 1, count), axis=2).transpose(1, 2, 0)
        levels[:, :, 1::2] -= part.mean(axis=2, keepdims=True)
        found.append(levels)
    return np.concatenate(found, axis=2).reshape(len(view), -1)


def _intervals(bars: int, depth: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for level in range(depth):
        parts = 2**level
        if parts > bars:
            break
        edges = np.linspace(0, bars, parts + 1).round().astype(int)
        found += [(int(a), int(b)) for a, b in pairwise(edges) if b > a]
        half = round(bars / parts / 2)
        if parts > 1 and half > 0:
            found += [(int(a) + half, int(b) + half) for a, b in pairwise(edges[:-1]) if b > a]
    return found
