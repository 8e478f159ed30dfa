"""Windows of candles as the classifier sees them: 64 points whatever the bars, free of price level and volatility."""

import numpy as np

from workbench.domain.errors import ValueRefused

POINTS, CHANNELS = 64, 3  # close, range, volume; the convolutions see the close only


def prepared(bars: np.ndarray) -> np.ndarray:
    """(CHANNELS, POINTS) float32 of one window of bars (n_bars ≥ 4, 5: open, high, low, close, volume), finite.

    Close: logarithm, mean 0 and deviation 1. Range: log high − log low, mean 0 in units of the close's deviation.
    Volume: log(1 + volume ÷ its mean), mean 0 and deviation 1. A flat channel is zeros.
    """
    x = np.asarray(bars, dtype=float)
    if x.ndim != 2 or x.shape[0] < 4 or x.shape[1] != 5 or not np.isfinite(x).all() or (x[:, :4] <= 0).any():
        raise ValueRefused(f"a window is 4 bars or more of open, high, low, close, volume, finite; got {x.shape}")
    close = stretched(np.log(x[:, 3]), POINTS)
    spread = stretched(np.log(x[:, 1]) - np.log(x[:, 2]), POINTS)
    volume = stretched(np.log1p(x[:, 4] / max(float(x[:, 4].mean()), 1e-300)), POINTS)
    deviation = float(close.std())
    ranges = (spread - spread.mean()) / deviation if deviation > 1e-9 else np.zeros(POINTS)
    return np.stack([unit(close), ranges, unit(volume)]).astype(np.float32)


def stretched(values: np.ndarray, points: int) -> np.ndarray:
    """`values` as means of `points` equal stretches of the step function that they are."""
    sums = np.concatenate([[0.0], np.cumsum(values - values[0])])
    edges = np.linspace(0, len(values), points + 1)
    return np.diff(np.interp(edges, np.arange(len(values) + 1), sums)) * points / len(values) + values[0]


def unit(values: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1; zeros where flat."""
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation > 1e-9 else np.zeros(len(values))


def bent(bars: np.ndarray, rng: np.random.Generator, cut: float = 0.08) -> np.ndarray:
    """A copy of a window as another hand might have brushed it: up to `cut` of its bars fewer at either end, time bent
    a little. Rows are bars of the original, in order; some come twice, some not at all."""
    n = len(bars)
    first, last = rng.uniform(0, cut), 1 - rng.uniform(0, cut)
    t = np.linspace(first, last, n)
    wave = rng.uniform(-0.04, 0.04) * np.sin(np.pi * (t - first) / (last - first) * rng.integers(1, 3))
    places = np.clip(np.round((t + wave) * (n - 1)), 0, n - 1).astype(int)
    return bars[np.maximum.accumulate(places)]
