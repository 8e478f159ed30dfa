"""Patterns planted in real candles of other coins: found, not confused with history, not with shapes never labelled.

Twelve drawn shapes; a run labels six of them and never shows the other six. A shape, bent in time and amplitude, is
added to the log price of a real hourly window after its straight line was taken out, twice as wide as what is left
(SNR 2). Labels and unlabelled history come from one half of the coins, everything measured from the other half.

`recall`: planted windows of labelled shapes accepted under the right name, 5 labels a class, at 2 % nominal false
alarms. `false_alarms`: ordinary windows accepted. `unknown_accepted`: planted windows of shapes never labelled
accepted, 20 labels a class; `recall_20`, `unknown_accepted_5`: the other two.
Mean over three splits of the shapes (quick: one).
"""

import numpy as np

from workbench.bench.crypto import coin_halves
from workbench.quant.pattern_model import PatternModel, fit_patterns
from workbench.quant.pattern_windows import prepared_all

BARS, SNR, KNOWN = 64, 2.0, 6
_T = np.linspace(0, 1, BARS)


def _bump(at: float, width: float) -> np.ndarray:
    return np.exp(-(((_T - at) / width) ** 2))


SHAPES = {
    "double bottom": -_bump(0.3, 0.1) - _bump(0.7, 0.1),
    "head and shoulders": 0.6 * _bump(0.2, 0.08) + _bump(0.5, 0.1) + 0.6 * _bump(0.8, 0.08),
    "cup": 4 * (_T - 0.5) ** 2,
    "flag": np.where(_T < 0.4, 2.5 * _T, 1 - 0.5 * (_T - 0.4)),
    "spike": _bump(0.5, 0.04),
    "step": 1 / (1 + np.exp(-(_T - 0.5) * 30)),
    "triangle": (1 - _T) * np.sin(6 * np.pi * _T),
    "widening": _T * np.sin(6 * np.pi * _T),
    "late fall": np.where(_T < 0.75, _T * 0.4, 0.3 - 4 * (_T - 0.75)),
    "two steps": (_T > 0.33) * 1.0 + (_T > 0.66) * 1.0,
    "vee": np.abs(_T - 0.5) * 2,
    "shelf": np.clip(_T * 4, 0, 1) - np.clip((_T - 0.75) * 4, 0, 1),
}


def figures(quick: bool = False) -> dict[str, float]:
    near, far = coin_halves()
    runs = [_run(near, far, seed) for seed in range(1 if quick else 3)]
    return {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}


def _run(near: list[np.ndarray], far: list[np.ndarray], seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(list(SHAPES)))
    known, unknown = names[:KNOWN], names[KNOWN:]
    history = [_window(near, rng) for _ in range(1600)]
    ordinary = _prepared(_window(far, rng) for _ in range(1000))
    found: dict[str, float] = {}
    for labels in (5, 20):
        classes = [name for name in known for _ in range(labels)]
        model = fit_patterns([planted(near, name, rng) for name in classes], classes, history, seed)
        recall, strange = _recall(model, far, known, rng), model.judge(_planted(far, unknown, 30, rng)).accepted.mean()
        alarms = float(model.judge(ordinary).accepted.mean())
        if labels == 5:
            found |= {"recall": recall, "false_alarms": alarms, "unknown_accepted_5": float(strange)}
        else:
            found |= {"unknown_accepted": float(strange), "recall_20": recall, "false_alarms_20": alarms}
    return found


def planted(coins: list[np.ndarray], name: str, rng: np.random.Generator) -> np.ndarray:
    """Bars of a real window with the shape `name` added to their log prices."""
    bars = _window(coins, rng).copy()
    close = np.log(bars[:, 3])
    line = np.polyval(np.polyfit(_T, close, 1), _T)
    noise = close - line
    bend = _T + rng.uniform(-0.06, 0.06) * np.sin(np.pi * _T) + rng.uniform(-0.03, 0.03)
    drawn = np.interp(bend, _T, SHAPES[name])
    drawn = (drawn - drawn.mean()) / drawn.std() * max(float(noise.std()), 1e-6) * SNR
    bars[:, :4] *= np.exp(drawn - line + line.mean())[:, None]
    return bars


def _recall(model: PatternModel, coins, known: list[str], rng) -> float:
    right = []
    for name in known:
        told = model.judge(_planted(coins, [name], 30, rng))
        right += list(told.accepted & (told.classes == name))
    return float(np.mean(right))


def _planted(coins, names, count: int, rng) -> np.ndarray:
    return _prepared(planted(coins, name, rng) for name in names for _ in range(count))


def _prepared(windows) -> np.ndarray:
    return prepared_all(list(windows))


def _window(coins: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    coin = coins[rng.integers(len(coins))]
    start = rng.integers(len(coin) - BARS)
    return coin[start : start + BARS]
