"""Boosted regression trees as plain arrays: they can be written, hashed, sent and read without running anybody's code.

scikit-learn's histogram gradient boosting grows them; here they are kept as flat node tables and evaluated by a small
loop. A table from elsewhere is checked before it is used: a child always comes after its parent, so evaluation ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numba
import numpy as np

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown; see scikit-learn's HistGradientBoostingRegressor for the meaning of each."""

    rounds: int = 60
    learning_rate: float = 0.05
    leaves: int = 7
    leaf_rows: int = 1000
    l2: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A sum of trees. Nodes of all trees one after another, arrays of shape (n_nodes,); a leaf has left = right = 0.

    feature : column tested; threshold : go left where x ≤ threshold; left, right : absolute node numbers; value : what
    a leaf adds. roots : (n_trees,) first node of each tree. baseline : prediction of no tree. n_features : of x.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    baseline: float
    n_features: int

    def __post_init__(self) -> None:
        nodes = np.arange(self.value.size)
        shapes = {getattr(self, name).shape for name in ("feature", "threshold", "left", "right", "value")}
        inner = (self.left != 0) | (self.right != 0)
        sound = (
            shapes == {nodes.shape}
            and bool((self.left[inner] > nodes[inner]).all() and (self.right[inner] > nodes[inner]).all())
            and bool((np.maximum(self.left, self.right) < max(nodes.size, 1)).all())
            and bool(((self.feature >= 0) & (self.feature < self.n_features)).all())
            and bool(((self.roots >= 0) & (self.roots < nodes.size)).all())
            and bool(np.isfinite(self.value).all() and np.isfinite(self.baseline))
            and not bool(np.isnan(self.threshold).any())
        )
        if not sound:
            raise ValueRefused("these are not trees: a node points back or outside, tests no column or holds no number")
        for name in ("feature", "threshold", "left", "right", "value", "roots"):
            getattr(self, name).flags.writeable = False

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays of numbers, for an archive; inverse of `trees_from`."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}


def trees_from(arrays: Mapping[str, np.ndarray]) -> Trees:
    """Trees from `Trees.arrays`. Raises ValueRefused where something is missing or not sound."""
    try:
        whole = {name: np.array(arrays[name], dtype=np.int64) for name in ("feature", "left", "right", "roots")}
        real = {name: np.array(arrays[name], dtype=float) for name in ("threshold", "value")}
        return Trees(**whole, **real, baseline=float(arrays["baseline"]), n_features=int(arrays["n_features"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueRefused(f"these are not trees: {error}") from error


def grow(x: np.ndarray, y: np.ndarray, growth: Growth | None = None) -> Trees:
    """Fit trees by squared error. x : (n_rows, n_features), y : (n_rows,), no NaN. Deterministic."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # a quarter of a second that only training needs
    from threadpoolctl import threadpool_limits

    how = growth or Growth()
    booster = HistGradientBoostingRegressor(
        max_iter=how.rounds,
        learning_rate=how.learning_rate,
        max_leaf_nodes=how.leaves,
        min_samples_leaf=how.leaf_rows,
        l2_regularization=how.l2,
        early_stopping=False,
        random_state=0,
    )
    with threadpool_limits(1, "openmp"):  # threads waiting for each other on a busy machine cost ten times the work
        booster.fit(x, y)
    nodes = [predictor[0].nodes for predictor in booster._predictors]
    roots = np.concatenate([[0], np.cumsum([len(tree) for tree in nodes])]).astype(np.int64)
    table = np.concatenate(nodes)
    shift = np.repeat(roots[:-1], np.diff(roots))
    inner = table["is_leaf"] == 0
    return Trees(
        feature=np.where(inner, table["feature_idx"], 0).astype(np.int64),
        threshold=np.where(inner, table["num_threshold"], 0.0),
        left=np.where(inner, table["left"] + shift, 0).astype(np.int64),
        right=np.where(inner, table["right"] + shift, 0).astype(np.int64),
        value=np.where(inner, 0.0, table["value"]),
        roots=roots[:-1],
        baseline=float(np.ravel(booster._baseline_prediction)[0]),
        n_features=x.shape[1],
    )


def predict(trees: Trees, x: np.ndarray) -> np.ndarray:
    """Predictions, (n_rows,), for x of shape (n_rows, n_features); NaN for rows that hold one."""
    rows = np.ascontiguousarray(x, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != trees.n_features:
        raise ValueRefused(f"these trees read {trees.n_features} columns, got an array of shape {rows.shape}")
    t = trees
    return _predict(t.feature, t.threshold, t.left, t.right, t.value, t.roots, t.baseline, rows)


@numba.njit(cache=True)
def _predict(feature, threshold, left, right, value, roots, baseline, rows):
    out = np.full(rows.shape[0], baseline)
    for row in range(rows.shape[0]):
        if np.isnan(rows[row]).any():
            out[row] = np.nan
            continue
        for root in roots:
            node = root
            while left[node] != 0 or right[node] != 0:
                node = left[node] if rows[row, feature[node]] <= threshold[node] else right[node]
            out[row] += value[node]
    return out
