"""Exponential weights: the oldest rule of trust, with the shortest proof. Losses: smaller is better.

With weights ∝ exp(−η · loss so far), after T rounds and against each of K experts
- losses in [0, 1], η = √(8 ln K / T): regret ≤ √(T ln K / 2) (Cesa-Bianchi & Lugosi 2006, theorem 2.2);
- squared loss of predictions and outcomes in [0, 1], η = ½: regret ≤ 2 ln K, for ever (ibid., section 3.3);
- logarithmic loss of mixed probabilities, η = 1: regret ≤ ln K, for ever.
"""

import numpy as np
from numpy.typing import ArrayLike


def hedge_weights(losses: ArrayLike, rate: float) -> np.ndarray:
    """Weights from cumulative losses (n_experts, …), summing to 1 along axis 0. Infinite loss: weight 0."""
    total = np.asarray(losses, dtype=float)
    raw = np.exp(-rate * (total - total.min(axis=0)))
    return raw / raw.sum(axis=0)


def hedge_rate(n_experts: int, rounds: int) -> float:
    """η that makes the regret bound smallest for losses in [0, 1] over `rounds` rounds."""
    return float(np.sqrt(8 * np.log(n_experts) / rounds))


def hedge_bound(n_experts: int, rounds: int) -> float:
    """√(T ln K / 2)."""
    return float(np.sqrt(rounds * np.log(n_experts) / 2))
