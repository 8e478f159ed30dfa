"""Fewer points of a curve, all of them real: highs, lows, the first and the last stay. Pure."""

from itertools import pairwise

import numpy as np

FEWEST = 4


def keep(values: np.ndarray, max_points: int) -> np.ndarray:
    """Positions to keep, rising: ndarray of int, at most `max_points` of them.

    values : ndarray of shape (n,), finite, in the order of time. Equal runs of points each give their lowest and
    highest; of equal values the earliest. The first and last point are always kept, so are the lowest and highest.
    """
    if max_points < FEWEST:
        raise ValueError(f"a curve needs at least {FEWEST} points (first, low, high, last), got {max_points}")
    count = len(values)
    if count <= max_points:
        return np.arange(count)
    edges = np.linspace(1, count - 1, (max_points - 2) // 2 + 1).astype(int)  # of the runs between first and last
    runs = [(start, stop) for start, stop in pairwise(edges) if stop > start]
    inner = [start + pick(values[start:stop]) for start, stop in runs for pick in (np.argmin, np.argmax)]
    return np.unique([0, *inner, count - 1])
