"""MiniRocket features: how often each of many fixed, dilated convolutions of a window exceeds a bias seen in training.

Dempster, Schmidt and Webb, "MiniRocket", KDD 2021: 84 kernels of nine weights (three of 2, six of −1), dilations spread
evenly over powers of two, biases from quantiles of the convolutions of training windows, proportion of positive values.
"""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.rocket_kernels import KERNELS, LEAST, TAPS, biases_of, transform

GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Rocket:
    """What a transform needs: dilations (n,), biases (n, 84, each), channels (n, 84, n_channels) of weights 0 or 1."""

    dilations: np.ndarray
    biases: np.ndarray
    channels: np.ndarray
    bars: int

    def __post_init__(self) -> None:
        places = (self.dilations.size, KERNELS)
        sound = (
            self.dilations.ndim == 1
            and self.dilations.size > 0
            and bool((self.dilations >= 1).all() and ((TAPS - 1) * self.dilations < self.bars).all())
            and self.biases.ndim == self.channels.ndim == 3
            and self.biases.shape[:2] == self.channels.shape[:2] == places
        )
        if not sound:
            raise ValueRefused(f"these are no convolutions of windows of {self.bars} bars: one reaches beyond them")

    @property
    def features(self) -> int:
        return self.biases.size


def fit_rocket(windows: np.ndarray, features: int = 9996, seed: int = 0) -> Rocket:
    """Dilations and biases for windows like these: (n, n_channels, n_bars) finite, n_bars ≥ 9. The same windows and
    seed give the same features."""
    x = _checked(windows)
    n, n_channels, bars = x.shape
    rng = np.random.Generator(np.random.PCG64(seed))
    dilations, each = _dilations(bars, max(1, features // KERNELS))
    channels = np.zeros((len(dilations), KERNELS, n_channels), np.float32)
    for place in np.ndindex(channels.shape[:2]):
        most = np.log2(min(n_channels, TAPS) + 1)
        count = min(n_channels, int(2 ** rng.uniform(0, most)))
        channels[place][rng.permutation(n_channels)[:count]] = 1
    levels = (np.arange(1, len(dilations) * KERNELS * each + 1) * GOLDEN) % 1
    chosen = rng.integers(n, size=(len(dilations), KERNELS))
    biases = biases_of(x, dilations, channels, chosen, levels.reshape(len(dilations), KERNELS, each).astype(np.float32))
    return Rocket(dilations, biases, channels, bars)


def rocket_features(rocket: Rocket, windows: np.ndarray, out: np.ndarray | None = None, column: int = 0) -> np.ndarray:
    """(n, n_features) float32 shares in [0, 1] of windows (n, n_channels, n_bars); in an array of the caller's, from
    `column` on, where there is one."""
    x = _checked(windows)
    if x.shape[1:] != (rocket.channels.shape[2], rocket.bars):
        wanted = (rocket.channels.shape[2], rocket.bars)
        raise ValueRefused(f"windows are {x.shape[1:]} (channels, bars); these features were fitted on {wanted}")
    found = np.empty((len(x), rocket.features), np.float32) if out is None else out
    transform(x, rocket.dilations, rocket.channels, rocket.biases, found, column)
    return found


def _dilations(bars: int, per_kernel: int) -> tuple[np.ndarray, int]:
    """Dilations from 1 to the longest that fits, and how many biases each kernel has at each."""
    most = np.log2(max(1.0, (bars - 1) / (TAPS - 1)))
    dilations = np.unique((2 ** np.linspace(0, most, min(per_kernel, 32))).astype(np.int64))
    return dilations, max(1, per_kernel // len(dilations))


def _checked(windows: np.ndarray) -> np.ndarray:
    x = np.ascontiguousarray(windows, dtype=np.float32)
    if x.ndim != 3 or x.shape[2] < LEAST or not np.isfinite(x).all():
        raise ValueRefused(f"windows must be finite (n, channels, bars ≥ {LEAST}), got {np.shape(windows)}")
    return x
