"""Features of windows by their definitions, one number at a time."""

import numpy as np


def convolution(x, triple, dilation):
    """x : (bars,). Nine taps around each bar, weight 2 at `triple`, −1 elsewhere, zero outside."""
    weights = np.full(9, -1.0)
    weights[list(triple)] = 2.0
    out = np.zeros(len(x))
    for t in range(len(x)):
        for k in range(9):
            at = t + (k - 4) * dilation
            out[t] += weights[k] * x[at] if 0 <= at < len(x) else 0.0
    return out


def share_above(out, bias, dilation, inside):
    margin = 4 * dilation
    part = out[margin : len(out) - margin] if inside and len(out) > 2 * margin else out
    return float(np.mean(part > bias))


def ridge(x, target, penalty):
    """Weights with an unpenalised mean, by the normal equations."""
    mean, level = x.mean(axis=0), target.mean(axis=0)
    z = x - mean
    return np.linalg.solve(z.T @ z + penalty * np.eye(x.shape[1]), z.T @ (target - level)), mean, level


def quantiles(view, intervals, every=4):
    """view : (bars,). Quantiles of each interval, every second one relative to its mean; of a few bars the median."""
    found = []
    for first, last in intervals:
        part = view[first:last]
        count = 1 + (len(part) - 1) // every
        if count == 1:
            found.append(np.median(part))
            continue
        levels = np.quantile(part, np.linspace(0, 1, count))
        levels[1::2] -= part.mean()
        found += list(levels)
    return found


def views(x):
    """x : (bars > 6,). Itself, its changes as means of five, changes of changes, and how strong its waves are."""
    return [
        x,
        np.convolve(np.diff(x), np.ones(5) / 5, "same"),
        np.diff(x, 2),
        np.abs(np.fft.rfft(x)),
    ]
