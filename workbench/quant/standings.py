"""Why each expert has the weight it has, in figures and in words."""

from dataclasses import dataclass

import numpy as np

from workbench.quant.aggregation import Trust, combine, regret_bound
from workbench.quant.trust_loops import LOSS, REGRET


@dataclass(frozen=True, slots=True)
class Standing:
    """One expert now. weight : share of the fan, mean over levels. loss : its mean pinball loss over the rounds it
    spoke. lead : how much smaller than the collective's, at most (above 0: it may be better to hear it alone).
    bound : the most `lead` could be, on any sequence. All in the unit of trust; NaN before the first round."""

    expert: str
    weight: float
    rounds: int
    loss: float
    lead: float
    bound: float
    words: str


def standings(trust: Trust, values: np.ndarray) -> list[Standing]:
    """Experts by falling weight for the fans `values` (n_experts, n_levels; NaN rows are silent)."""
    found = combine(trust, values)
    weights = np.zeros(len(trust.experts)) if found is None else found.weights.mean(axis=1)
    rounds = np.where(trust.rounds > 0, trust.rounds, np.nan)
    loss, lead = (trust.tables[table].mean(axis=1) / rounds for table in (LOSS, REGRET))
    bound = regret_bound(trust).mean(axis=1) / rounds
    awake = np.isfinite(values).all(axis=1)
    rows = [
        Standing(
            expert=name,
            weight=float(weights[k]),
            rounds=int(trust.rounds[k]),
            loss=float(loss[k]),
            lead=float(lead[k]),
            bound=float(bound[k]),
            words=_words(trust, k, bool(awake[k]), float(weights[k])),
        )
        for k, name in enumerate(trust.experts)
    ]
    return sorted(rows, key=lambda row: -row.weight)


def _words(trust: Trust, k: int, awake: bool, weight: float) -> str:
    rounds, needed = int(trust.rounds[k]), trust.rule.probation
    if not awake:
        return "silent now"
    if weight == 0 and rounds < needed:
        return f"watched: {rounds} of {needed} forecasts have matured"
    if rounds < needed:
        return (
            "the house speaks while all others are watched" if trust.experts[k] == trust.rule.house else "all are new"
        )
    return f"heard for {weight:.0%} on {rounds} matured forecasts"
