"""Telling two regimes apart as bars arrive.

Generated: regime 1 is regime 0 with moves 2.5 times as wide; a bar of regime k is σ_k times a Student t of 5 degrees;
each bar the regime changes with probability .0037 (3.7 times per 1,000 bars, as in facts). 6,000 bars a seed. The model
is fitted once on the first 2,000 and then reads the other 4,000 one by one: filtered probabilities, label held until
another regime reaches .7. balanced_accuracy: mean over both regimes of the share of their bars labelled right, mean
over seeds; _worst, the worst seed; switches_per_1000, of the labels; truth_switches_per_1000, of the truth. Beside it:
_oracle, the same labels from the true parameters; _looking_ahead, by probabilities that saw the next 200 bars, which
nobody can have in time; _narrow, the same with moves only 2.2 times as wide. Quick and full are the same run.
"""

import numpy as np

from workbench.quant.hmm import RegimeModel, filtered, fit_regimes, settled
from workbench.quant.regimes import labels

BARS, LEARN, CHANGE, WIDE, NARROW, AHEAD, SEEDS = 6000, 2000, 0.0037, 2.5, 2.2, 200, 20


def figures(quick: bool = False) -> dict[str, float]:
    rows = [_run(seed, WIDE) for seed in range(SEEDS)]
    narrow = [_run(seed, NARROW) for seed in range(SEEDS)]
    found = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    found["balanced_accuracy_worst"] = min(row["balanced_accuracy"] for row in rows)
    found["balanced_accuracy_narrow"] = float(np.mean([row["balanced_accuracy"] for row in narrow]))
    found["switches_per_1000_narrow"] = float(np.mean([row["switches_per_1000"] for row in narrow]))
    return found


def simulate(bars: int, wide: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(regimes, values), each (bars,)."""
    regimes = (np.cumsum(rng.random(bars) < CHANGE) + rng.integers(2)) % 2
    return regimes, rng.standard_t(5, bars) * np.where(regimes == 1, wide, 1.0)


def _run(seed: int, wide: float) -> dict[str, float]:
    truth, values = simulate(BARS, wide, np.random.default_rng(seed))
    model = fit_regimes(values[:LEARN])
    stay = np.array([[1 - CHANGE, CHANGE], [CHANGE, 1 - CHANGE]])
    oracle = RegimeModel(np.zeros(2), np.array([1.0, wide]), np.full(2, 5.0), stay, np.full(2, 0.5))
    told, best = (labels(filtered(m, values))[LEARN:] for m in (model, oracle))
    seer = settled(model, values, AHEAD)[LEARN:-AHEAD].argmax(axis=1)
    truth = truth[LEARN:]
    return {
        "balanced_accuracy": balanced_accuracy(truth, told),
        "switches_per_1000": _switches(told),
        "truth_switches_per_1000": _switches(truth),
        "balanced_accuracy_oracle": balanced_accuracy(truth, best),
        "balanced_accuracy_looking_ahead": balanced_accuracy(truth[:-AHEAD], seer),
    }


def balanced_accuracy(truth: np.ndarray, told: np.ndarray) -> float:
    return float(np.mean([np.mean(told[truth == regime] == regime) for regime in np.unique(truth)]))


def _switches(regimes: np.ndarray) -> float:
    return float(np.count_nonzero(np.diff(regimes)) / regimes.size * 1000)
