"""Pattern setups on ordinary history: how often `/track setup SYMBOL pattern NAME` triggers where nothing is.

Five examples of one of twelve drawn shapes, planted in real hourly candles of one half of the coins (2024), are
waited for on coins of the other half, drawn at random: armed in the middle of a coin's bars, the first half being the
user's unlabelled history. A setup triggers at a bar where a window that ends with it is like an example; every bar of
the second half is looked at, and none of them is labelled.

`false_alarms`: share of those bars at which it triggers; `false_alarms_signs`: the same where the sign of each return
was drawn anew, in both halves. `…_before`: at the likeness that the examples alone ask for, as it was until the
history raised it (nominal .02). `bars_between`: mean bars from one stretch of alarms to the next. `worst_tenth`: the
share that one setup in ten exceeds. `told`: mean of what the user is told on arming. `recall`: of shapes planted in
coins of the other half, those that trigger; `recall_before`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from workbench.bench.crypto import coin_halves
from workbench.bench.null import random_signs
from workbench.bench.openset import SHAPES, planted
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation
from workbench.domain.setups import Examples
from workbench.quant.pattern_alarms import guarded, likeness
from workbench.quant.pattern_match import examples_of
from workbench.quant.shapes import newest

LABELS, PLANTED = 5, 40
_AT = datetime(2024, 1, 1, tzinfo=UTC)


def figures(quick: bool = False) -> dict[str, float]:
    near, far = coin_halves()
    table = pd.DataFrame(list(_runs(near, far, 3 if quick else 10)))
    bars = table.pop("bars").sum()
    stretches = {name: table.pop(name).sum() for name in ("stretches", "stretches_before")}
    found = {name: float(table[name].mean()) for name in table.columns}
    for part in ("", "_before"):
        found[f"bars_between{part}"] = float(bars / max(1, stretches[f"stretches{part}"]))
        found[f"worst_tenth{part}"] = float(table[f"false_alarms{part}"].quantile(0.9))
    return found


def _runs(near: list[np.ndarray], far: list[np.ndarray], markets: int) -> Iterator[dict[str, float]]:
    """One armed setup each: a shape on a market."""
    for number, name in enumerate(SHAPES):
        rng = np.random.default_rng(number)
        plain = examples_of(name, [_label(planted(near, name, rng), name) for _ in range(LABELS)])
        seen = [planted(far, name, rng)[:, 3] for _ in range(PLANTED)]
        for coin in rng.choice(len(far), markets, replace=False):
            bars = far[coin]
            yield _run(plain, bars[:, 3], seen) | _signs(plain, random_signs(bars[:, :4], rng)[:, 3])


def _run(plain: Examples, closes: np.ndarray, seen: list[np.ndarray]) -> dict[str, float]:
    armed = _armed(plain, closes)
    scores = _second_half(plain, closes)
    alarms, before = scores >= armed.least, scores >= plain.least
    return {
        "false_alarms": alarms.mean(),
        "false_alarms_before": before.mean(),
        "told": armed.alarms.after if armed.alarms else np.nan,
        "recall": _recall(armed, seen),
        "recall_before": _recall(plain, seen),
        "bars": len(scores),
        "stretches": _stretches(alarms),
        "stretches_before": _stretches(before),
    }


def _signs(plain: Examples, closes: np.ndarray) -> dict[str, float]:
    armed, scores = _armed(plain, closes), _second_half(plain, closes)
    return {
        "false_alarms_signs": (scores >= armed.least).mean(),
        "false_alarms_signs_before": (scores >= plain.least).mean(),
    }


def _armed(plain: Examples, closes: np.ndarray) -> Examples:
    history = closes[: len(closes) // 2]
    return guarded(plain, history, np.ones(len(history), bool))


def _second_half(examples: Examples, closes: np.ndarray) -> np.ndarray:
    """Likeness at each bar whose windows lie in the second half."""
    scores = likeness(closes[len(closes) // 2 :], examples)
    return scores[np.isfinite(scores)]


def _stretches(alarms: np.ndarray) -> int:
    return int(np.count_nonzero(np.diff(alarms.astype(int), prepend=0) == 1))


def _recall(examples: Examples, windows: list[np.ndarray]) -> float:
    shapes = np.array(examples.shapes, np.float32)
    found = newest([np.log(closes) for closes in windows], shapes, examples.lengths).max(axis=(1, 2))
    return float((found >= examples.least).mean())


def _label(bars: np.ndarray, name: str) -> Annotation:
    rows = tuple((o, h, low, c, v) for o, h, low, c, v in bars.tolist())
    last = _AT + (len(rows) - 1) * timedelta(hours=1)
    return Annotation("a", "you", name, "BTC/USDT", Timeframe.parse("1h"), _AT, last, rows, last)
