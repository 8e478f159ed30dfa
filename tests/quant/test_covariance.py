import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf

from tests.support import naive_risk as naive
from workbench.domain.errors import ValueRefused
from workbench.quant import covariance as cov
from workbench.quant.nearest import nearest_correlation, nearest_covariance
from workbench.quant.risk_measures import volatility

SEEDS = st.integers(0, 2**32 - 1)


def market(seed, bars=120, symbols=6, unit=1e-3):
    rng = np.random.default_rng(seed)
    return (rng.standard_t(4, (bars, symbols)) + rng.standard_t(4, (bars, 1))) * unit


@given(SEEDS, st.integers(2, 60), st.integers(1, 30), st.sampled_from([1e-6, 1e-3, 1.0, 1e3]))
@settings(max_examples=60)
def test_ledoit_wolf_agrees_with_scikit_learn(seed, bars, symbols, unit):
    x = market(seed, bars, symbols, unit)

    ours, (theirs, intensity) = cov.ledoit_wolf(x), sklearn_ledoit_wolf(x)

    assert_allclose(ours.matrix, theirs, rtol=1e-10, atol=1e-12 * np.abs(theirs).max())
    assert_allclose(ours.intensity, intensity, atol=1e-10)
    assert (ours.matrix == ours.matrix.T).all()
    assert np.linalg.eigvalsh(ours.matrix)[0] >= -1e-12 * np.abs(theirs).max()


@given(SEEDS, st.floats(0.5, 100))
@settings(max_examples=30)
def test_sample_and_ewma_agree_with_their_twins(seed, halflife):
    x = market(seed)

    assert_allclose(cov.sample_covariance(x), np.cov(x.T), rtol=1e-10, atol=1e-18)
    assert_allclose(cov.ewma_covariance(x, halflife), naive.ewma(x, halflife), rtol=1e-10, atol=1e-18)


def test_ewma_steps_come_to_the_batch():
    x = market(2, bars=2000)
    running = cov.ewma_covariance(x[:1000], 20)
    for row in x[1000:]:
        running = cov.ewma_step(running, row, 20)

    assert_allclose(running, cov.ewma_covariance(x, 20), rtol=1e-9)


def test_scaling_has_unit_deviations_and_keeps_ratios():
    x = market(1) * np.array([1, 10, 100, 1, 1, 1])

    each, common = cov.scaled(x), cov.commonly_scaled(x)

    assert_allclose(each.returns.std(axis=0), 1)
    assert_allclose(each.returns * each.scale, x)
    assert_allclose(common / common[0, 0], x / x[0, 0])
    assert_allclose(common.var(axis=0).mean(), 1)
    with pytest.raises(ValueRefused, match="column 2 never moves"):
        cov.scaled(np.where(np.arange(6) == 2, 0.5, x))


def test_correlation_round_trip():
    matrix = np.cov(market(4).T)

    correlation, deviations = cov.to_correlation(matrix)

    assert (np.diagonal(correlation) == 1).all()
    assert_allclose(cov.from_correlation(correlation, deviations), matrix, rtol=1e-12)
    with pytest.raises(ValueRefused, match="variance of column 1"):
        cov.to_correlation(np.diag([1.0, 0.0]))


@given(SEEDS, st.floats(0, 1))
@settings(max_examples=60)
def test_stress_stays_positive_and_ends_without_any_hedge(seed, weight):
    rng = np.random.default_rng(seed)
    correlation = np.corrcoef(market(seed).T)
    held = rng.normal(0, 1e4, 6)

    stressed = cov.stressed(correlation, weight, held)
    worst = volatility([held], cov.stressed(correlation, 1.0, held)).total

    assert np.linalg.eigvalsh(stressed)[0] >= -1e-12
    assert (np.diagonal(stressed) == 1).all()
    assert_allclose(worst, np.abs(held).sum())
    now, then = volatility([held], correlation).total, volatility([held], stressed).total
    assert now - 1e-6 <= then <= worst + 1e-6
    assert_allclose(cov.stressed(correlation, 0.0), correlation, atol=1e-12)
    with pytest.raises(ValueRefused, match="stress"):
        cov.stressed(correlation, 1.5)


@given(SEEDS, st.integers(2, 12), st.floats(0.05, 1))
@settings(max_examples=40, deadline=None)
def test_the_repaired_matrix_is_the_nearest(seed, n, noise):
    rng = np.random.default_rng(seed)
    spoiled = np.corrcoef(market(seed, 40, n).T) + rng.normal(0, noise, (n, n))
    spoiled = np.clip((spoiled + spoiled.T) / 2, -1, 1)
    np.fill_diagonal(spoiled, 1)

    repaired = nearest_correlation(spoiled)

    assert (np.diagonal(repaired) == 1).all()
    assert (repaired == repaired.T).all()
    assert np.linalg.eigvalsh(repaired)[0] >= 1e-11
    distance = np.linalg.norm(repaired - spoiled)
    assert distance <= np.linalg.norm(naive.higham(spoiled, 800) - spoiled) + 1e-6
    assert_allclose(nearest_correlation(repaired), repaired, atol=1e-12)


def test_a_good_matrix_comes_back_as_it_was_and_variances_stay():
    good = np.corrcoef(market(8).T)
    bad = np.array([[4.0, 3.8, -1.8], [3.8, 4.0, 1.9], [-1.8, 1.9, 1.0]])

    assert_allclose(nearest_correlation(good), good, atol=1e-15)
    assert_allclose(np.diagonal(nearest_covariance(bad)), np.diagonal(bad))
    assert np.linalg.eigvalsh(nearest_covariance(bad))[0] >= 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_is_refused(bad):
    x, c = market(1), np.eye(3)
    x[3, 2] = c[0, 1] = c[1, 0] = bad
    refusing = (cov.ledoit_wolf, cov.sample_covariance, lambda v: cov.ewma_covariance(v, 10), cov.scaled)

    for function in (*refusing, cov.commonly_scaled):
        with pytest.raises(ValueRefused):
            function(x)
    for function in (nearest_correlation, nearest_covariance, cov.to_correlation, lambda v: cov.stressed(v, 0.5)):
        with pytest.raises(ValueRefused), np.errstate(invalid="ignore"):
            function(c)
    with pytest.raises(ValueRefused, match="not symmetric"):
        nearest_correlation(np.array([[1.0, 0.5], [0.1, 1.0]]))
