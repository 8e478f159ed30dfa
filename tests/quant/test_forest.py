"""A forest as arrays says what scikit-learn's says; a forest that is none is refused."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from workbench.domain.errors import ValueRefused
from workbench.quant.forest import planted


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 6)).astype(np.float32)
    x[60:] = x[:60]  # the same row in two classes: a leaf that is not pure
    y = np.repeat([0, 1, 2], [40, 40, 40])
    return ExtraTreesClassifier(20, random_state=0).fit(x, y), rng.normal(size=(50, 6)).astype(np.float32), x


def test_it_says_what_scikit_learn_says(grown):
    theirs, strange, known = grown
    forest = planted(theirs)

    for rows in (strange, known):
        np.testing.assert_allclose(forest.probabilities(rows), theirs.predict_proba(rows), atol=1e-12)


def test_a_row_does_not_depend_on_the_others(grown):
    forest, rows = planted(grown[0]), grown[1]

    alone = np.concatenate([forest.probabilities(row[None]) for row in rows])
    assert np.array_equal(alone, forest.probabilities(rows))


def test_trees_asked_part_after_part_say_what_they_say_at_once(grown):
    forest, rows = planted(grown[0]), grown[2]
    votes = np.zeros((len(rows), forest.n_classes))

    for first, last in ((0, 3), (3, 3), (3, 14), (14, 20)):
        forest.add_votes(rows, votes, first, last)

    assert np.array_equal(votes / 20, forest.probabilities(rows))


def test_what_is_no_forest_is_refused(grown):
    forest = planted(grown[0])
    inner = int(np.flatnonzero(forest.left)[3])
    back, strange, torn = forest.left.copy(), forest.classes.copy(), forest.threshold.copy()
    back[inner], strange[0], torn[inner] = inner, 3, np.nan

    for wrong in ({"left": back}, {"classes": strange}, {"threshold": torn}, {"shares": forest.shares[1:]}):
        with pytest.raises(ValueRefused, match="no forest"):
            replace(forest, **wrong)
    with pytest.raises(ValueRefused, match="6 columns"):
        forest.probabilities(np.zeros((1, 5)))
