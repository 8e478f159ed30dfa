"""A forest of classification trees as plain arrays: it can be written, hashed and read without running anybody's code.

scikit-learn grows it; a small loop asks it. A forest from elsewhere is checked before it is used: a child always comes
after its parent, so a walk ends.
"""

from dataclasses import dataclass

import numba
import numpy as np

from workbench.domain.errors import ValueRefused

MOST_CLASSES = 10_000
BLOCK, MANY = 512, 64  # rows that go through a tree together; from how many on it is fetched first
LINE = 8  # nodes whose thresholds share a line of the cache


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Nodes of all trees one after another, arrays (n_nodes,); a leaf has left = right = 0.

    feature : column tested; threshold : go left where x ≤ threshold; left, right : absolute node numbers; first :
    (n_nodes + 1,) where a node's part of `classes` and `shares` begins, empty for what is no leaf. classes, shares :
    which classes ended in a leaf, and what part of it each is. roots : (n_trees,).
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    first: np.ndarray
    classes: np.ndarray
    shares: np.ndarray
    roots: np.ndarray
    n_features: int
    n_classes: int

    def __post_init__(self) -> None:
        nodes = np.arange(self.feature.size)
        inner = (self.left != 0) | (self.right != 0)
        one_each = {getattr(self, name).shape for name in ("feature", "threshold", "left", "right")} == {nodes.shape}
        sound = (
            one_each
            and self.roots.size > 0
            and 0 < self.n_classes <= MOST_CLASSES
            and self.first.shape == (nodes.size + 1,)
            and self.first[0] == 0
            and bool((np.diff(self.first) >= 0).all())
            and self.classes.shape == self.shares.shape == (int(self.first[-1]),)
            and bool((self.left[inner] > nodes[inner]).all() and (self.right[inner] > nodes[inner]).all())
            and bool((np.maximum(self.left, self.right) < max(nodes.size, 1)).all())
            and all(
                bool(((values >= 0) & (values < limit)).all())
                for values, limit in (
                    (self.feature, self.n_features),
                    (self.classes, self.n_classes),
                    (self.roots, nodes.size),
                )
            )
            and bool(np.isfinite(self.threshold).all() and np.isfinite(self.shares).all())
        )
        if not sound:
            raise ValueRefused("this is no forest: a node points back or outside, tests no column or holds no number")

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """(n, n_classes) mean over the trees of the leaf that each row of x (n, n_features) falls into."""
        votes = np.zeros((len(x), self.n_classes))
        self.add_votes(x, votes, 0, self.roots.size)
        return votes / self.roots.size

    def add_votes(self, x: np.ndarray, votes: np.ndarray, first: int, last: int) -> None:
        """Adds to `votes` (n, n_classes) what trees `first` to before `last` say of x (n, n_features). Asked part after
        part or at once, the sums are the same to the last bit."""
        rows = np.ascontiguousarray(x, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise ValueRefused(f"this forest reads {self.n_features} columns, got an array of shape {rows.shape}")
        f = self
        arrays = f.feature, f.threshold, f.left, f.right, f.first, f.classes, f.shares, f.roots
        _ask(*arrays, first, last, rows, votes)


def planted(trees) -> Forest:
    """A fitted `ExtraTreesClassifier` (or another forest of scikit-learn) of one output as arrays."""
    grown = [one.tree_ for one in trees.estimators_]
    roots = np.concatenate([[0], np.cumsum([tree.node_count for tree in grown])])
    shift = np.repeat(roots[:-1], np.diff(roots))
    left, right, feature, threshold = (
        np.concatenate([getattr(tree, name) for tree in grown])
        for name in ("children_left", "children_right", "feature", "threshold")
    )
    leaf = left < 0
    value = np.concatenate([tree.value[:, 0] for tree in grown])
    value = np.where(leaf[:, None], value / value.sum(axis=1, keepdims=True), 0)
    at, kind = np.nonzero(value)
    return Forest(
        feature=np.where(leaf, 0, feature).astype(np.int32),
        threshold=np.where(leaf, 0.0, threshold),
        left=np.where(leaf, 0, left + shift).astype(np.int32),
        right=np.where(leaf, 0, right + shift).astype(np.int32),
        first=np.concatenate([[0], np.cumsum(np.bincount(at, minlength=len(leaf)))]).astype(np.int32),
        classes=kind.astype(np.int16),
        shares=value[at, kind],
        roots=roots[:-1].astype(np.int32),
        n_features=int(trees.n_features_in_),
        n_classes=len(trees.classes_),
    )


@numba.njit(cache=True, nogil=True)
def _ask(feature, threshold, left, right, first, classes, shares, roots, begin, stop, rows, votes):
    """One tree after another, asked by a block of rows at once: a tree is fetched once for all of them, and while one
    row waits for a node the others go on. Returns what was read ahead, or reading would be optimised away."""
    at, going = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    read = 0.0
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for tree in range(begin, stop):
            root, end = roots[tree], roots[tree + 1] if tree + 1 < roots.size else left.size
            if len(block) >= MANY:
                read += _fetched(feature, threshold, left, right, root, end)
            _walk(feature, threshold, left, right, root, block, at, going)
            for w in range(len(block)):
                for k in range(first[at[w]], first[at[w] + 1]):
                    votes[start + w, classes[k]] += shares[k]
    return read


@numba.njit(cache=True, nogil=True)
def _walk(feature, threshold, left, right, root, rows, at, going):
    """at[w] = the leaf of one tree that row w falls into."""
    for w in range(len(rows)):
        at[w], going[w] = root, w
    left_to_go = len(rows)
    while left_to_go:
        still = 0
        for i in range(left_to_go):
            w = going[i]
            node = at[w]
            one, other = left[node], right[node]  # both are read: what is next is chosen without a branch
            inner = (one | other) != 0
            down = one if rows[w, feature[node]] <= threshold[node] else other
            at[w] = down if inner else node
            going[still] = w
            still += inner
        left_to_go = still


@numba.njit(cache=True, nogil=True)
def _fetched(feature, threshold, left, right, root, end):
    """Reads a tree once in order, which the processor foresees, so that no row waits for memory; what is returned says
    nothing."""
    read = 0.0
    for node in range(root, end, LINE):
        read += threshold[node]
        read += left[node] + right[node] + feature[node]
    return read
