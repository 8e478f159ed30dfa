"""Correlation of many assets: over sliding windows, and exponentially weighted, bar by bar.

A row is a bar, oldest first; a column is an asset. Values are returns as a rule, but levels of 1e8 are as exact: rows
are shifted by a median first. NaN policy: a NaN is a bar that is not there (not listed yet, halted, a gap); a pair is
judged by the bars where both are there, and is NaN below `least` of them or where one of the two does not move. inf is
refused. Row t of a result looks at bars up to its window's end and no further. Pairwise matrices with gaps need not be
positive semi-definite: `quant.nearest` repairs them before a solver sees one.
"""

import math

import numba
import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant import rolling_kernels as kernels

CACHE = 1_200_000  # bytes of a core's second-level cache that the sums may fill


def rolling_correlation(values, window: int, step: int = 1, least: int | None = None, out=None) -> np.ndarray:
    """Pearson correlation of every pair in every window of `window` bars that ends `step` bars after the last one.

    values : (n_bars, n). The first window ends at bar window − 1; use `window_ends` for all of them. least : bars that
    a pair with gaps needs (window / 2 as a rule). out : array to fill, of the returned shape (n_windows, n, n).
    Error below 1e-12 and |r| ≤ 1 whatever enters or leaves. Raises ValueRefused for inf, a window below 2 or no window.
    """
    x = _bars(values)
    ends = window_ends(len(x), window, step)
    needed = max(2, math.ceil(window / 2) if least is None else least)
    shape = (len(ends), x.shape[1], x.shape[1])
    if out is None:
        out = np.empty(shape)
    elif out.shape != shape or out.dtype != np.float64:
        raise ValueRefused(f"out: needs float64 of shape {shape}, got {out.dtype} of {out.shape}")
    grain = math.gcd(window, step)
    seen = np.isfinite(x)
    if seen.all():
        _full(x, window, step, grain, out)
    else:
        _gappy(x, seen, window, step, grain, needed, out)
    return out


def window_ends(n_bars: int, window: int, step: int = 1) -> np.ndarray:
    """Index of the last bar of each window. Raises ValueRefused where there is none."""
    if window < 2 or step < 1:
        raise ValueRefused(f"a window needs at least 2 bars and a step at least 1, got {window} and {step}")
    if n_bars < window:
        raise ValueRefused(f"a window of {window} bars needs as many, got {n_bars}; load more history or shorten it")
    return np.arange(window - 1, n_bars, step)


class EwmaCorrelation:
    """Exponentially weighted correlation, kept up to date a bar at a time; the mean is taken as zero.

    (RiskMetrics 1996.) halflife : bars after which a bar weighs half. A missing value adds nothing to its pairs: each
    pair is weighed over the bars where both are there. Before an asset's first value its pairs are NaN.
    """

    def __init__(self, n: int, halflife: float) -> None:
        if n < 1 or not halflife > 0:
            raise ValueRefused(f"needs assets and a positive half-life in bars, got {n} and {halflife}")
        self.bars = 0
        self._growth = 0.5 ** (-1.0 / halflife)
        self._weight = 1.0  # grows instead of letting n² numbers decay on every bar
        self._products = np.zeros((n, n))
        self._squares: np.ndarray | None = None  # [i, j]: Σ w x_i² over bars where j is there; needed once a gap came
        self._result = np.empty((n, n))

    def update(self, row) -> None:
        """Take the returns of one closed bar, shape (n,). Raises ValueRefused for inf or another shape."""
        x = np.array(row, dtype=float)
        if x.shape != self._products.shape[:1] or np.isinf(x).any():
            raise ValueRefused(f"needs {len(self._products)} returns, finite or NaN, got shape {x.shape}")
        self._weight *= self._growth
        if self._weight > 1e100:
            self._rescale()
        seen = np.isfinite(x)
        if self._squares is None and not seen.all():
            self._squares = np.repeat(np.diagonal(self._products)[:, None], len(x), axis=1)
        filled = np.where(seen, x, 0.0)
        _add_outer(self._products, filled * self._weight, filled)
        if self._squares is not None:
            _add_outer(self._squares, filled * filled * self._weight, seen.astype(float))
        self.bars += 1

    def matrix(self) -> np.ndarray:
        """The correlations now, (n, n): a view that the next call overwrites. NaN where a pair has never moved."""
        if self._squares is None:
            with np.errstate(divide="ignore"):
                scale = 1.0 / np.sqrt(np.diagonal(self._products))
            _normalise(self._products, np.where(np.isfinite(scale), scale, np.nan), self._result)
        else:
            _normalise_pairs(self._products, self._squares, self._result)
        return self._result

    def _rescale(self) -> None:
        self._products /= self._weight
        if self._squares is not None:
            self._squares /= self._weight
        self._weight = 1.0


def _bars(values) -> np.ndarray:
    x = np.ascontiguousarray(values, dtype=float)
    if x.ndim != 2 or x.size == 0:
        raise ValueRefused(f"values: needs bars × assets, got shape {x.shape}")
    if np.isinf(x).any():
        at = tuple(int(i) for i in np.argwhere(np.isinf(x))[0])
        raise ValueRefused(f"values: {x[at]} at bar {at[0]}, asset {at[1]}; a missing bar is NaN, never inf")
    return x


def _middles(x: np.ndarray, window: int) -> np.ndarray:
    """For each block of `window` rows the median of it and the block before: close to the data, deaf to outliers."""
    return np.ascontiguousarray([_middle(x[max(0, at - window) : at + window]) for at in range(0, len(x), window)])


def _middle(rows: np.ndarray) -> np.ndarray:
    """A median of each column's finite values, from some 32 rows: any value close to the level will do. 0 for none."""
    rows = rows[:: max(1, len(rows) // 32)]
    count = np.isfinite(rows).sum(axis=0)
    if count.min() == len(rows):
        return np.partition(rows, len(rows) // 2, axis=0)[len(rows) // 2]
    middle = np.take_along_axis(np.sort(rows, axis=0), np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.where(count > 0, middle, 0.0)


def _full(x, window, step, grain, out) -> None:
    shifts = np.repeat(_middle(x)[None], -(-len(x) // window), axis=0)
    mean, scale, weak = _moments(x, shifts, window, step, out.shape[:2])
    if weak.any():  # one level does not fit all of it: prices, or a series that moved far
        shifts = _middles(x, window)
        mean, scale, weak = _moments(x, shifts, window, step, out.shape[:2])
    n = x.shape[1]
    if grain == step == 1:
        old, new = _shifted(x, shifts, window)
        height = int(min(n, max(1, CACHE // (8 * window * n))))
        kernels.every_bar(old, new, window, mean, scale, height, out)
    else:
        tile = int(min(64, max(8, math.sqrt(CACHE * grain / (8 * window)) // 8 * 8)))
        kernels.some_bars(x, shifts, window, step, grain, mean, scale, tile, out)
    weak_t, weak_i = np.nonzero(weak)
    places = np.column_stack((np.repeat(weak_t, n), np.repeat(weak_i, n), np.tile(np.arange(n), len(weak_t))))
    kernels.recount(x, np.ones(x.shape, dtype=bool), window, step, places, out)


def _shifted(x: np.ndarray, shifts: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows under the shift of the block after theirs, and of their own."""
    if (shifts == shifts[0]).all():
        same = x - shifts[0]
        return same, same
    blocks = np.arange(len(x)) // window
    return x - shifts[np.minimum(blocks + 1, len(shifts) - 1)], x - shifts[blocks]


def _moments(x, shifts, window, step, shape):
    mean, scale, weak = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
    kernels.window_moments(x, shifts, window, step, mean, scale, weak)
    return mean, scale, weak


def _gappy(x, seen, window, step, grain, needed, out) -> None:
    filled, shifts = np.where(seen, x, 0.0), _middles(x, window)
    kernels.gappy_windows(filled, seen.astype(float), shifts, window, step, grain, needed, out)
    kernels.recount(x, seen, window, step, np.argwhere(out == 2.0), out)


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _add_outer(total, a, b):
    for i in numba.prange(len(a)):
        for j in range(len(b)):
            total[i, j] += a[i] * b[j]


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _normalise(products, scale, out):
    for i in numba.prange(len(scale)):
        for j in range(len(scale)):
            out[i, j] = min(max(products[i, j] * scale[i] * scale[j], -1.0), 1.0)
        out[i, i] = 1.0 if scale[i] == scale[i] else np.nan


@numba.njit(cache=True, parallel=True, error_model="numpy")
def _normalise_pairs(products, squares, out):
    for i in numba.prange(len(products)):
        for j in range(len(products)):
            r = products[i, j] / np.sqrt(squares[i, j] * squares[j, i])
            out[i, j] = min(max(r, -1.0), 1.0) if r == r else np.nan
