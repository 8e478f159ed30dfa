"""Fans: a distribution told by a few quantiles. The geometry that scoring, trust and calibration share.

A fan is a pair (levels, values). levels : (n_levels,) strictly rising probabilities in (0, 1). values : (...,
n_levels), never falling along the last axis, any unit, rows with NaN give NaN. Between stated levels the quantile function is
linear; beyond them it falls off like an exponential tail through the two outermost quantiles, so that probability 0
lies at minus infinity and 1 at infinity.
"""

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def as_levels(levels: ArrayLike) -> np.ndarray:
    """Levels as an array of shape (n_levels,). Raises ValueRefused unless they rise strictly within (0, 1)."""
    array = np.asarray(levels, dtype=float)
    if array.ndim != 1 or not array.size or not (array[0] > 0 and array[-1] < 1 and (np.diff(array) > 0).all()):
        raise ValueRefused(f"levels must rise strictly within (0, 1), got {levels!r}")
    return array


def as_fan(levels: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float arrays. Raises ValueRefused where the last axis of `values` does not match `levels`."""
    p, v = as_levels(levels), np.asarray(values, dtype=float)
    if v.ndim == 0 or v.shape[-1] != p.size:
        raise ValueRefused(f"a fan of {p.size} levels needs values of shape (..., {p.size}), got {v.shape}")
    return p, v


def quantiles_at(levels: ArrayLike, values: ArrayLike, wanted: ArrayLike) -> np.ndarray:
    """Quantiles of fans at other probabilities.

    wanted : (n_wanted,) for all rows, or (..., n_wanted) row by row; outside (0, 1) gives the infinities.
    Returns (..., n_wanted). A fan of one level is a point: that value at every probability inside (0, 1).
    """
    p, v = as_fan(levels, values)
    w = np.asarray(wanted, dtype=float)
    rows = np.broadcast_shapes(v.shape[:-1], w.shape[:-1])
    v, w = np.broadcast_to(v, (*rows, p.size)), np.broadcast_to(w, (*rows, w.shape[-1]))
    inside = np.clip(w, 1e-300, 1 - 1e-16)
    if p.size == 1:
        found = np.broadcast_to(v, w.shape).copy()
    else:
        cell = np.clip(np.searchsorted(p, inside, side="right") - 1, 0, p.size - 2)
        low, high = np.take_along_axis(v, cell, -1), np.take_along_axis(v, cell + 1, -1)
        share = (inside - p[cell]) / (p[cell + 1] - p[cell])
        found = low + (high - low) * _with_tails(share, inside, p)
    return np.where(w <= 0, np.where(np.isnan(found), np.nan, -np.inf), np.where(w >= 1, found + np.inf, found))


def _with_tails(share: np.ndarray, inside: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Position within the cell, measured from its lower end: linear inside, logarithmic beyond the stated levels."""
    lower = np.log(inside / p[0]) / np.log(p[1] / p[0])
    upper = 1 + np.log((1 - p[-1]) / (1 - inside)) / np.log((1 - p[-2]) / (1 - p[-1]))
    return np.where(inside < p[0], lower, np.where(inside > p[-1], upper, share))


def rearranged(values: ArrayLike) -> np.ndarray:
    """Values sorted along the last axis: the fan that does not cross.

    Sorting never raises the pinball loss summed over levels: exchanging two crossed quantiles q1 > q2 of levels
    p1 < p2 changes the sum by (p1 - p2)(q1 - q2) < 0, whatever the outcome.
    """
    return np.sort(np.asarray(values, dtype=float), axis=-1)
