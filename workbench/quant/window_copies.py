"""Where windows are few, each is shown a few more times as it might have been cut: ends off, time bent a little."""

import numpy as np

FEW, COPIES = 8, 3  # windows a class on average, from which on none are made; copies of a window
CUT, BEND = 0.08, 0.03  # of the window: how much either end loses at most, and how far time is bent


def with_copies(windows: np.ndarray, classes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """windows (n, n_channels, n_bars ≥ 2) and their classes (n,), followed by COPIES of each where there are fewer than
    FEW a class; else as they are. The same arguments give the same copies; values lie between those of the window."""
    if len(windows) >= FEW * len(np.unique(classes)):
        return windows, classes
    rng = np.random.Generator(np.random.PCG64(seed))
    copies = [np.array([_copy(one, rng) for one in windows], dtype=windows.dtype) for _ in range(COPIES)]
    return np.concatenate([windows, *copies]), np.tile(classes, 1 + COPIES)


def _copy(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    bars = np.arange(window.shape[1])
    t = np.linspace(0, 1, len(bars))
    first, last = rng.uniform(0, CUT), 1 - rng.uniform(0, CUT)
    places = first + (last - first) * (t + rng.uniform(-BEND, BEND) * np.sin(np.pi * t))
    return np.array([np.interp(places * bars[-1], bars, channel) for channel in window])
