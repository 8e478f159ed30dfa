"""Honest intervals: quantiles that reach their promised coverage on any sequence of outcomes.

Adaptive conformal inference (Gibbs & Candès 2021), one tracker a level, on top of any fan. Tracker i holds θ_i, the
probability at which the fan is read when level p_i is asked for, and moves by θ_i ← θ_i + γ_i (p_i − 1{y ≤ q_i}). What
is *played* is the isotonic fit of θ, so that published quantiles never cross; what is *counted* is the published one.

Steps are long in the tails and short in the middle, γ_i = γ · p_tail / min(p_i, 1 − p_i), so that γ_i p_i never falls
and γ_i (1 − p_i) never rises with i. Then the coverage of every level is within `coverage_bound` of p_i, whatever
happens: neighbours that would cross (θ_i > θ_{i+1}) lie in one pooled block, are played alike, hit or miss together,
and so do not move further across; others can pass each other by less than γ. Hence θ_i strays at most
½ (n_levels − 1) γ from what is played, and where 1 (always a hit) or 0 (never one) is played it turns back: θ stays
within ½ (n_levels + 1) γ of [0, 1]. The moves telescope: mean hit − p_i = (θ_i at the start − θ_i now) ÷ (γ_i ·
rounds). With one level this is the authors' own bound. Outcomes used d rounds late stretch γ to (d + 1) γ.

*Paired*, mirrored levels (p, 1 − p) move together, so that θ says how far and never which way: the trackers are then
w_i = θ(1 − p_i) − θ(p_i), moved by γ_i (C_i − 1{inside}) for the central interval that promises C_i. These intervals
are nested as levels are, γ_i C_i rises and γ_i (1 − C_i) is the same for all, so all of the above holds for them, and
`coverage_bound` is about intervals. Nothing is promised of a single quantile. It is for horizons of several bars, where
a few late outcomes of one sign would tilt the fan as if direction could be forecast.

At θ ≤ 0 and θ ≥ 1 the quantile is infinite, as the theorem demands; `within` makes it a finite price, and the bound
then holds for outcomes inside those limits.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.fans import LEVELS, as_fan, as_levels, quantiles_at


@dataclass(frozen=True, slots=True)
class Calibration:
    """State of the trackers. levels : promised probabilities. step : γ in (0, 1), the step of the outermost level.
    theta : where each tracker stands. hits : outcomes at or below each published quantile. rounds : outcomes seen.
    paired : mirrored levels move together; `levels` must then be symmetric about ½."""

    levels: tuple[float, ...]
    step: float
    theta: tuple[float, ...]
    hits: tuple[int, ...]
    rounds: int = 0
    paired: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.step < 1 or not len(self.theta) == len(self.levels) == len(self.hits):
            raise ValueRefused(f"a calibration needs 0 < step < 1 and one θ and hit count a level, got {self}")
        if self.paired and any(abs(p + q - 1) > 1e-9 for p, q in zip(self.levels, self.levels[::-1], strict=True)):
            raise ValueRefused(f"a paired calibration needs levels symmetric about one half, got {self.levels}")


def new_calibration(levels: ArrayLike, step: float = 0.006, paired: bool = False) -> Calibration:
    """Trackers that begin by believing the fan."""
    p = tuple(as_levels(levels).tolist())
    return Calibration(p, step, p, (0,) * len(p), paired=paired)


def calibration_for(horizon: int, step: float = 0.006) -> Calibration:
    """For forecasts `horizon` bars ahead, one a bar: so many outcomes are under way, and each counts for less."""
    return new_calibration(LEVELS, step / horizon, paired=horizon > 1)


@lru_cache(maxsize=256)
def steps(levels: tuple[float, ...], step: float) -> tuple[float, ...]:
    """γ_i of every level."""
    tails = [min(p, 1 - p) for p in levels]
    return tuple(step * min(tails) / tail for tail in tails)


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
    levels, reached = calibration.levels, float(outcome)  # numpy's own scalars would triple the time
    hit = [quantile >= reached for quantile in np.asarray(published, dtype=float).tolist()]
    moves = zip(calibration.theta, steps(levels, calibration.step), levels, hit, strict=True)
    theta = tuple([t + step * (p - h) for t, step, p, h in moves])
    if calibration.paired:
        theta = tuple([(low + 1 - high) / 2 for low, high in zip(theta, theta[::-1], strict=True)])
    hits = tuple([count + h for count, h in zip(calibration.hits, hit, strict=True)])
    return Calibration(levels, calibration.step, theta, hits, calibration.rounds + 1, calibration.paired)


def coverage_bound(calibration: Calibration, delay: int = 0) -> np.ndarray:
    """Largest possible |share of outcomes at or below level i − p_i| so far, for trackers that began at p. (n_levels,).

    delay : rounds between a forecast and the use of its outcome. Infinite before the first round. Paired: the same of
    `interval_errors`, the central interval of each level.
    """
    p = np.array(calibration.levels)
    if not calibration.rounds:
        return np.full(p.size, np.inf)
    excursion = (p.size + 1) / 2 * (delay + 1) * calibration.step
    promised = np.abs(2 * p - 1) if calibration.paired else p
    return (np.maximum(promised, 1 - promised) + excursion) / (
        np.array(steps(calibration.levels, calibration.step)) * calibration.rounds
    )


def interval_errors(calibration: Calibration) -> np.ndarray:
    """|Share of outcomes inside the central interval of each level − what it promises| so far, (n_levels,), the same
    for a level and its mirror; an outcome on the lower end counts as outside. The middle level's is 0."""
    hits, p = np.array(calibration.hits, dtype=float), np.array(calibration.levels)
    return np.abs(np.abs(hits - hits[::-1]) / max(calibration.rounds, 1) - np.abs(2 * p - 1))
