"""Folds never judge what they have learnt from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.quant.walk_forward import folds, sharpe


@given(st.integers(100, 5000), st.integers(1, 8), st.floats(0.2, 0.8))
def test_every_judged_row_is_judged_once_and_after_everything_learnt(rows, count, share):
    plan = folds(rows, count, share)

    judged = [row for fold in plan for row in range(fold.train_stop, fold.test_stop)]
    assert judged == list(range(plan[0].train_stop, rows))
    assert {fold.train_stop - fold.train_start for fold in plan} == {plan[0].train_stop}
    assert all(0 <= fold.train_start < fold.train_stop < fold.test_stop for fold in plan)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="too few"):
        folds(5, 4)


def test_sharpe_of_nothing_moving_is_zero_and_of_known_returns_is_known():
    returns = np.array([0.01, -0.01, 0.02, 0.0])

    assert sharpe(np.zeros(10), 365) == 0
    assert sharpe(returns, 100) == pytest.approx(10 * returns.mean() / returns.std())
