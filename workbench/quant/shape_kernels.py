"""Compiled parts of the shape scan: many windows of one length as columns of a small matrix, and what stands out.

A block holds the windows that start at consecutive bars. Sums run from the block's own first bar, relative to its first
known value, so rounding does not grow along a series and an outlier ends with its block.
"""

import numba
import numpy as np

POINTS = 32
FLAT = 1e-9  # a window whose shape has a standard deviation this small is flat: it resembles nothing


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def shape_columns(values, start, count, whole, part, columns):
    """Fill `columns` (POINTS, block) with the z-normalised shapes of `count` windows from bar `start` on; zeros after.

    whole, part : (POINTS + 1,) where each segment begins in the window, whole bars and the rest. A window with a value
    that is not finite, or that is flat, becomes zeros: its similarity to anything is 0.
    """
    length, size = whole[POINTS], columns.shape[1]
    sums, bad = _running(values, start, count + length - 1)
    edge, mean, spread = sums[:count].copy(), np.empty(count), np.zeros(count)
    scale = POINTS / length
    for s in range(count):
        mean[s] = (sums[s + length] - sums[s]) / length
    for j in range(POINTS):
        at, rest = whole[j + 1], part[j + 1]
        row, here, after = columns[j], sums[at:], sums[at + 1 :]
        for s in range(count):
            next_edge = here[s] + rest * (after[s] - here[s])
            value = (next_edge - edge[s]) * scale - mean[s]
            spread[s] += value * value
            row[s] = value
            edge[s] = next_edge
    for s in range(count):
        deviation = np.sqrt(spread[s] / POINTS)
        flat = deviation <= FLAT or bad[s + length] > bad[s]
        spread[s] = 0.0 if flat else 1.0 / deviation
    for j in range(POINTS):
        row = columns[j]
        for s in range(count):
            row[s] *= spread[s]
        for s in range(count, size):
            row[s] = 0.0


@numba.njit(cache=True, nogil=True)
def newest_columns(tails, whole, part, columns):
    """`shape_columns` of the window that ends with the last value of each of `tails` (n, longest), a column each."""
    length = whole[POINTS]
    for row in range(len(tails)):
        shape_columns(tails[row], tails.shape[1] - length, 1, whole, part, columns[:, row : row + 1])


@numba.njit(cache=True, nogil=True)
def _running(values, start, count):
    """Sums of `count` values from `start`, relative to the first finite one, and how many were not finite; each one
    longer than the last needed, so that reading an edge's next value never leaves them."""
    sums, bad = np.zeros(count + 2), np.zeros(count + 2, np.int64)
    base = 0.0
    for i in range(count):
        if np.isfinite(values[start + i]):
            base = values[start + i]
            break
    for i in range(count):
        v = values[start + i]
        good = np.isfinite(v)
        sums[i + 1] = sums[i] + (v - base if good else 0.0)
        bad[i + 1] = bad[i] + (0 if good else 1)
    sums[count + 1] = sums[count]
    return sums, bad


@numba.njit(cache=True, nogil=True)
def collect(likeness, count, start, length, apart, threshold, first, held_at, held, ends, patterns, found, n):
    """Add what stands out in a block to (ends, patterns, found), which have `n` rows in use; returns rows used, or
    −1 − n where they are full (the caller makes room and calls again; `held` then is as before).

    likeness : (n_patterns, block). held_at, held : (n_patterns,) the newest hit of each pattern and length. first: keep
    the first window of a stretch (known at its close); otherwise the best, of those fewer than `apart` bars from it.
    """
    n_patterns = likeness.shape[0]
    if n + n_patterns * (count // apart + 2) > ends.size:
        return -1 - n
    for p in range(n_patterns):
        row = likeness[p]
        top = row[0]
        for s in range(count):
            top = max(top, row[s])
        if top < threshold:
            continue
        for s in range(count):
            value = row[s]
            if value < threshold:
                continue
            end = start + s + length - 1
            if held_at[p] >= 0 and end - ends[held_at[p]] < apart:
                if not first and value > held[p]:
                    ends[held_at[p]], found[held_at[p]], held[p] = end, value, value
                continue
            ends[n], patterns[n], found[n] = end, p, value
            held_at[p], held[p] = n, value
            n += 1
    return n
