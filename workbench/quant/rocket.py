"""MiniRocket features: how often each of many fixed, dilated convolutions of a window exceeds a bias seen in training.

Dempster, Schmidt and Webb, "MiniRocket", KDD 2021: 84 kernels of nine weights (three of 2, six of −1), dilations spread
evenly over powers of two, biases from quantiles of the convolutions of training windows, proportion of positive values.
"""

from dataclasses import dataclass
from itertools import combinations

import numba
import numpy as np

from workbench.domain.errors import ValueRefused

TAPS, LEAST, GOLDEN = 9, 9, (5**0.5 - 1) / 2
TRIPLES = np.array(list(combinations(range(TAPS), 3)), dtype=np.int64)
KERNELS = len(TRIPLES)


@dataclass(frozen=True, slots=True, eq=False)
class Rocket:
    """What a transform needs: dilations (n,), biases (n, 84, each), channels (n, 84, n_channels) of weights 0 or 1."""

    dilations: np.ndarray
    biases: np.ndarray
    channels: np.ndarray
    bars: int

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
    biases = _biases(x, dilations, channels, chosen, levels.reshape(len(dilations), KERNELS, each).astype(np.float32))
    return Rocket(dilations, biases, channels, bars)


def rocket_features(rocket: Rocket, windows: np.ndarray) -> np.ndarray:
    """(n, n_features) float32 shares in [0, 1] of windows (n, n_channels, n_bars)."""
    x = _checked(windows)
    if x.shape[1:] != (rocket.channels.shape[2], rocket.bars):
        wanted = (rocket.channels.shape[2], rocket.bars)
        raise ValueRefused(f"windows are {x.shape[1:]} (channels, bars); these features were fitted on {wanted}")
    return _transform(x, rocket.dilations, rocket.channels, rocket.biases)


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


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, inline="always")
def _convolve(taps, triple, out):
    """out = 3 × (the three chosen taps) + taps[9], which is minus the sum of all nine."""
    a, b, c, rest = taps[triple[0]], taps[triple[1]], taps[triple[2]], taps[TAPS]
    for t in range(out.size):
        out[t] = np.float32(3.0) * (a[t] + b[t] + c[t]) + rest[t]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _shifted(x, chosen, dilation, taps):
    """The chosen channels' sum as nine shifted rows, zero outside, and minus the sum of them."""
    bars = x.shape[1]
    taps[:] = 0.0
    for k in range(TAPS):
        shift = (k - TAPS // 2) * dilation
        first, last = max(0, -shift), min(bars, bars - shift)
        for c in range(x.shape[0]):
            if chosen[c] > 0:
                for t in range(first, last):
                    taps[k, t] += x[c, t + shift]
        for t in range(first, last):
            taps[TAPS, t] -= taps[k, t]


@numba.njit(cache=True, nogil=True)
def _same(a, b):
    return not np.any(a != b)


@numba.njit(cache=True, nogil=True)
def _valid(place, kernel, dilation, bars):
    """Every second kernel looks only at bars where all taps are inside."""
    margin = (TAPS // 2) * dilation
    whole = (place + kernel) % 2 == 0 or bars <= 2 * margin
    return (0, bars) if whole else (margin, bars - margin)


@numba.njit(cache=True, nogil=True)
def _biases(x, dilations, channels, chosen, levels):
    bars = x.shape[2]
    taps, out = np.empty((TAPS + 1, bars), np.float32), np.empty(bars, np.float32)
    biases = np.empty_like(levels)
    for place in range(dilations.size):
        for kernel in range(KERNELS):
            _shifted(x[chosen[place, kernel]], channels[place, kernel], dilations[place], taps)
            _convolve(taps, TRIPLES[kernel], out)
            biases[place, kernel] = np.quantile(out, levels[place, kernel])
    return biases


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _transform(x, dilations, channels, biases):
    n, n_channels, bars = x.shape
    each = biases.shape[2]
    found = np.empty((n, dilations.size * KERNELS * each), np.float32)
    taps, out = np.empty((TAPS + 1, bars), np.float32), np.empty(bars, np.float32)
    for i in range(n):
        at = 0
        for place in range(dilations.size):
            for kernel in range(KERNELS):
                if kernel == 0 or (n_channels > 1 and not _same(channels[place, kernel], channels[place, kernel - 1])):
                    _shifted(x[i], channels[place, kernel], dilations[place], taps)
                _convolve(taps, TRIPLES[kernel], out)
                first, last = _valid(place, kernel, dilations[place], bars)
                for b in range(each):
                    bias, above = biases[place, kernel, b], 0
                    for t in range(first, last):
                        above += out[t] > bias
                    found[i, at] = above / (last - first)
                    at += 1
    return found
