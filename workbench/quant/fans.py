"""Fans: a distribution told by a few quantiles. The geometry that scoring, trust and calibration share.

A fan is a pair (levels, values). levels : (n_levels,) strictly rising probabilities in (0, 1). values : (...,
n_levels), never falling along the last axis, any unit, rows with NaN give NaN. Between stated levels the quantile
function is linear; beyond them it falls off like an exponential tail through the two outermost quantiles, so that
probability 0 lies at minus infinity and 1 at infinity.
"""

import numba
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
    flat = np.broadcast_to(v, (*rows, p.size)).reshape(-1, p.size)
    asked = np.broadcast_to(w, (*rows, w.shape[-1])).reshape(-1, w.shape[-1])
    return _read(p, flat, asked).reshape(*rows, w.shape[-1])


@numba.njit(cache=True)
def _read(p, values, wanted):
    out = np.empty(wanted.shape)
    for row in range(wanted.shape[0]):
        v = values[row]
        for i in range(wanted.shape[1]):
            out[row, i] = np.nan if np.isnan(v).any() else _read_one(p, v, wanted[row, i])
    return out


@numba.njit(cache=True)
def _read_one(p, v, w):
    last = p.size - 1
    if np.isnan(w):
        return np.nan
    if w <= 0 or w >= 1:
        return -np.inf if w <= 0 else np.inf
    if last == 0:
        return v[0]
    if w < p[0]:
        return v[0] + (v[1] - v[0]) * np.log(w / p[0]) / np.log(p[1] / p[0])
    if w > p[last]:
        fall = np.log((1 - p[last]) / (1 - w)) / np.log((1 - p[last - 1]) / (1 - p[last]))
        return v[last] + (v[last] - v[last - 1]) * fall
    cell = min(np.searchsorted(p, w, side="right") - 1, last - 1)
    return v[cell] + (v[cell + 1] - v[cell]) * (w - p[cell]) / (p[cell + 1] - p[cell])


def rearranged(values: ArrayLike) -> np.ndarray:
    """Values sorted along the last axis: the fan that does not cross.

    Sorting never raises the pinball loss summed over levels: exchanging two crossed quantiles q1 > q2 of levels
    p1 < p2 changes the sum by (p1 - p2)(q1 - q2) < 0, whatever the outcome.
    """
    return np.sort(np.asarray(values, dtype=float), axis=-1)
