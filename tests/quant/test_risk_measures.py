import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy import stats

from tests.support import naive_risk as naive
from workbench.domain.errors import ValueRefused
from workbench.quant import risk_measures as risk

ROWS = arrays(float, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-1e5, 1e5))
SEEDS = st.integers(0, 2**32 - 1)


def market(seed, bars=200, symbols=4):
    rng = np.random.default_rng(seed)
    return (rng.standard_t(4, (bars, symbols)) + rng.standard_t(4, (bars, 1))) * 1e-3


MEASURES = {
    "volatility": lambda e, x: risk.volatility(e, np.cov(x.T)),
    "var": lambda e, x: risk.historical_var(e, x, 0.95),
    "cvar": lambda e, x: risk.historical_cvar(e, x, 0.95),
    "normal var": lambda e, x: risk.parametric_var(e, np.cov(x.T), 0.95, x.mean(axis=0)),
    "normal cvar": lambda e, x: risk.parametric_cvar(e, np.cov(x.T), 0.95, x.mean(axis=0)),
    "student cvar": lambda e, x: risk.parametric_cvar(e, np.cov(x.T), 0.975, tails=4),
}


@pytest.mark.parametrize("name", MEASURES)
@given(exposures=ROWS, seed=SEEDS)
@settings(max_examples=60)
def test_contributions_sum_to_the_total(name, exposures, seed):
    found = MEASURES[name](exposures, market(seed))
    scale = 1e-10 * max(1.0, np.abs(found.cells).sum())

    assert abs(found.cells.sum() - found.total) <= scale
    assert abs(found.by_bot.sum() - found.total) <= scale
    assert abs(found.by_symbol.sum() - found.total) <= scale


@pytest.mark.parametrize("name", MEASURES)
@given(exposures=ROWS, seed=SEEDS)
@settings(max_examples=30)
def test_permuting_bots_and_symbols_changes_nothing(name, exposures, seed):
    x = market(seed)
    rng = np.random.default_rng(seed)
    bots, symbols = rng.permutation(len(exposures)), rng.permutation(4)

    one, other = MEASURES[name](exposures, x), MEASURES[name](exposures[bots][:, symbols], x[:, symbols])

    scale = 1e-10 * max(1.0, np.abs(one.cells).sum())
    assert_allclose(other.cells, one.cells[bots][:, symbols], rtol=1e-9, atol=scale)
    assert_allclose(other.total, one.total, rtol=1e-9, atol=scale)


@pytest.mark.parametrize("name", ["volatility", "normal var", "normal cvar", "student cvar", "cvar", "var"])
def test_contributions_are_the_derivatives(name):
    rng = np.random.default_rng(3)
    e, x = rng.normal(0, 100, (3, 4)), market(5)

    found = MEASURES[name](e, x)

    assert_allclose(found.cells, naive.derivative(lambda at: MEASURES[name](at, x).total, e), rtol=1e-5, atol=1e-7)


@given(arrays(float, st.integers(1, 80), elements=st.floats(-1e3, 1e3)), st.sampled_from([0.5, 0.9, 0.95, 0.975, 0.99]))
def test_cvar_agrees_with_its_naive_twin_and_lies_beyond_the_var(losses, confidence):
    e, returns = np.ones((1, 1)), -losses[:, None]

    cvar, var = risk.historical_cvar(e, returns, confidence), risk.historical_var(e, returns, confidence)

    assert_allclose(cvar.total, naive.cvar(losses, confidence), rtol=1e-9, atol=1e-9)
    assert var.total <= cvar.total + 1e-9
    assert cvar.total <= losses.max() + 1e-9
    assert_allclose(risk.historical_cvar(e, returns[::-1], confidence).total, cvar.total, rtol=1e-12, atol=1e-12)


@given(ROWS, SEEDS, st.floats(0.01, 100))
def test_the_measures_are_homogeneous_and_subadditive(exposures, seed, factor):
    x, half = market(seed), np.vstack([exposures[:1], np.zeros((1, 4))])
    other = np.vstack([np.zeros((1, 4)), exposures[-1:] * 0.7])

    for name in ("volatility", "cvar", "student cvar"):
        measure = MEASURES[name]
        assert_allclose(
            measure(exposures * factor, x).total, factor * measure(exposures, x).total, rtol=1e-9, atol=1e-7
        )
        together = measure(half + other, x).total
        assert together <= measure(half, x).total + measure(other, x).total + 1e-7


def test_parametric_factors_agree_with_scipy():
    for tails, confidence in ((math.inf, 0.95), (3.0, 0.975), (8.0, 0.99)):
        var = risk.parametric_var([[1.0]], [[1.0]], confidence, tails=tails).total
        cvar = risk.parametric_cvar([[1.0]], [[1.0]], confidence, tails=tails).total
        law = stats.norm() if math.isinf(tails) else stats.t(tails, scale=math.sqrt((tails - 2) / tails))

        assert_allclose(var, law.ppf(confidence), rtol=1e-10)
        assert_allclose(cvar, law.expect(lambda v: v, lb=var, conditional=True), rtol=1e-6)


@given(arrays(float, st.integers(1, 99), elements=st.floats(1, 1e6)))
def test_drawdown_agrees_with_its_naive_twin_and_sees_no_future(equity):
    fast = risk.drawdown(equity)

    assert_allclose(fast, naive.drawdown(equity), atol=1e-12)
    assert_allclose(fast[:5], risk.drawdown(equity[:5]))
    assert risk.worst_drawdown(equity) == -fast.min()
    assert risk.current_drawdown(equity) == -fast[-1]


def test_a_flat_desk_has_no_risk():
    flat = np.zeros((2, 4))

    for measure in (MEASURES["volatility"], MEASURES["cvar"], MEASURES["var"], MEASURES["student cvar"]):
        assert measure(flat, market(1)).total == 0
        assert not measure(flat, market(1)).cells.any()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_is_refused_everywhere(bad):
    x, e = market(1), np.ones((2, 4))
    for name, measure in MEASURES.items():
        broken = x.copy()
        broken[3, 2] = bad
        with pytest.raises(ValueRefused), np.errstate(invalid="ignore"):
            measure(e, broken)
        with pytest.raises(ValueRefused, match="exposures"):
            measure(np.where(np.arange(4) == 1, bad, e), x)
        assert name
    with pytest.raises(ValueRefused):
        risk.drawdown([1.0, bad])


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueRefused, match="positive semi-definite"):
        risk.volatility([[1.0, -1.0]], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueRefused, match="symbols"):
        risk.volatility(np.ones((1, 3)), np.eye(4))
    with pytest.raises(ValueRefused, match="confidence"):
        risk.historical_cvar(np.ones((1, 4)), market(1), 1.0)
    with pytest.raises(ValueRefused, match="degrees of freedom"):
        risk.parametric_cvar(np.ones((1, 4)), np.eye(4), tails=2)
    with pytest.raises(ValueRefused, match="equity must be positive"):
        risk.drawdown([1.0, 0.0])
