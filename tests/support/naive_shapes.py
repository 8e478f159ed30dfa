"""Shapes by their definition, one window at a time."""

import numpy as np

POINTS = 32


def shape(window):
    """Mean of each of 32 equal stretches of a step function, then z-normalised."""
    x = np.repeat(np.asarray(window, dtype=float), POINTS)  # every bar as 32 equal steps
    means = x.reshape(POINTS, len(window)).mean(axis=1)
    means = means - means.mean()
    deviation = np.sqrt((means**2).mean())
    return np.zeros(POINTS) if deviation <= 1e-9 else np.asarray(means / deviation, dtype=float)


def likeness(series, template, length):
    """Similarity of every window by its end; NaN where there is none."""
    out = np.full(len(series), np.nan)
    for end in range(length - 1, len(series)):
        window = series[end - length + 1 : end + 1]
        out[end] = np.mean(shape(window) * template) if np.isfinite(window).all() else 0.0
    return out


def hits(series, template, length, threshold, first):
    """Ends of hits: the first (or best) of each stretch, at least half a window apart."""
    r, found = likeness(series, template, length), []
    for end in range(length - 1, len(series)):
        if not r[end] >= threshold:
            continue
        if found and end - found[-1] < max(1, length // 2):
            if not first and r[end] > r[found[-1]]:
                found[-1] = end
            continue
        found.append(end)
    return found


def stretched(values, points):
    """Means of `points` equal stretches of the step function that `values` are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    edges = np.linspace(0, len(values), points + 1)
    return np.diff(np.interp(edges, np.arange(len(values) + 1), sums)) * points / len(values)


def prepared(bars, points=64):
    """Close, range and volume of one window as the classifier sees them."""
    x = np.asarray(bars, dtype=float)
    close = stretched(np.log(x[:, 3]), points)
    spread = stretched(np.log(x[:, 1] / x[:, 2]), points)
    volume = stretched(np.log1p(x[:, 4] / max(x[:, 4].mean(), 1e-300)), points)
    channels = []
    for values, unit in ((close, close.std()), (spread, close.std()), (volume, volume.std())):
        channels.append((values - values.mean()) / unit if unit > 1e-9 else np.zeros(points))
    return np.array(channels)
