"""Honest intervals: quantiles that reach their promised coverage on any sequence of outcomes.

Adaptive conformal inference (Gibbs & Candès 2021), one tracker a level, on top of any fan. Tracker i holds θ_i, the
probability at which the fan is read when level p_i is asked for, and moves by θ_i ← θ_i + γ (p_i − 1{y ≤ q_i}). What is
*played* is the isotonic fit of θ, so that published quantiles never cross; what is *counted* is the published quantile.

The coverage of every level is within `coverage_bound` of p_i, whatever happens:
neighbours that would cross (θ_i > θ_{i+1}) lie in one pooled block, are played alike, hit or miss together, and so
move apart by γ (p_{i+1} − p_i); others can pass each other by less than γ. So θ_i strays at most ½ (n_levels − 1) γ from
what is played, and where 1 (always a hit) or 0 (never one) is played it turns back: θ stays within ½ (n_levels + 1) γ
of [0, 1]. The moves telescope: mean hit − p_i = (θ_i at the start − θ_i now) / (γ · rounds). One level gives the
authors' own bound. Outcomes used d rounds late stretch γ to (d + 1) γ in the excursion.

At θ ≤ 0 and θ ≥ 1 the quantile is infinite, as the theorem demands; `within` makes it a finite price, and the bound
then holds for outcomes inside those limits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import as_fan, as_levels, quantiles_at


@dataclass(frozen=True, slots=True)
class Calibration:
    """State of the trackers. levels : promised probabilities. step : γ in (0, 1). theta, hits : one a level."""

    levels: tuple[float, ...]
    step: float
    theta: tuple[float, ...]
    hits: tuple[int, ...]
    rounds: int = 0

    def __post_init__(self) -> None:
        as_levels(self.levels)
        if not 0 < self.step < 1 or len(self.theta) != len(self.levels) != len(self.hits):
            raise ValueRefused(f"a calibration needs 0 < step < 1 and one θ and hit count a level, got {self}")


def new_calibration(levels: ArrayLike, step: float = 0.01) -> Calibration:
    """Trackers that begin by believing the fan."""
    p = tuple(as_levels(levels).tolist())
    return Calibration(p, step, p, (0,) * len(p))


def played(calibration: Calibration) -> np.ndarray:
    """The probabilities at which the fan is read: isotonic least-squares fit of θ, (n_levels,), never falling."""
    theta = np.array(calibration.theta)
    return theta if (np.diff(theta) >= 0).all() else isotonic(theta)


def isotonic(values: np.ndarray) -> np.ndarray:
    """Nearest never-falling sequence in least squares, by pooling adjacent violators. Shape (n,), no NaN."""
    blocks: list[tuple[float, int]] = []
    for value in values.tolist():
        block = (value, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, size = blocks.pop()
            block = ((mean * size + block[0] * block[1]) / (size + block[1]), size + block[1])
        blocks.append(block)
    return np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])


def calibrated(calibration: Calibration, levels: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Quantiles at `calibration.levels` of the fan (levels, values), read as coverage so far advises. (n_levels,)."""
    p, v = as_fan(levels, values)
    return quantiles_at(p, v, played(calibration))


def within(quantiles: ArrayLike, low: float, high: float) -> np.ndarray:
    """Quantiles made finite: clipped to [low, high], the furthest outcomes held possible."""
    return np.clip(np.asarray(quantiles, dtype=float), low, high)


def observed(calibration: Calibration, published: ArrayLike, outcome: float) -> Calibration:
    """Calibration after `outcome` met `published` quantiles (n_levels,), which may have been made some rounds ago."""
    levels, step = calibration.levels, calibration.step
    hit = [quantile >= outcome for quantile in np.asarray(published, dtype=float).tolist()]
    theta = tuple(t + step * (p - h) for t, p, h in zip(calibration.theta, levels, hit, strict=True))
    hits = tuple(count + h for count, h in zip(calibration.hits, hit, strict=True))
    return Calibration(levels, step, theta, hits, calibration.rounds + 1)


def coverage_bound(calibration: Calibration, delay: int = 0) -> np.ndarray:
    """Largest possible |share of outcomes at or below level i − p_i| so far, for trackers that began at p. (n_levels,).

    delay : rounds between a forecast and the use of its outcome. Infinite before the first round.
    """
    p = np.array(calibration.levels)
    if not calibration.rounds:
        return np.full(p.size, np.inf)
    excursion = (p.size + 1) / 2 * (delay + 1) * calibration.step
    return (np.maximum(p, 1 - p) + excursion) / (calibration.step * calibration.rounds)
