"""A user's patterns, learned from a few labels beside unlabelled history, with two gates against crying wolf.

1. The classifier knows a class "none": windows of history that nobody labelled, as they are and under shapes of no
   pattern in particular. Of the patterns it sees the labels, and copies of what they share over windows of history.
2. Conformal gate: a window counts only if its score is beyond all but a share `alpha` of *other* unlabelled windows.
3. Typicality gate: and only if it lies no farther from the class's own examples than they lie from each other (where
   labels are few: than copies of what they share lie from them).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.blend import Blend, fit_blend
from workbench.quant.pattern_copies import contrast, laid_over, middle, strangers
from workbench.quant.pattern_windows import bent, prepared
from workbench.quant.typicality import Typicality, fit_typicality

NONE, LEAST_LABELS = "\x00none", 3
FEATURES, SHOWN = 2520, 800
COPIES, LAID = 6, 60  # of each label; of what the labels of a pattern share
KNOWN = 20  # windows of a pattern that its typicality rests on at least


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """One row a window. classes : the likeliest pattern; probability : calibrated; p_value : share of history at least
    as like it; typical : share of the class's examples at least as far out, NaN where the first gate has said no;
    accepted : both gates passed."""

    classes: np.ndarray
    probability: np.ndarray
    p_value: np.ndarray
    typical: np.ndarray
    accepted: np.ndarray

    def of(self, rows: np.ndarray) -> "Verdicts":
        return Verdicts(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class PatternModel:
    """background : sorted scores of history that the classifier was not shown. sharpness, offset : Platt's sigmoid."""

    blend: Blend
    background: np.ndarray
    typical: dict[str, Typicality]
    sharpness: float
    offset: float

    def judge(self, windows: np.ndarray, alpha: float = 0.02, untypical: float = 0.05) -> Verdicts:
        """windows : (n, channels, points) from `prepared`. alpha : share of ordinary windows let through; untypical :
        share of each pattern's own windows given up to keep strangers out. A window's verdict is its own."""
        x = np.asarray(windows, dtype=np.float32)
        return self._verdicts(x, self.blend.probabilities(x), alpha, untypical)

    def accept(self, windows: np.ndarray, alpha: float = 0.02, untypical: float = 0.05) -> tuple[np.ndarray, Verdicts]:
        """The windows that `judge` accepts: their rows, and what it says of them. Quicker: nothing more is asked
        about a window that no further answer could bring through the conformal gate."""
        x = np.asarray(windows, dtype=np.float32)
        none = np.array(self.blend.classes) == NONE

        def may_pass(known: np.ndarray, rest: float) -> np.ndarray:
            best_case = _scored(self.blend, known + np.where(none, 0.0, rest))[1] + 1e-9  # more than rounding loses
            return _conformal(self.background, best_case) <= alpha

        rows, told = self.blend.probabilities_while(x, may_pass)
        verdicts = self._verdicts(x[rows], told, alpha, untypical)
        return rows[verdicts.accepted], verdicts.of(verdicts.accepted)

    def _verdicts(self, x: np.ndarray, told: np.ndarray, alpha: float, untypical: float) -> Verdicts:
        chosen, scores = _scored(self.blend, told)
        names = np.array([name for name in self.blend.classes if name != NONE])[chosen]
        p_value = _conformal(self.background, scores)
        first = p_value <= alpha
        typical = np.where(first, 1.0, np.nan)
        for name in np.unique(names[first]):
            rows = first & (names == name)
            if name in self.typical:
                typical[rows] = self.typical[name].p_values(x[rows, 0])
        least = np.array([_least(self.typical.get(name), untypical) for name in names])
        accepted = first & (typical > least)
        probability = 1 / (1 + np.exp(-(self.sharpness * _logit(scores) + self.offset)))
        return Verdicts(names, probability, p_value, typical, accepted)


def fit_patterns(
    labelled: Sequence[np.ndarray],
    classes: Sequence[str],
    history: Sequence[np.ndarray],
    seed: int = 0,
    trees: int = 100,
) -> PatternModel:
    """labelled : windows of bars (n_bars, 5) with their `classes`, three or more of each; history : unlabelled windows,
    100 or more, at most half of them (and 800) for the class "none", the rest for the gates and the
    probabilities. The same arguments give the same model."""
    names = _checked(classes, history)
    rng = np.random.Generator(np.random.PCG64(seed))
    plain = np.array([prepared(bars) for bars in labelled])
    past = rng.permutation(np.array([prepared(bars) for bars in history]))
    few = min(len(past) // 2, SHOWN)
    shown, kept = past[:few], past[few:]
    copies = np.array([prepared(bent(np.asarray(bars, dtype=float), rng)) for bars in labelled for _ in range(COPIES)])
    groups = {str(name): plain[names == name, 0].astype(float) for name in np.unique(names)}
    stands_out = contrast(list(groups.values()))
    laid, unseen = (_laid(groups, stands_out, part, rng) for part in (shown, kept))
    strange = laid_over(strangers(few // 2, rng), stands_out, shown[: few // 2], rng)
    x = np.concatenate([plain, copies, *laid.values(), shown, strange])
    told = np.concatenate([names, np.repeat(names, COPIES), np.repeat(list(laid), LAID)])
    y = np.concatenate([told, np.full(len(x) - len(told), NONE)])
    blend = fit_blend(x, y, seed, trees, rocket_channels=1, features=FEATURES)
    background = np.sort(_scores(blend, kept)[1])
    typical = {name: fit_typicality(x, unseen[name][: max(0, KNOWN - len(x)), 0]) for name, x in groups.items()}
    sharpness, offset = _platt(blend, np.concatenate(list(unseen.values())), background)
    return PatternModel(blend, background, typical, sharpness, offset)


def _checked(classes: Sequence[str], history: Sequence[np.ndarray]) -> np.ndarray:
    names = np.asarray(classes).astype(str)
    for name, count in zip(*np.unique(names, return_counts=True), strict=True):
        if count < LEAST_LABELS:
            raise ValueRefused(f"{name!r} has {count} labels; learning starts at {LEAST_LABELS}: label a few more")
    if len(history) < 100 or not len(names):
        raise ValueRefused(f"learning needs labels and 100 windows of unlabelled history, got {len(history)}")
    return names


def _laid(
    groups: dict[str, np.ndarray], stands_out: float, windows: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """LAID copies of what each group's labels share, over `windows`."""
    return {name: laid_over(middle(x), stands_out, rng.choice(windows, LAID), rng) for name, x in groups.items()}


def _scores(blend: Blend, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _scored(blend, blend.probabilities(x))


def _scored(blend: Blend, told: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest pattern (number among those that are not none), and how much likelier than none it is."""
    none = blend.classes.index(NONE)
    others = np.delete(told, none, axis=1)
    chosen = others.argmax(axis=1)
    best = others[np.arange(len(told)), chosen]
    return chosen, best / np.maximum(best + told[:, none], 1e-12)


def _conformal(background: np.ndarray, scores: np.ndarray) -> np.ndarray:
    above = len(background) - np.searchsorted(background, scores, side="left")
    return (above + 1) / (len(background) + 1)


def _least(typicality: Typicality | None, untypical: float) -> float:
    """With few examples no share as small as `untypical` can be told: then only what lies beyond all of them is out."""
    return 0.0 if typicality is None else max(untypical, 1 / (len(typicality.own) + 1))


def _logit(p: np.ndarray) -> np.ndarray:
    q = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(q / (1 - q))


def _platt(blend: Blend, like: np.ndarray, background: np.ndarray) -> tuple[float, float]:
    """Logistic regression of "is one of the patterns" on the score, both kinds weighing alike."""
    from sklearn.linear_model import LogisticRegression

    scores = np.concatenate([_scores(blend, like)[1], background])
    truth = np.arange(len(scores)) < len(like)
    fitted = LogisticRegression(C=1.0, class_weight="balanced").fit(_logit(scores)[:, None], truth)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
