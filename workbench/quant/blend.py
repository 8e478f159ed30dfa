"""Windows into classes: ridge on MiniRocket features of a window and of its changes, beside extra trees on QUANT.

The two err differently: their mean is better than either on every recorded set we have (`workbench bench shapes`).
"""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.dual_ridge import DualRidge, fit_dual_ridge
from workbench.quant.forest import Forest, planted
from workbench.quant.interval_quantiles import quantile_features
from workbench.quant.rocket import Rocket, fit_rocket, rocket_features
from workbench.quant.rocket_kernels import LEAST

SHARPNESS, TREES, FEATURES = 4.0, 200, 9996


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A fitted classifier. classes : names in the order of the columns; rocket_channels : how many of the first
    channels the convolutions see (the trees see all)."""

    classes: tuple[str, ...]
    rockets: tuple[Rocket, Rocket]
    ridge: DualRidge
    trees: Forest
    rocket_channels: int

    def probabilities(self, windows: np.ndarray, by_trees: np.ndarray | None = None) -> np.ndarray:
        """(n, n_classes) of windows (n, n_channels, n_bars), rows sum to 1; a window's do not depend on the others.
        by_trees : what `by_trees` says of the same windows, where that is known already."""
        x = np.asarray(windows, dtype=np.float32)
        soft = _softmax(SHARPNESS * self.ridge.scores(_convolved(self.rockets, x[:, : self.rocket_channels])))
        return (soft + (self.by_trees(x) if by_trees is None else by_trees)) / 2

    def by_trees(self, windows: np.ndarray) -> np.ndarray:
        """(n, n_classes) the half that is cheap to have: `probabilities` are its mean with others like it."""
        return self.trees.probabilities(quantile_features(windows))


def fit_blend(
    windows: np.ndarray,
    classes: np.ndarray,
    seed: int = 0,
    trees: int = TREES,
    rocket_channels: int | None = None,
    features: int = FEATURES,
) -> Blend:
    """windows : (n, n_channels, n_bars ≥ 10) finite; classes : (n,) names, two or more different ones. features : how
    many the convolutions of a window make, and as many again those of its changes."""
    x, names = np.asarray(windows, dtype=np.float32), np.unique(np.asarray(classes).astype(str))
    if x.ndim != 3 or len(x) != len(classes) or len(names) < 2 or x.shape[2] <= LEAST:
        raise ValueRefused(
            f"learning needs windows (n, channels, bars > {LEAST}) of two classes or more, "
            f"got {x.shape} and classes {', '.join(names[:5]) or 'none'}"
        )
    from sklearn.ensemble import ExtraTreesClassifier

    numbers = np.searchsorted(names, np.asarray(classes).astype(str))
    seen = x.shape[1] if rocket_channels is None else rocket_channels
    convolved = x[:, :seen]
    rockets = fit_rocket(convolved, features, seed), fit_rocket(np.diff(convolved, axis=2), features, seed + 1)
    ridge = fit_dual_ridge(_convolved(rockets, convolved), numbers, len(names))
    forest = ExtraTreesClassifier(trees, criterion="entropy", max_features="sqrt", random_state=seed, n_jobs=1)
    forest.fit(quantile_features(x), numbers)
    return Blend(tuple(map(str, names)), rockets, ridge, planted(forest), seen)


def _convolved(rockets: tuple[Rocket, Rocket], x: np.ndarray) -> np.ndarray:
    levels, changes = rockets
    found = np.empty((len(x), levels.features + changes.features), np.float32)
    rocket_features(changes, np.diff(x, axis=2), found, levels.features)
    return rocket_features(levels, x, found)


def _softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)
