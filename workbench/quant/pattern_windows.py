"""Windows of candles as the classifier sees them: 64 points whatever the bars, free of price level and volatility."""

from collections.abc import Sequence

import numba
import numpy as np

from workbench.domain.errors import ValueRefused

POINTS, CHANNELS = 64, 3  # close, range, volume; the convolutions see the close only
FLAT = 1e-9


def prepared(bars: np.ndarray) -> np.ndarray:
    """(CHANNELS, POINTS) float32 of one window of bars (n_bars ≥ 4, 5: open, high, low, close, volume), finite.

    Close: logarithm, mean 0 and deviation 1. Range: log high − log low, mean 0 in units of the close's deviation.
    Volume: log(1 + volume ÷ its mean), mean 0 and deviation 1. A flat channel is zeros.
    """
    return prepared_all([bars])[0]


def prepared_all(windows: Sequence[np.ndarray]) -> np.ndarray:
    """(n, CHANNELS, POINTS): `prepared` of each window, which need not have as many bars as the others."""
    arrays = [np.asarray(bars, dtype=float) for bars in windows]
    for x in arrays:
        if x.ndim != 2 or x.shape[0] < 4 or x.shape[1] != 5:
            raise _refused(x)
    if not arrays:
        return np.empty((0, CHANNELS, POINTS), np.float32)
    ends = np.cumsum([len(x) for x in arrays])
    bars = np.concatenate(arrays)
    bad = ~np.isfinite(bars).all(axis=1) | (bars[:, :4] <= 0).any(axis=1)
    if bad.any():
        raise _refused(arrays[int(np.searchsorted(ends, bad.argmax(), side="right"))])
    logs = np.log(bars[:, 1:4].T.copy())
    return _prepare(logs[2], logs[0] - logs[1], bars[:, 4].copy(), ends)


def _refused(x: np.ndarray) -> ValueRefused:
    return ValueRefused(f"a window is 4 bars or more of open, high, low, close, volume, finite; got {x.shape}")


@numba.njit(cache=True, nogil=True)
def _prepare(closes, ranges, volumes, ends):
    out = np.empty((ends.size, CHANNELS, POINTS), np.float32)
    close, spread, volume = np.empty(POINTS), np.empty(POINTS), np.empty(POINTS)
    first = 0
    for w in range(ends.size):
        last = ends[w]
        traded = volumes[first:last]
        _stretch(closes[first:last], close)
        _stretch(ranges[first:last], spread)
        _stretch(np.log1p(traded / max(traded.mean(), 1e-300)), volume)
        deviation = _centred(close)
        _centred(spread)
        traded_deviation = _centred(volume)
        for t in range(POINTS):
            out[w, 0, t] = close[t] / deviation if deviation > FLAT else 0.0
            out[w, 1, t] = spread[t] / deviation if deviation > FLAT else 0.0
            out[w, 2, t] = volume[t] / traded_deviation if traded_deviation > FLAT else 0.0
        first = last
    return out


@numba.njit(cache=True, nogil=True)
def _stretch(values, out):
    """`values` as means of as many equal stretches of the step function that they are as `out` has room for."""
    n, points = values.size, out.size
    before, at, inside = 0.0, 0, 0.0  # sum up to the last edge; the bar it lies in; sum before that bar
    for p in range(points):
        edge = (p + 1) * (n / points)
        while at < n - 1 and at + 1 <= edge:
            inside += values[at] - values[0]
            at += 1
        until = (edge - at) * (values[at] - values[0]) + inside
        out[p] = (until - before) * points / n + values[0]
        before = until


@numba.njit(cache=True, nogil=True)
def _centred(x):
    """Takes the mean of x from it; returns the deviation."""
    mean, square = x.mean(), 0.0
    for t in range(x.size):
        x[t] -= mean
        square += x[t] * x[t]
    return np.sqrt(square / x.size)


def unit(values: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1; zeros where flat."""
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation > FLAT else np.zeros(len(values))


def bent(bars: np.ndarray, rng: np.random.Generator, cut: float = 0.08) -> np.ndarray:
    """A copy of a window as another hand might have brushed it: up to `cut` of its bars fewer at either end, time bent
    a little. Rows are bars of the original, in order; some come twice, some not at all."""
    n = len(bars)
    first, last = rng.uniform(0, cut), 1 - rng.uniform(0, cut)
    t = np.linspace(first, last, n)
    wave = rng.uniform(-0.04, 0.04) * np.sin(np.pi * (t - first) / (last - first) * rng.integers(1, 3))
    places = np.clip(np.round((t + wave) * (n - 1)), 0, n - 1).astype(int)
    return bars[np.maximum.accumulate(places)]
