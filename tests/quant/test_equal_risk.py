import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_risk as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.covariance import ledoit_wolf
from workbench.quant.equal_risk import equal_risk
from workbench.quant.risk_budgets import METHODS, capped, equal_cvar, risk_budgets
from workbench.quant.risk_measures import historical_cvar

SEEDS = st.integers(0, 2**32 - 1)


def market(seed, bars=300, assets=8, unit=1e-3):
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.3, 3, assets)
    return (rng.standard_t(4, (bars, assets)) * spread + rng.standard_t(4, (bars, 1))) * unit


def shares_of(weights, covariance):
    carried = weights * (covariance @ weights)
    return carried / carried.sum()


@given(SEEDS, st.integers(1, 40), st.floats(-6, 6))
@settings(max_examples=80, deadline=None)
def test_every_asset_carries_its_budget(seed, n, power):
    rng = np.random.default_rng(seed)
    covariance = np.atleast_2d(np.cov(market(seed, 100, n, 10**power).T))
    budgets = rng.dirichlet(np.ones(n)) + 1e-6

    found = equal_risk(covariance, budgets)

    assert found.relative_error <= 1e-10
    assert (found.weights > 0).all()
    assert_allclose(found.weights.sum(), 1)
    if found.ridge == 0:
        assert_allclose(shares_of(found.weights, covariance), budgets / budgets.sum(), rtol=1e-9)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_the_weights_agree_with_coordinate_descent(seed):
    covariance = np.cov(market(seed, 100, 5, 1.0).T)

    assert_allclose(equal_risk(covariance).weights, naive.equal_risk(covariance, np.full(5, 0.2), 800), rtol=1e-6)


@given(SEEDS, st.integers(2, 30), st.integers(1, 30), st.floats(0, 16))
@settings(max_examples=120, deadline=None)
def test_it_converges_from_any_positive_semidefinite_matrix(seed, n, rank, conditioning):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, rank)) * np.logspace(0, -conditioning, rank)
    covariance = factor @ factor.T
    covariance[np.diag_indices(n)] += 1e-30

    found = equal_risk(covariance)

    assert found.relative_error <= 1e-10
    assert found.ridge <= 1e-4
    assert np.isfinite(found.weights).all()
    assert (found.weights > 0).all()


@pytest.mark.parametrize("n", [20, 100])
def test_the_unit_of_the_returns_moves_no_weight(n):
    x = market(3, 400, n)
    weights = equal_risk(ledoit_wolf(x).matrix).weights

    for unit in (1e-3, 1e3):
        assert np.abs(equal_risk(ledoit_wolf(x * unit).matrix).weights - weights).max() <= 1e-8


def test_permuting_the_assets_permutes_the_weights():
    covariance = np.cov(market(7, 200, 12).T)
    order = np.random.default_rng(1).permutation(12)

    there = equal_risk(covariance[np.ix_(order, order)]).weights

    assert_allclose(there, equal_risk(covariance).weights[order], rtol=1e-10)


def test_a_perfect_hedge_says_which_ridge_it_needed():
    found = equal_risk(np.array([[1.0, -1.0], [-1.0, 1.0]]))

    assert_allclose(found.weights, 0.5)
    assert found.ridge > 0


def test_a_budget_of_nothing_is_a_weight_of_nothing():
    covariance = np.cov(market(7, 200, 4).T)

    found = equal_risk(covariance, [1, 0, 1, 2])

    assert found.weights[1] == 0
    assert_allclose(shares_of(found.weights, covariance), [0.25, 0, 0.25, 0.5], rtol=1e-9)


@pytest.mark.parametrize(
    "covariance",
    [np.full((2, 2), math.nan), np.diag([1.0, 0.0]), np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])],
)
def test_what_is_no_covariance_is_refused(covariance):
    with pytest.raises(ValueRefused):
        equal_risk(covariance)


@pytest.mark.parametrize("budgets", [[1, -1], [0, 0], [1, math.nan], [1, 1, 1]])
def test_budgets_that_make_no_sense_are_refused(budgets):
    with pytest.raises(ValueRefused, match="budgets"):
        equal_risk(np.eye(2), budgets)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_minds_the_unit_of_the_returns(method):
    x = market(5, 300, 6)
    weights = risk_budgets(x, method)

    assert_allclose(weights.sum(), 1)
    assert (weights > 0).all()
    for unit in (1e-3, 1e3):
        assert np.abs(risk_budgets(x * unit, method) - weights).max() <= 1e-8


def test_cvar_budgets_carry_what_was_asked():
    x, wanted = market(5, 2000, 4, 1.0), np.array([0.4, 0.3, 0.2, 0.1])

    found = historical_cvar(equal_cvar(x, wanted)[None], x, 0.95)

    assert_allclose(found.by_symbol / found.total, wanted, atol=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_methods_refuse_nan_and_what_never_moves(method):
    x = market(5, 50, 3)
    x[4, 1] = math.nan
    with pytest.raises(ValueRefused):
        risk_budgets(x, method)
    with pytest.raises(ValueRefused, match="never moves"):
        risk_budgets(np.where(np.arange(3) == 1, 0.0, market(5, 50, 3)), method)
    assert risk_budgets(market(5, 50, 1), method).tolist() == [1.0]
    with pytest.raises(ValueRefused, match="no method"):
        risk_budgets(market(5), "hope")


@given(
    st.lists(st.tuples(st.just(0.0) | st.floats(1e-3, 1), st.floats(0, 1)), min_size=1, max_size=8).filter(
        lambda rows: any(weight for weight, _ in rows)
    )
)
def test_caps_hold_and_what_nobody_may_take_stays_in_cash(rows):
    weights, caps = (np.array(column) for column in zip(*rows, strict=True))

    found = capped(weights, caps)

    assert (found.weights <= caps + 1e-12).all()
    assert_allclose(found.weights.sum() + found.cash, 1)
    takers = weights > 0
    assert_allclose(found.weights.sum(), min(1.0, caps[takers].sum()), atol=1e-9)
    free = takers & ~found.bound
    if free.sum() > 1:
        ratios = found.weights[free] / weights[free]
        assert_allclose(ratios, ratios[0], rtol=1e-6)


def test_the_solver_is_not_imported_before_it_is_asked_for():
    import subprocess
    import sys

    code = "import sys, workbench.quant.risk_budgets; sys.exit('skfolio' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
