"""Scores of forecasts. Losses: smaller is better. Rows with NaN score NaN; nothing here looks at more than its row.

Fans are (levels, values) as in `workbench.quant.fans`; outcomes have the shape of `values` without its last axis and
the same unit. All functions take millions of rows at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import as_fan


def pinball(levels: ArrayLike, values: ArrayLike, outcomes: ArrayLike) -> np.ndarray:
    """Pinball loss of each quantile: p·(y − q) above it, (1 − p)·(q − y) below. Shape of `values`, unit of outcomes."""
    p, q = as_fan(levels, values)
    miss = np.asarray(outcomes, dtype=float)[..., None] - q
    return np.maximum(p * miss, (p - 1) * miss)


def crps(levels: ArrayLike, values: ArrayLike, outcomes: ArrayLike) -> np.ndarray:
    """Continuous ranked probability score, ∫(F(x) − 1{x ≥ y})² dx, in the unit of outcomes. Shape of `outcomes`.

    Exact for the fan read as `Forecast.quantile` reads it: linear between stated levels, and the probability beyond the
    outermost levels sitting on the outermost values (Gneiting & Raftery 2007, sec. 4.2).
    """
    p, q = as_fan(levels, values)
    y = np.asarray(outcomes, dtype=float)
    score = np.maximum(q[..., 0] - y, 0) + np.maximum(y - q[..., -1], 0)
    for a, b, low, high in zip(p[:-1], p[1:], np.moveaxis(q, -1, 0)[:-1], np.moveaxis(q, -1, 0)[1:], strict=True):
        score = score + _cell(a, b, low, high, y)
    return score


def _cell(a: float, b: float, low: np.ndarray, high: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The integral over one cell, where F climbs linearly from a at `low` to b at `high`."""
    width = high - low
    cut = np.clip(y, low, high)
    below = cut - low
    with np.errstate(invalid="ignore", divide="ignore"):
        f = np.where(width > 0, a + (b - a) * below / width, b)
    left = below * (a * a + a * f + f * f)
    right = (high - cut) * ((1 - f) ** 2 + (1 - f) * (1 - b) + (1 - b) ** 2)
    return (left + right) / 3


def covered(levels: ArrayLike, values: ArrayLike, outcomes: ArrayLike, probability: float = 0.9) -> np.ndarray:
    """Whether each outcome lies in the central interval of `probability`, ends included (bool, shape of outcomes).

    Raises ValueRefused where the fan does not state both ends.
    """
    p, q = as_fan(levels, values)
    ends = [int(np.argmin(np.abs(p - end))) for end in ((1 - probability) / 2, (1 + probability) / 2)]
    if not np.allclose(p[ends], [(1 - probability) / 2, (1 + probability) / 2], atol=1e-9):
        raise ValueRefused(f"the central {probability:.0%} interval is not stated by levels {tuple(p)}")
    y = np.asarray(outcomes, dtype=float)
    return (q[..., ends[0]] <= y) & (y <= q[..., ends[1]])


def worst_window(hits: ArrayLike, width: int) -> float:
    """Smallest mean of `width` neighbours along axis 0, over all columns; NaN where the run is shorter."""
    h = np.asarray(hits, dtype=float)
    if len(h) < width:
        return float("nan")
    sums = np.concatenate([np.zeros_like(h[:1]), np.cumsum(h, axis=0)])
    return float((sums[width:] - sums[:-width]).min() / width)


def pit(levels: ArrayLike, values: ArrayLike, outcomes: ArrayLike, uniforms: ArrayLike) -> np.ndarray:
    """Probability integral transform, uniform on (0, 1) where the fan is right. Shape of `outcomes`.

    uniforms : draws from (0, 1), shape of outcomes, used where the fan does not say more than "within these levels":
    beyond the outermost quantiles, and on values that several levels share. Linear elsewhere.
    """
    p, q = as_fan(levels, values)
    y, u = np.asarray(outcomes, dtype=float), np.asarray(uniforms, dtype=float)
    below, upto = (q < y[..., None]).sum(-1), (q <= y[..., None]).sum(-1)
    grid = np.concatenate([[0.0], p, [1.0]])
    reach = np.concatenate([q[..., :1], q, q[..., -1:]], axis=-1)
    low = np.take_along_axis(reach, below[..., None], -1)[..., 0]
    high = np.take_along_axis(reach, np.minimum(below + 1, p.size + 1)[..., None], -1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where((below == 0) | (below == p.size), u, (y - low) / (high - low))
    lone = grid[below] + share * (grid[np.minimum(below + 1, p.size + 1)] - grid[below])
    shared = grid[np.minimum(below + 1, p.size + 1)] + u * (grid[upto] - grid[np.minimum(below + 1, p.size + 1)])
    blind = np.isnan(y) | np.isnan(q).any(-1)
    return np.where(blind, np.nan, np.where(upto > below, shared, lone))


def qlike(realised: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Loss of a variance forecast, r/f − ln(r/f) − 1 ≥ 0 (Patton 2011). NaN unless both are positive."""
    r, f = np.asarray(realised, dtype=float), np.asarray(forecast, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((r > 0) & (f > 0), r / f, np.nan)
    return ratio - np.log(ratio) - 1


def mase(outcomes: ArrayLike, forecasts: ArrayLike, training: ArrayLike, season: int = 1) -> float:
    """Mean absolute error over that of the seasonal-naive step within `training` (Hyndman & Koehler 2006).

    NaN rows are skipped. NaN where the training series never moves.
    """
    past = np.asarray(training, dtype=float)
    scale = np.nanmean(np.abs(past[season:] - past[:-season])) if past.size > season else np.nan
    error = np.nanmean(np.abs(np.asarray(outcomes, dtype=float) - np.asarray(forecasts, dtype=float)))
    return float(error / scale) if scale > 0 else float("nan")


def skill(losses: ArrayLike, naive_losses: ArrayLike) -> float:
    """1 − mean loss ÷ mean loss of the naive forecast over the rows both have; above 0 beats it. NaN without rows."""
    own, naive = np.asarray(losses, dtype=float), np.asarray(naive_losses, dtype=float)
    both = np.isfinite(own) & np.isfinite(naive)
    return float(1 - own[both].sum() / naive[both].sum()) if naive[both].sum() > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """Is A's mean loss different from B's? `difference` = mean(A − B): negative where A is better."""

    difference: float
    statistic: float
    p_value: float
    rows: int


def diebold_mariano(losses_a: ArrayLike, losses_b: ArrayLike, horizon: int = 1) -> DieboldMariano:
    """Test of equal predictive accuracy with the small-sample correction of Harvey, Leybourne & Newbold (1997).

    losses : (n,), in order of time, of forecasts `horizon` bars ahead; rows where either is NaN are skipped. Long-run
    variance by Newey–West with max(horizon − 1, ⌈n^⅓⌉) lags, as statsmodels' `diebold_mariano_test` (our twin in the
    tests; not called here because importing it takes a second and its regression copies the rows several times).
    NaN statistic and p-value 1 where the losses never differ or fewer than 2·horizon rows are left.
    """
    return diebold_mariano_each(np.asarray(losses_a, dtype=float)[None], losses_b, horizon)[0]


def diebold_mariano_each(losses: ArrayLike, against: ArrayLike, horizon: int = 1) -> list[DieboldMariano]:
    """`diebold_mariano` of each row of `losses` (k, n) against the same `against` (n,); in one pass where all rows
    lack the same values."""
    d = np.asarray(losses, dtype=float) - np.asarray(against, dtype=float)
    finite = np.isfinite(d)
    if len(d) and (finite == finite[0]).all():
        return _tests(d[:, finite[0]], horizon)
    return [_tests(row[known][None], horizon)[0] for row, known in zip(d, finite, strict=True)]


def _tests(d: np.ndarray, horizon: int) -> list[DieboldMariano]:
    """Each row of differences (k, n), all finite, against a mean of 0."""
    n = d.shape[1]
    if n == 0:
        return [DieboldMariano(float("nan"), float("nan"), 1.0, 0) for _ in d]
    mean = d.mean(axis=1)
    able = (d.std(axis=1) > 1e-15 * np.abs(d).max(axis=1)) & (n >= max(3, 2 * horizon))
    lags = min(max(horizon - 1, int(np.ceil(n ** (1 / 3)))), n - 1)
    centred = d - mean[:, None]
    variance = np.einsum("ij,ij->i", centred, centred)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * np.einsum("ij,ij->i", centred[:, lag:], centred[:, :-lag])
    able &= variance > 0
    shrink = np.sqrt(max(0.0, n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = np.where(able, shrink * mean * n / np.sqrt(np.where(able, variance, 1.0)), np.nan)
    p_value = np.where(able, 2 * stdtr(n - 1, -np.abs(statistic)), 1.0)
    return [DieboldMariano(float(m), float(t), float(p), n) for m, t, p in zip(mean, statistic, p_value, strict=True)]
