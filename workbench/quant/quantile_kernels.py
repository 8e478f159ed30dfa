"""Compiled part of the QUANT features: quantiles of intervals, of many windows side by side (`quant.lanes`).

Sorting is Batcher's odd-even merge sort: which values are compared never depends on them, so all lanes go together.
"""

import numba
import numpy as np

from workbench.quant.lanes import LANES, columns_to_rows


@numba.njit(cache=True, nogil=True)
def interval_quantiles(view, intervals, below, share, out, at):
    """Write the quantiles of a view (n, n_channels, bars) into columns of `out` from `at` on; returns the next column.

    intervals : (m, 3) first bar, bar after the last, how many quantiles; below, share : of each quantile the place
    among the sorted values that it follows, and the way to the next. One of a few values is the median; of
    several every second one is relative to the interval's mean.
    """
    n, n_channels, bars = view.shape
    lanes, work = np.zeros((bars, LANES), view.dtype), np.empty((bars, LANES), view.dtype)
    mean, found = np.empty((9, LANES), view.dtype), np.empty((len(below), LANES), np.float32)
    for start in range(0, n, LANES):
        for c in range(n_channels):
            for w in range(min(LANES, n - start)):
                for t in range(bars):
                    lanes[t, w] = view[start + w, c, t]
            f = 0
            for row in range(len(intervals)):
                first, last, count = intervals[row]
                size = last - first
                work[:size] = lanes[first:last]
                if count > 1:
                    _mean(work, size, mean)
                _sort(work, size)
                for q in range(count):
                    if count == 1:
                        _median(work, size, found[f])
                    else:
                        above = work[min(below[f] + 1, size - 1)]
                        _between(work[below[f]], above, share[f], mean[8], q % 2, found[f])
                    f += 1
            columns_to_rows(found, f, start, out, at + c * len(below))
    return at + n_channels * len(below)


@numba.njit(cache=True, nogil=True)
def _sort(rows, n):
    """The first `n` rows in order, in every lane (Batcher 1968; Knuth, volume 3, 5.2.2, algorithm M)."""
    p = 1
    while p < n:
        k = p
        while k >= 1:
            for j in range(k % p, n - k, 2 * k):
                for i in range(j, min(j + k, n - k)):
                    if (i ^ (i + k)) < 2 * p:
                        low, high = rows[i], rows[i + k]
                        for w in range(LANES):
                            a, b = low[w], high[w]
                            low[w] = a if a < b else b
                            high[w] = b if a < b else a
            k //= 2
        p *= 2


@numba.njit(cache=True, nogil=True)
def _mean(rows, n, sums):
    """sums[8] = mean of the first `n` rows, added up as numpy does: by eight sums while there are eight more rows, for
    they lose less than one does. Rows 0 to 7 are room."""
    sums[:] = 0
    whole = n - n % 8
    for t in range(whole):
        total = sums[t % 8]
        for w in range(LANES):
            total[w] += rows[t, w]
    mean = sums[8]
    for w in range(LANES):
        left = (sums[0, w] + sums[1, w]) + (sums[2, w] + sums[3, w])
        mean[w] = left + ((sums[4, w] + sums[5, w]) + (sums[6, w] + sums[7, w]))
    for t in range(whole, n):
        for w in range(LANES):
            mean[w] += rows[t, w]
    for w in range(LANES):
        mean[w] /= n


@numba.njit(cache=True, nogil=True)
def _median(rows, n, out):
    low, high = rows[(n - 1) // 2], rows[n // 2]
    for w in range(LANES):
        out[w] = low[w] if n % 2 else (low[w] + high[w]) / 2


@numba.njit(cache=True, nogil=True)
def _between(low, high, share, mean, relative, out):
    for w in range(LANES):
        step = high[w] - low[w]
        value = low[w] + step * share if share < 0.5 else high[w] - step * (1 - share)
        out[w] = value - mean[w] if relative else value
