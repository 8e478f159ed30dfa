"""Correlation by its definition in long double, one window and one pair at a time."""

import numpy as np

WIDE = np.longdouble


def pearson(a, b):
    both = np.isfinite(a) & np.isfinite(b)
    u, v = a[both].astype(WIDE), b[both].astype(WIDE)
    if u.size < 2 or u.min() == u.max() or v.min() == v.max():
        return np.nan
    u, v = u - u.mean(), v - v.mean()
    return float((u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum()))


def rolling(values, window, step=1, least=2):
    out = []
    for end in range(window, len(values) + 1, step):
        rows = values[end - window : end]
        enough = np.isfinite(rows).astype(float).T @ np.isfinite(rows).astype(float) >= least
        r = np.array([[pearson(a, b) for b in rows.T] for a in rows.T])
        out.append(np.where(enough, r, np.nan))
    return np.array(out)


def ewma(rows, halflife):
    """Weighted sums over the bars where both are there, the mean taken as zero."""
    rows = np.asarray(rows, dtype=WIDE)
    weights = WIDE(0.5) ** (np.arange(len(rows) - 1, -1, -1) / WIDE(halflife))
    n = rows.shape[1]
    out = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(n):
            both = np.isfinite(rows[:, i]) & np.isfinite(rows[:, j])
            x, y, w = rows[both, i], rows[both, j], weights[both]
            scale = np.sqrt((w * x * x).sum() * (w * y * y).sum())
            out[i, j] = float((w * x * y).sum() / scale) if scale > 0 else np.nan
    return out
