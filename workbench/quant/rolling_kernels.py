"""Compiled sums over sliding windows, without ever subtracting a bar that left.

Rows are cut into blocks as long as the window. A window that ends inside block k is a *tail* of block k − 1 and a
*head* of block k, so its sum is tails[start] + head: additions of what is still inside. Nothing is taken away, so
an outlier that leaves takes its rounding with it. The matrix is worked on in tiles that stay in the cache; memory sees
the result only.

x : float64 (n_rows, n), finite, already shifted; shifts change with the block, so a block's rows are read twice.
"""

import numba
import numpy as np

SMALL = 2e-3  # a variance this small beside its raw second moment is recounted from the window itself
FAST = {"contract", "nsz"}


@numba.njit(cache=True, fastmath=FAST, inline="always")
def _add_rows(total, x, shift, first, last, a, b, c, d, rows_i, rows_j):
    """total[i, j] += Σ over rows of (x_i − shift_i)(x_j − shift_j), four rows at a time while there are four."""
    for r in range(first, last):
        k = (r - first) & 3
        for i in range(a, b):
            rows_i[k, i - a] = x[r, i] - shift[i]
        for j in range(c, d):
            rows_j[k, j - c] = x[r, j] - shift[j]
        if k == 3:
            for i in range(b - a):
                p, q, s, t = rows_i[0, i], rows_i[1, i], rows_i[2, i], rows_i[3, i]
                for j in range(d - c):
                    total[i, j] += p * rows_j[0, j] + q * rows_j[1, j] + s * rows_j[2, j] + t * rows_j[3, j]
    left = (last - first) & 3
    for k in range(left):
        for i in range(b - a):
            p = rows_i[k, i]
            for j in range(d - c):
                total[i, j] += p * rows_j[k, j]


@numba.njit(cache=True, parallel=True, fastmath=FAST)
def every_bar(old, new, window, mean, scale, height, out):
    """Correlations of the window that ends at every bar, gap-free rows; out[t] is the window that starts at row t.

    old, new : (n_rows, n), the rows under the shift of the block after theirs and under their own block's. mean,
    scale : (n_out, n), the sum over √window and 1/√variance of each window. height : matrix rows that one task works
    on, at full width: short loops cost more than counting both triangles.
    """
    n_rows, n = new.shape
    bands = (n + height - 1) // height
    blocks = (n_rows + window - 1) // window
    for task in numba.prange(bands * blocks):
        block, a = task // bands, (task % bands) * height
        b = min(n, a + height)
        start = block * window
        tails, head = np.zeros((window + 1, b - a, n)), np.zeros((b - a, n))
        for part in range(window - 1, 0 if block else window, -1):
            row = old[start - window + part]
            for i in range(b - a):
                u = row[a + i]
                for j in range(n):
                    tails[part, i, j] = tails[part + 1, i, j] + u * row[j]
        for part in range(min(window, n_rows - start)):
            row = new[start + part]
            t = start + part + 1 - window
            for i in range(b - a):
                u = row[a + i]
                if t < 0:
                    for j in range(n):
                        head[i, j] += u * row[j]
                    continue
                m, s = mean[t, a + i], scale[t, a + i]
                for j in range(n):
                    total = head[i, j] + u * row[j]
                    head[i, j] = total
                    r = (tails[part + 1, i, j] + total - m * mean[t, j]) * (s * scale[t, j])
                    out[t, a + i, j] = min(max(r, -1.0), 1.0)
                out[t, a + i, a + i] = 1.0 if s == s else np.nan


@numba.njit(cache=True, parallel=True, fastmath=FAST)
def some_bars(x, shifts, window, step, grain, mean, scale, tile, out):
    """The same for windows `step` bars apart. grain divides window and step: so many rows are one symmetric product.

    shifts : (n_blocks, n), one row a block of `window` rows; where a block keeps its neighbour's, so are products.
    tile : edge of the square tiles of the upper triangle that one task works on.
    """
    n_rows, n = x.shape
    parts = window // grain
    tiles = (n + tile - 1) // tile
    for pair in numba.prange(tiles * (tiles + 1) // 2):
        row = 0
        while (row + 1) * tiles - (row + 1) * row // 2 <= pair:
            row += 1
        column = pair - (row * tiles - row * (row - 1) // 2) + row
        a, c = row * tile, column * tile
        b, d = min(n, a + tile), min(n, c + tile)
        h, w = b - a, d - c
        tails = np.zeros((parts + 1, h, w))
        head, result = np.empty((h, w)), np.empty((h, w))
        rows_i, rows_j = np.empty((4, tile)), np.empty((4, tile))
        for block in range((n_rows + window - 1) // window):
            start = block * window
            shift = shifts[block]
            if block:
                kept = (shift == shifts[block - 1]).all()
                for part in range(parts - 1, -1, -1):
                    if not kept:
                        at = start - window + part * grain
                        tails[part] = 0.0
                        _add_rows(tails[part], x, shift, at, at + grain, a, b, c, d, rows_i, rows_j)
                    if part < parts - 1:
                        for i in range(h):
                            for j in range(w):
                                tails[part, i, j] += tails[part + 1, i, j]
            head[:] = 0.0
            for part in range(parts):
                end = start + (part + 1) * grain
                if end > n_rows:
                    break
                # the tail from `part` on is used up: its place keeps this product for the next block
                product = tails[part]
                product[:] = 0.0
                _add_rows(product, x, shift, end - grain, end, a, b, c, d, rows_i, rows_j)
                for i in range(h):
                    for j in range(w):
                        head[i, j] += product[i, j]
                if end < window or (end - window) % step:
                    continue
                t = (end - window) // step
                last = part == parts - 1
                for i in range(h):
                    m, s = mean[t, a + i], scale[t, a + i]
                    for j in range(w):
                        total = head[i, j] if last else head[i, j] + tails[part + 1, i, j]
                        r = (total - m * mean[t, c + j]) * (s * scale[t, c + j])
                        result[i, j] = min(max(r, -1.0), 1.0)
                    if row == column:
                        result[i, i] = 1.0 if s == s else np.nan
                    out[t, a + i, c:d] = result[i]
                if row != column:
                    for j in range(w):
                        for i in range(h):
                            out[t, c + j, a + i] = result[i, j]


@numba.njit(cache=True, parallel=True, fastmath=FAST)
def window_moments(x, shifts, window, step, mean, scale, weak):
    """Fill mean and scale as the kernels above want them; weak[t, i] where the variance drowned in its own shift."""
    n_rows, n = x.shape
    root = np.sqrt(window)
    for block in numba.prange((n_rows + window - 1) // window):
        start = block * window
        shift = shifts[block]
        first, second = np.zeros((window + 1, n)), np.zeros((window + 1, n))
        for part in range(window - 1, 0 if block else window, -1):
            for i in range(n):
                v = x[start - window + part, i] - shift[i]
                first[part, i] = first[part + 1, i] + v
                second[part, i] = second[part + 1, i] + v * v
        one, two = np.zeros(n), np.zeros(n)
        for part in range(min(window, n_rows - start)):
            for i in range(n):
                v = x[start + part, i] - shift[i]
                one[i] += v
                two[i] += v * v
            end = start + part + 1
            if end < window or (end - window) % step:
                continue
            t = (end - window) // step
            for i in range(n):
                m = (first[part + 1, i] + one[i]) / root
                raw = second[part + 1, i] + two[i]
                var = raw - m * m
                mean[t, i] = m
                weak[t, i] = not var > SMALL * raw
                scale[t, i] = 1.0 / np.sqrt(var) if var > 0.0 else np.nan


@numba.njit(cache=True, parallel=True, fastmath=FAST)
def gappy_windows(x, seen, shifts, window, step, grain, least, out):
    """The same with gaps: each pair over the rows where both are seen, at least `least` of them, else NaN.

    x : gaps filled with its shift (a zero once shifted) in the caller's copy; seen : float64 mask of 0 and 1.
    A pair whose variance drowns in its shift is marked with the value 2 for the caller to recount.
    """
    n_rows, n = x.shape
    parts = window // grain
    tiles = (n + 15) // 16
    for pair in numba.prange(tiles * tiles):
        row, column = pair // tiles, pair % tiles
        if column < row:
            continue
        a, c = row * 16, column * 16
        b, d = min(n, a + 16), min(n, c + 16)
        h, w = b - a, d - c
        tails = np.zeros((parts + 1, 6, h, w))
        head = np.empty((6, h, w))
        for block in range((n_rows + window - 1) // window):
            start = block * window
            shift = shifts[block]
            tails[parts] = 0.0
            if block:
                for part in range(parts - 1, -1, -1):
                    at = start - window + part * grain
                    tails[part] = tails[part + 1]
                    _add_seen(tails[part], x, seen, shift, at, at + grain, a, h, c, w)
            head[:] = 0.0
            for part in range(parts):
                end = start + (part + 1) * grain
                if end > n_rows:
                    break
                _add_seen(head, x, seen, shift, end - grain, end, a, h, c, w)
                if end < window or (end - window) % step:
                    continue
                t = (end - window) // step
                for i in range(h):
                    for j in range(w):
                        s = tails[part + 1, :, i, j] + head[:, i, j]
                        r = _pair(s[0], s[1], s[2], s[3], s[4], s[5], least)
                        out[t, a + i, c + j] = r
                        out[t, c + j, a + i] = r


@numba.njit(cache=True, fastmath=FAST, inline="always")
def _add_seen(total, x, seen, shift, first, last, a, h, c, w):
    """Add rows to the six sums of each pair: n, Σxy, Σx, Σy, Σx², Σy², over rows where both are seen."""
    for r in range(first, last):
        for i in range(h):
            m = seen[r, a + i]
            if m == 0.0:
                continue
            u = x[r, a + i] - shift[a + i]
            for j in range(w):
                k = seen[r, c + j]
                v = (x[r, c + j] - shift[c + j]) * k
                total[0, i, j] += k
                total[1, i, j] += u * v
                total[2, i, j] += u * k
                total[3, i, j] += v
                total[4, i, j] += u * u * k
                total[5, i, j] += v * v


@numba.njit(cache=True, inline="always")
def _pair(n, xy, x, y, xx, yy, least):
    if n < least:
        return np.nan
    var_x, var_y = xx - x * x / n, yy - y * y / n
    if not (var_x > SMALL * xx and var_y > SMALL * yy):
        return 2.0
    r = (xy - x * y / n) / np.sqrt(var_x * var_y)
    return min(max(r, -1.0), 1.0)


@numba.njit(cache=True)
def plain(x, y):
    """Pearson's r of two finite series, the means taken off first; NaN where one of them does not move."""
    n = len(x)
    if n == 0 or x.min() == x.max() or y.min() == y.max():
        return np.nan
    u, v = x - x[0], y - y[0]
    for _ in range(2):
        u = u - u.sum() / n
        v = v - v.sum() / n
    u, v = u / np.abs(u).max(), v / np.abs(v).max()
    r = (u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum())
    return min(max(r, -1.0), 1.0)


@numba.njit(cache=True)
def recount(x, seen, window, step, places, out):
    """Overwrite out[t, i, j] and its mirror for each (t, i, j) of places with the correlation counted from scratch."""
    for k in range(len(places)):
        t, i, j = places[k]
        first = t * step
        both = seen[first : first + window, i] & seen[first : first + window, j]
        r = plain(x[first : first + window, i][both], x[first : first + window, j][both])
        out[t, i, j] = r
        out[t, j, i] = r
