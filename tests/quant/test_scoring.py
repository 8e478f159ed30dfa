import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtri

from tests.support import naive_learning as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.fans import LEVELS, quantiles_at, rearranged
from workbench.quant.scoring import (
    covered,
    crps,
    diebold_mariano,
    mase,
    pinball,
    pit,
    qlike,
    skill,
    worst_window,
)

calm = settings(deadline=None, max_examples=60)  # the first call compiles
moderate = st.floats(-50, 50)
fan_values = st.lists(moderate, min_size=11, max_size=11).map(sorted)


@calm
@given(fan_values, moderate)
def test_pinball_agrees_with_its_naive_twin(values, outcome):
    found = pinball(LEVELS, values, outcome)

    assert_allclose(found, [naive.pinball(p, q, outcome) for p, q in zip(LEVELS, values, strict=True)])


@calm
@given(fan_values, moderate)
def test_crps_is_the_integral_of_pinball_over_all_levels(values, outcome):
    assert_allclose(crps(LEVELS, values, outcome), naive.crps(LEVELS, values, outcome), rtol=1e-3, atol=0.05)


def test_crps_of_a_point_is_the_absolute_error():
    assert crps([0.5], [3.0], 7.0) == pytest.approx(4.0)
    assert_allclose(crps(LEVELS, np.full((2, 11), 3.0), [7.0, 3.0]), [4.0, 0.0])


@calm
@given(fan_values, moderate, moderate, st.floats(0.1, 10))
def test_crps_moves_and_stretches_with_the_unit(values, outcome, shift, factor):
    values = np.array(values)
    one = crps(LEVELS, values, outcome)

    assert_allclose(crps(LEVELS, values + shift, outcome + shift), one, atol=1e-9)
    assert_allclose(crps(LEVELS, factor * values, factor * outcome), factor * one, rtol=1e-9, atol=1e-9)


@calm
@given(st.lists(moderate, min_size=11, max_size=11), moderate)
def test_sorting_a_crossed_fan_never_raises_its_pinball_sum(values, outcome):
    crossed, mended = (pinball(LEVELS, v, outcome).sum() for v in (values, rearranged(values)))

    assert mended <= crossed + 1e-9


def test_the_true_fan_scores_best_on_average():
    rng = np.random.default_rng(1)
    sigma = np.exp(rng.normal(size=20_000))
    fan, outcomes = ndtri(np.array(LEVELS)) * sigma[:, None], rng.normal(size=20_000) * sigma
    own = crps(LEVELS, fan, outcomes).mean()

    assert own < crps(LEVELS, 1.3 * fan, outcomes).mean()
    assert own < crps(LEVELS, 0.7 * fan, outcomes).mean()
    assert covered(LEVELS, fan, outcomes).mean() == pytest.approx(0.9, abs=0.01)


def test_pit_is_uniform_where_the_fan_is_right_even_with_ties_and_tails():
    rng = np.random.default_rng(2)
    levels, values = [0.2, 0.5, 0.8], [0.0, 1.0, 1.0]  # P(0) … a lump at 1 holds levels .5 to .8
    truth = rng.random(40_000)
    outcomes = np.where(truth < 0.2, -5.0, np.where(truth < 0.5, (truth - 0.2) / 0.3, np.where(truth < 0.8, 1.0, 9.0)))

    found = pit(levels, np.tile(values, (truth.size, 1)), outcomes, rng.random(truth.size))

    assert np.abs(np.sort(found) - np.linspace(0, 1, found.size)).max() < 0.01
    assert np.isnan(pit(levels, values, np.nan, 0.5))


@calm
@given(fan_values, moderate, st.floats(0.01, 0.99))
def test_pit_lies_between_the_levels_around_the_outcome(values, outcome, uniform):
    found = float(pit(LEVELS, values, outcome, uniform))
    below = [p for p, v in zip(LEVELS, values, strict=True) if v < outcome]
    above = [p for p, v in zip(LEVELS, values, strict=True) if v > outcome]

    assert max(below, default=0) - 1e-12 <= found <= min(above, default=1) + 1e-12


@calm
@given(fan_values, st.lists(st.floats(0.001, 0.999), min_size=2, max_size=5).map(sorted))
def test_a_fan_read_elsewhere_agrees_inside_and_never_falls(values, wanted):
    found = quantiles_at(LEVELS, values, wanted)

    for p, q in zip(wanted, found, strict=True):
        if LEVELS[0] <= p <= LEVELS[-1]:
            assert q == pytest.approx(naive.quantile(LEVELS, values, p), abs=1e-9)
    assert (np.diff(found) >= -1e-9).all()
    assert quantiles_at(LEVELS, values, [0.0, 1.0]).tolist() == [-np.inf, np.inf]


def test_a_fan_that_does_not_fit_its_levels_is_refused():
    with pytest.raises(ValueRefused, match="needs values of shape"):
        crps([0.1, 0.9], [1.0], 0.0)
    with pytest.raises(ValueRefused, match="rise strictly"):
        pinball([0.9, 0.1], [1.0, 2.0], 0.0)
    with pytest.raises(ValueRefused, match="not stated"):
        covered([0.2, 0.8], [1.0, 2.0], 0.0, 0.9)


@calm
@given(st.lists(st.booleans(), min_size=5, max_size=60), st.integers(1, 5))
def test_the_worst_window_agrees_with_its_naive_twin(hits, width):
    assert worst_window(hits, width) == pytest.approx(naive.worst_window(hits, width))


def test_qlike_is_zero_for_the_truth_and_punishes_too_little_more():
    assert qlike(2.0, 2.0) == pytest.approx(0)
    assert qlike(2.0, 1.0) > qlike(2.0, 4.0) > 0
    assert np.isnan(qlike([0.0, 1.0, 1.0], [1.0, 0.0, np.nan])).all()


def test_mase_of_the_naive_step_is_one():
    series = np.cumsum(np.random.default_rng(0).normal(size=500))

    assert mase(series[1:], series[:-1], series) == pytest.approx(1)
    assert np.isnan(mase([1.0], [2.0], [5.0, 5.0, 5.0]))


def test_skill_counts_rows_that_both_have():
    assert skill([1.0, np.nan, 9.0], [2.0, 1.0, np.nan]) == pytest.approx(0.5)
    assert np.isnan(skill([np.nan], [1.0]))


@pytest.mark.parametrize("horizon", [1, 5, 24])
def test_diebold_mariano_agrees_with_statsmodels(horizon):
    from statsmodels.tsa.stattools import diebold_mariano_test

    a, b = np.random.default_rng(3).random((2, 400))

    ours = diebold_mariano(a, b, horizon)
    theirs = diebold_mariano_test(a * 0, a, b, criterion=lambda y, f: f, harvey_adj=True, horizon=horizon)

    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_diebold_mariano_does_not_decide_where_nothing_differs():
    same = np.random.default_rng(0).random(50)

    assert diebold_mariano(same, same).p_value == 1
    assert diebold_mariano(same[:2], same[:2] + 1).p_value == 1
