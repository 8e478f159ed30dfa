"""Compiled parts of the MiniRocket features: 84 kernels over many windows side by side (`quant.lanes`)."""

from itertools import combinations

import numba
import numpy as np

from workbench.quant.lanes import LANES, columns_to_rows

TAPS, LEAST = 9, 9
TRIPLES = np.array(list(combinations(range(TAPS), 3)), dtype=np.int64)
KERNELS = len(TRIPLES)
_FLUSHED = 32  # rows of shares that are written out at a time: whole lines of the cache


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def transform(x, dilations, channels, biases, found, column):
    """Write into `found` (n, …), from `column` on, the share of each convolution of x (n, n_channels, bars) that lies
    above each of its biases."""
    bars, each = x.shape[2], biases.shape[2]
    padded, rest, out = _room(bars, dilations)
    above, shares = np.empty(LANES, np.float32), np.empty((max(each, _FLUSHED), LANES), np.float32)
    for start in range(0, len(x), LANES):
        done, used = column, 0
        for place in range(dilations.size):
            for kernel in range(KERNELS):
                if kernel == 0 or not _same(channels[place, kernel], channels[place, kernel - 1]):
                    _laid_out(x, start, channels[place, kernel], dilations[place], padded, rest)
                first, last = _valid(place, kernel, dilations[place], bars)
                _convolve(padded, rest, TRIPLES[kernel], dilations[place], first, last, out)
                if used + each > len(shares):
                    columns_to_rows(shares, used, start, found, done)
                    done, used = done + used, 0
                for b in range(each):
                    _share_above(out, last - first, biases[place, kernel, b], above, shares[used])
                    used += 1
        columns_to_rows(shares, used, start, found, done)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def biases_of(x, dilations, channels, chosen, levels):
    """Quantiles at `levels` (n_dilations, 84, each) of the convolutions of the `chosen` windows, one a kernel."""
    bars = x.shape[2]
    padded, rest, out = _room(bars, dilations)
    biases = np.empty_like(levels)
    for place in range(dilations.size):
        for kernel in range(KERNELS):
            at = chosen[place, kernel]
            _laid_out(x[at : at + 1], 0, channels[place, kernel], dilations[place], padded, rest)
            _convolve(padded, rest, TRIPLES[kernel], dilations[place], 0, bars, out)
            biases[place, kernel] = np.quantile(out[:, 0].copy(), levels[place, kernel])
    return biases


@numba.njit(cache=True, nogil=True)
def _room(bars, dilations):
    widest = (TAPS // 2) * dilations.max()
    padded = np.empty((bars + 2 * widest, LANES), np.float32)
    return padded, np.empty((bars, LANES), np.float32), np.empty((bars, LANES), np.float32)


@numba.njit(cache=True, nogil=True)
def _same(a, b):
    different = 0
    for c in range(a.size):
        different += a[c] != b[c]
    return different == 0


@numba.njit(cache=True, nogil=True)
def _valid(place, kernel, dilation, bars):
    """Every second kernel looks only at bars where all taps are inside."""
    margin = (TAPS // 2) * dilation
    whole = (place + kernel) % 2 == 0 or bars <= 2 * margin
    return (0, bars) if whole else (margin, bars - margin)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _laid_out(x, start, chosen, dilation, padded, rest):
    """padded: the chosen channels' sum, a window a lane, between zeros as far as the taps reach. rest: minus the sum
    of all nine taps."""
    bars, margin = x.shape[2], (TAPS // 2) * dilation
    padded[: bars + 2 * margin] = 0.0
    for w in range(min(LANES, len(x) - start)):
        for c in range(x.shape[1]):
            if chosen[c] > 0:
                for t in range(bars):
                    padded[margin + t, w] += x[start + w, c, t]
    for t in range(bars):
        row = rest[t]
        row[:] = 0.0
        for k in range(TAPS):
            tap = padded[t + k * dilation]
            for w in range(LANES):
                row[w] -= tap[w]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _convolve(padded, rest, triple, dilation, first, last, out):
    """out[t − first] = 3 × (the three chosen taps at t) + rest, for bars t from `first` to before `last`."""
    size, taps = (last - first) * LANES, padded.reshape(-1)  # rows follow each other in memory: one long loop
    left = (first + triple[0] * dilation) * LANES
    middle = (first + triple[1] * dilation) * LANES
    right = (first + triple[2] * dilation) * LANES
    a, b, c = taps[left : left + size], taps[middle : middle + size], taps[right : right + size]
    r, o = rest.reshape(-1)[first * LANES :], out.reshape(-1)
    for i in range(size):
        o[i] = np.float32(3.0) * (a[i] + b[i] + c[i]) + r[i]


@numba.njit(cache=True, nogil=True)
def _share_above(out, size, bias, above, share):
    """share[w] = part of the first `size` rows of `out` that lie above `bias` in lane w; `above` (LANES,) is room."""
    one, none = np.float32(1), np.float32(0)
    above[:] = none
    whole = size - size % 4
    for t in range(0, whole, 4):  # four rows at a time: counting is memory traffic otherwise
        for w in range(LANES):
            here = (one if out[t, w] > bias else none) + (one if out[t + 1, w] > bias else none)
            more = (one if out[t + 2, w] > bias else none) + (one if out[t + 3, w] > bias else none)
            above[w] += here + more
    for t in range(whole, size):
        for w in range(LANES):
            above[w] += one if out[t, w] > bias else none
    for w in range(LANES):
        share[w] = above[w] / np.float32(size)
