"""QUANT features: quantiles of many nested intervals of a window, of its changes and of its spectrum.

Dempster, Schmidt and Webb, "QUANT", Data Mining and Knowledge Discovery 2024: intervals halve `depth` times, once more
shifted by half an interval; of m values every fourth quantile is taken, every second one relative to the mean.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.quantile_kernels import interval_quantiles

DEPTH, EVERY, SMOOTH = 6, 4, 5


def quantile_features(windows: np.ndarray, depth: int = DEPTH, every: int = EVERY) -> np.ndarray:
    """(n, n_features) float32 of windows (n, n_channels, n_bars), finite, n_bars ≥ 4. Each window alone."""
    x = np.asarray(windows, dtype=np.float32)
    if x.ndim != 3 or x.shape[2] < 4 or not np.isfinite(x).all():
        raise ValueRefused(f"windows must be finite (n, channels, bars ≥ 4), got {x.shape}")
    views = _views(x)
    plans = [_plan(view.shape[2], depth, every) for view in views]
    out = np.empty((len(x), x.shape[1] * sum(len(below) for _, below, _ in plans)), np.float32)
    at = 0
    for view, plan in zip(views, plans, strict=True):
        at = interval_quantiles(np.ascontiguousarray(view), *plan, out, at)
    return out


def _views(x: np.ndarray) -> list[np.ndarray]:
    change = np.diff(x, axis=2)
    smooth = _smooth(change) if change.shape[2] > SMOOTH else change
    return [x, smooth, np.diff(x, 2, axis=2), np.abs(np.fft.rfft(x, axis=2))]


def _smooth(x: np.ndarray) -> np.ndarray:
    """Means of SMOOTH bars around each, zeros beyond the window."""
    bars, side = x.shape[2], SMOOTH // 2
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (side, side)))
    found = np.zeros(x.shape)
    for k in range(SMOOTH):
        found += padded[:, :, k : k + bars] * (1 / SMOOTH)
    return found


@lru_cache(maxsize=256)
def _plan(bars: int, depth: int, every: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(intervals, below, share) as `interval_quantiles` reads them."""
    rows = [(a, b, 1 + (b - a - 1) // every) for a, b in intervals(bars, depth)]
    places = np.concatenate([(b - a - 1) * np.linspace(0, 1, count) for a, b, count in rows])
    below = np.floor(places).astype(np.int64)
    return np.array(rows, dtype=np.int64), below, places - below


def intervals(bars: int, depth: int) -> list[tuple[int, int]]:
    """First bar and bar after the last, widest first."""
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
