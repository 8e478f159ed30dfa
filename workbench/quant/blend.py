"""Windows into classes: ridge on MiniRocket features of a window and of its changes, beside extra trees on QUANT.

The two err differently: their mean is better than either on every recorded set we have (`workbench bench shapes`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.dual_ridge import DualRidge, fit_dual_ridge
from workbench.quant.forest import Forest, planted
from workbench.quant.interval_quantiles import quantile_features
from workbench.quant.rocket import Rocket, fit_rocket, rocket_features
from workbench.quant.rocket_kernels import LEAST
from workbench.quant.window_copies import with_copies

SHARPNESS, TREES, FEATURES = 4.0, 200, 9996
ASKED = (0.3, 0.5, 0.7, 0.85, 1.0)  # shares of the trees after which a window may have turned out to be of no interest


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A fitted classifier. classes : names in the order of the columns; rocket_channels : how many of the first
    channels the convolutions see (the trees see all)."""

    classes: tuple[str, ...]
    rockets: tuple[Rocket, Rocket]
    ridge: DualRidge
    trees: Forest
    rocket_channels: int

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """(n, n_classes) of windows (n, n_channels, n_bars), rows sum to 1; a window's do not depend on the others."""
        x = np.asarray(windows, dtype=np.float32)
        return (self._soft(x) + self.trees.probabilities(quantile_features(x))) / 2

    def probabilities_while(
        self, windows: np.ndarray, open_: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the windows that stay of interest to the end, and their `probabilities`, to the last bit.

        open_ : told what is known of some windows, (n, n_classes) that only grow, and how much more all classes of a
        window will get together, it says which are still of interest, (n,) bool. The others are asked no more.
        """
        x = np.asarray(windows, dtype=np.float32)
        soft = self._soft(x)
        rows = np.flatnonzero(open_(np.arange(len(x)), soft / 2, 0.5))
        soft, votes, features = soft[rows], np.zeros((len(rows), len(self.classes))), quantile_features(x[rows])
        count, asked = self.trees.roots.size, 0
        for share in ASKED:
            upto = int(np.ceil(share * count))
            self.trees.add_votes(features, votes, asked, upto)
            asked = upto
            still = open_(rows, (soft + votes / count) / 2, (1 - asked / count) / 2)
            rows, soft, votes, features = rows[still], soft[still], votes[still], features[still]
        return rows, (soft + votes / count) / 2

    def _soft(self, x: np.ndarray) -> np.ndarray:
        """(n, n_classes) by the convolutions."""
        return _softmax(SHARPNESS * self.ridge.scores(_convolved(self.rockets, x[:, : self.rocket_channels])))


def fit_blend(
    windows: np.ndarray,
    classes: np.ndarray,
    seed: int = 0,
    trees: int = TREES,
    rocket_channels: int | None = None,
    features: int = FEATURES,
) -> Blend:
    """windows : (n, n_channels, n_bars ≥ 10) finite; classes : (n,) names, two or more different ones. features : how
    many the convolutions of a window make, and as many again those of its changes. Few windows a class are learned with
    bent copies of them (`window_copies`)."""
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
    shown, told = with_copies(x, numbers, seed)
    ridge = fit_dual_ridge(_convolved(rockets, shown[:, :seen]), told, len(names))
    forest = ExtraTreesClassifier(trees, criterion="entropy", max_features="sqrt", random_state=seed, n_jobs=1)
    forest.fit(quantile_features(shown), told)
    return Blend(tuple(map(str, names)), rockets, ridge, planted(forest), seen)


def _convolved(rockets: tuple[Rocket, Rocket], x: np.ndarray) -> np.ndarray:
    levels, changes = rockets
    found = np.empty((len(x), levels.features + changes.features), np.float32)
    rocket_features(changes, np.diff(x, axis=2), found, levels.features)
    return rocket_features(levels, x, found)


def _softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)
