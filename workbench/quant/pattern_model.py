"""A user's patterns, learned from a few labels beside unlabelled history, with two gates against crying wolf.

1. The classifier knows a class "none": windows of history that nobody labelled, as they are and under shapes of no
   pattern in particular. Of the patterns it sees the labels, and copies of what they share over windows of history.
2. Filters matched to what a pattern's labels share read a window's changes. What both say are its odds.
3. Conformal gate: a window counts only if its odds are beyond all but a share `alpha` of *other* unlabelled windows.
4. Typicality gate: and only if it lies no farther from the class's own examples than they lie from each other (where
   labels are few: than copies of what they share lie from them), and no other smooth shape explains it better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.blend import Blend, fit_blend
from workbench.quant.matched import Matched, matched_to
from workbench.quant.pattern_copies import contrast, laid_over, strangers
from workbench.quant.pattern_middle import middle
from workbench.quant.pattern_windows import bent, prepared_all
from workbench.quant.typicality import Typicality, fit_typicality

NONE, LEAST_LABELS = "\x00none", 3
FEATURES, SHOWN = 2520, 800
COPIES, LAID = 6, 60  # of each label; of what the labels of a pattern share
LEAST = 1e-4  # added to what is told of a class: no odds are endless
ENOUGH = 6.0  # of a filter's evidence
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
    """matched : a filter for each pattern, in the order of the blend's classes. background : sorted odds of history
    that the classifier was not shown. sharpness, offset : Platt's sigmoid."""

    blend: Blend
    matched: Matched
    background: np.ndarray
    typical: dict[str, Typicality]
    sharpness: float
    offset: float

    def __post_init__(self) -> None:
        patterns, filters = [name for name in self.blend.classes if name != NONE], len(self.matched.shapes)
        if not len(patterns) == filters == len(self.blend.classes) - 1:
            raise ValueRefused(
                f"a model of {', '.join(patterns) or 'nothing'} has a filter each and none; got {filters}"
            )

    def judge(self, windows: np.ndarray, alpha: float = 0.02, untypical: float = 0.05) -> Verdicts:
        """windows : (n, channels, points) from `prepared`. alpha : share of ordinary windows let through; untypical :
        share of each pattern's own windows given up to keep strangers out. A window's verdict is its own."""
        x = np.asarray(windows, dtype=np.float32)
        return self._verdicts(x, self.blend.probabilities(x), self.matched.evidence(x[:, 0]), alpha, untypical)

    def accept(self, windows: np.ndarray, alpha: float = 0.02, untypical: float = 0.05) -> tuple[np.ndarray, Verdicts]:
        """The windows that `judge` accepts: their rows, and what it says of them. Quicker: nothing more is asked
        about a window that no further answer could bring through the conformal gate."""
        x = np.asarray(windows, dtype=np.float32)
        none = np.array(self.blend.classes) == NONE
        evidence = np.full((len(x), len(none) - 1), np.inf)  # not asked for yet: as much as counts

        def passing(rows: np.ndarray, best_case: np.ndarray) -> np.ndarray:
            odds = _odds(self.blend, best_case, evidence[rows]).max(axis=1)
            return _conformal(self.background, odds + 1e-9) <= alpha  # more than rounding loses

        def may_pass(rows: np.ndarray, known: np.ndarray, rest: float) -> np.ndarray:
            best_case = known + np.where(none, 0.0, rest)
            still = passing(rows, best_case)
            unread = rows[still & np.isinf(evidence[rows, 0])]
            if len(unread):
                evidence[unread] = self.matched.evidence(x[unread, 0])
                still[still] = passing(rows[still], best_case[still])
            return still

        rows, told = self.blend.probabilities_while(x, may_pass)
        verdicts = self._verdicts(x[rows], told, evidence[rows], alpha, untypical)
        return rows[verdicts.accepted], verdicts.of(verdicts.accepted)

    def _verdicts(self, x: np.ndarray, told: np.ndarray, evidence: np.ndarray, alpha: float, untypical: float):
        odds = _odds(self.blend, told, evidence)
        chosen, scores = odds.argmax(axis=1), odds.max(axis=1)
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
        own = evidence[np.arange(len(x)), chosen]
        accepted[accepted] = ~self.matched.outdone(x[accepted, 0], own[accepted])
        probability = 1 / (1 + np.exp(-(self.sharpness * scores + self.offset)))
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
    plain = prepared_all(labelled)
    past = rng.permutation(prepared_all(history))
    few = min(len(past) // 2, SHOWN)
    shown, kept = past[:few], past[few:]
    copies = prepared_all([bent(np.asarray(bars, dtype=float), rng) for bars in labelled for _ in range(COPIES)])
    groups = {str(name): plain[names == name, 0].astype(float) for name in np.unique(names)}
    middles, stands_out = {name: middle(x) for name, x in groups.items()}, contrast(list(groups.values()))
    laid, unseen = (_laid(middles, stands_out, part, rng) for part in (shown, kept))
    strange = laid_over(strangers(few // 2, rng), stands_out, shown[: few // 2], rng)
    x = np.concatenate([plain, copies, *laid.values(), shown, strange])
    told = np.concatenate([names, np.repeat(names, COPIES), np.repeat(list(laid), LAID)])
    y = np.concatenate([told, np.full(len(x) - len(told), NONE)])
    blend = fit_blend(x, y, seed, trees, rocket_channels=1, features=FEATURES)
    matched = matched_to(np.array([middles[name] for name in blend.classes if name != NONE]))
    background = np.sort(_best_odds(blend, matched, kept))
    typical = {name: fit_typicality(x, unseen[name][: max(0, KNOWN - len(x)), 0]) for name, x in groups.items()}
    sharpness, offset = _platt(_best_odds(blend, matched, np.concatenate(list(unseen.values()))), background)
    return PatternModel(blend, matched, background, typical, sharpness, offset)


def _checked(classes: Sequence[str], history: Sequence[np.ndarray]) -> np.ndarray:
    names = np.asarray(classes).astype(str)
    for name, count in zip(*np.unique(names, return_counts=True), strict=True):
        if count < LEAST_LABELS:
            raise ValueRefused(f"{name!r} has {count} labels; learning starts at {LEAST_LABELS}: label a few more")
    if len(history) < 100 or not len(names):
        raise ValueRefused(f"learning needs labels and 100 windows of unlabelled history, got {len(history)}")
    return names


def _laid(
    middles: dict[str, np.ndarray], stands_out: float, windows: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """LAID copies of what each pattern's labels share, over `windows`."""
    return {name: laid_over(shape, stands_out, rng.choice(windows, LAID), rng) for name, shape in middles.items()}


def _best_odds(blend: Blend, matched: Matched, x: np.ndarray) -> np.ndarray:
    return _odds(blend, blend.probabilities(x), matched.evidence(x[:, 0])).max(axis=1)


def _odds(blend: Blend, told: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """(n, patterns) log odds of each pattern against none: the classifier's, and half of what the filters say, for both
    look at the same window; no more than `ENOUGH`, for a filter knows shapes from noise better than from each other.
    They rise with what is told of a pattern, and fall with what is told of none."""
    none = blend.classes.index(NONE)
    others = np.log(np.delete(told, none, axis=1) + LEAST)
    return others - np.log(told[:, [none]] + LEAST) + np.minimum(evidence, ENOUGH) / 2


def _conformal(background: np.ndarray, scores: np.ndarray) -> np.ndarray:
    above = len(background) - np.searchsorted(background, scores, side="left")
    return (above + 1) / (len(background) + 1)


def _least(typicality: Typicality | None, untypical: float) -> float:
    """With few examples no share as small as `untypical` can be told: then only what lies beyond all of them is out."""
    return 0.0 if typicality is None else max(untypical, 1 / (len(typicality.own) + 1))


def _platt(like: np.ndarray, background: np.ndarray) -> tuple[float, float]:
    """Logistic regression of "is one of the patterns" on the odds, both kinds weighing alike."""
    from sklearn.linear_model import LogisticRegression

    odds = np.concatenate([like, background])
    truth = np.arange(len(odds)) < len(like)
    fitted = LogisticRegression(C=1.0, class_weight="balanced").fit(odds[:, None], truth)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
