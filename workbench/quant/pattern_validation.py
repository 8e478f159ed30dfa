"""How well are windows told apart that the classifier has not seen? Said in words that follow the number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.quant.blend import fit_blend
from workbench.quant.pattern_model import FEATURES, NONE
from workbench.quant.pattern_windows import prepared_all
from workbench.quant.significance import exact_interval

FOLDS, ORDINARY, TREES = 3, 90, 60


@dataclass(frozen=True, slots=True)
class Validation:
    """Balanced over the patterns and "none of them". right, asked : labelled windows told right while left out.
    chance : what guessing would get. by_pattern : share told right of each."""

    balanced: float
    chance: float
    right: int
    asked: int
    by_pattern: dict[str, float]

    @property
    def words(self) -> str:
        low, high = exact_interval(self.right, self.asked)
        share = f"{self.right} of {self.asked} labels told right while left out ({low:.0%} to {high:.0%})"
        if low <= self.chance:
            return f"That is no better than guessing can be: {share}; label more, or more alike."
        return f"{share}; balanced accuracy {self.balanced:.0%}, guessing {self.chance:.0%}."


def cross_validated(
    labelled: Sequence[np.ndarray], classes: Sequence[str], history: Sequence[np.ndarray], seed: int = 0
) -> Validation:
    """Three folds, each with labels of every pattern and ordinary windows, by the same kind of classifier (fewer trees,
    fewer copies: what is shown is rather too low than too high)."""
    x = prepared_all([*labelled, *history[:ORDINARY]])
    y = np.array([*classes, *[NONE] * min(ORDINARY, len(history))]).astype(str)
    rng = np.random.Generator(np.random.PCG64(seed))
    fold = np.empty(len(y), int)
    for name in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == name))
        fold[rows] = np.arange(len(rows)) % FOLDS
    told = np.empty(len(y), y.dtype)
    for part in range(FOLDS):
        model = fit_blend(x[fold != part], y[fold != part], seed, TREES, 1, FEATURES)
        told[fold == part] = np.array(model.classes)[model.probabilities(x[fold == part]).argmax(axis=1)]
    own = {str(name): float(np.mean(told[y == name] == name)) for name in np.unique(y)}
    mine = y != NONE
    named = {name: value for name, value in own.items() if name != NONE}
    return Validation(
        float(np.mean(list(own.values()))), 1 / len(own), int((told == y)[mine].sum()), int(mine.sum()), named
    )
