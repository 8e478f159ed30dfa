"""Leads, clusters, sectors, betas and cross prediction on markets whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.quant.cross_prediction import cross_prediction
from workbench.quant.lead_lag import lagged_correlation, leads
from workbench.quant.structure import betas, clusters, denoised, sector_returns, stability


def led_market(rng, n_bars=1500):
    """Column 2 follows column 0 by 3 bars; the others are alone, with volatility that clusters."""
    x = rng.standard_t(5, (n_bars, 4)) * np.exp(0.5 * np.sin(np.arange(n_bars) / 40))[:, None]
    x[3:, 2] += 0.4 * x[:-3, 0]
    return x


def test_the_leader_is_found_and_nobody_else():
    found = leads(led_market(np.random.default_rng(1)), 6)
    assert [(one.leader, one.follower, one.lag) for one in found] == [(0, 2, 3)]


def test_noise_has_no_leader_more_often_than_it_says():
    rng = np.random.default_rng(2)
    rings = 0
    for _ in range(100):
        volatility = np.exp(rng.standard_normal(400).cumsum() * 0.1)[:, None]
        rings += bool(leads(rng.standard_t(5, (400, 5)) * volatility, 4))
    assert rings <= 11


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), lag=st.integers(1, 5))
def test_lagged_correlation_is_its_definition_and_gaps_are_left_out(seed, lag):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((200, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    r, _ = lagged_correlation(x, 5)
    scaled = (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0)
    for i in range(3):
        for j in range(3):
            assert r[lag - 1, i, j] == pytest.approx(np.nanmean(scaled[:-lag, i] * scaled[lag:, j]), abs=1e-12)


def test_clusters_are_those_that_move_together():
    rng = np.random.default_rng(3)
    factors = rng.standard_normal((800, 3))
    members = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    x = factors[:, members] + 0.7 * rng.standard_normal((800, 9))

    found = clusters(np.corrcoef(x.T))
    np.testing.assert_array_equal(found.labels, members)
    assert sorted(found.order) == list(range(9))
    assert len(set(clusters(np.corrcoef(x.T), count=2).labels)) == 2


def test_a_market_without_groups_is_one_cluster():
    assert set(clusters(np.full((6, 6), 0.5) + 0.5 * np.eye(6)).labels) == {0}


def test_denoising_brings_a_matrix_nearer_to_the_truth():
    rng = np.random.default_rng(4)
    truth = np.full((40, 40), 0.3) + 0.7 * np.eye(40)
    x = rng.multivariate_normal(np.zeros(40), truth, 80)
    sample = np.corrcoef(x.T)
    clean = denoised(sample, 80)

    assert np.linalg.norm(clean - truth) < 0.6 * np.linalg.norm(sample - truth)
    np.testing.assert_array_equal(np.diagonal(clean), 1.0)
    assert np.linalg.eigvalsh(clean).min() > 0


def test_a_sector_is_the_mean_of_those_that_are_there():
    x = np.array([[1.0, 3.0, 5.0], [np.nan, 3.0, np.nan], [np.nan, np.nan, 1.0]])
    names, sectors = sector_returns(x, ["A", "B", "C"], {"A": "one", "B": "one", "C": "two"})

    assert names == ["one", "two"]
    np.testing.assert_array_equal(sectors, [[2, 5], [3, np.nan], [np.nan, 1]])
    with pytest.raises(ValueRefused, match="no sector is known for any of A"):
        sector_returns(x[:, :1], ["A"], {})


def test_beta_is_the_slope():
    m = np.random.default_rng(5).standard_normal(500)
    x = np.column_stack((2 * m, -m + 1, np.full(500, np.nan)))
    np.testing.assert_allclose(betas(x, m), [2, -1, np.nan], atol=1e-12)


def test_stability_says_how_steady():
    r = np.array([[0.5, 1.0, np.nan], [0.5, -1.0, 0.2]])
    np.testing.assert_allclose(stability(r), [1.0, 0.0, np.nan])


def test_the_past_that_helps_is_found_and_the_rest_is_not():
    rng = np.random.default_rng(6)
    x = rng.standard_t(5, (1500, 4))
    x[1:, 1] += 0.3 * x[:-1, 0]
    found = cross_prediction(x)

    helps = np.argwhere(found.p_value < 0.05).tolist()
    assert helps == [[0, 1]]
    assert found.gain[0, 1] > 0.03
    assert np.nanmax(np.delete(found.gain.ravel(), 1)) < 0.02


def test_cross_prediction_scores_do_not_see_the_future():
    rng = np.random.default_rng(7)
    x = rng.standard_normal((700, 3))
    known = cross_prediction(x[:600], block=50, first=250)
    again = cross_prediction(np.vstack((x[:600], 1e3 * x[600:]))[:600], block=50, first=250)
    np.testing.assert_array_equal(known.gain, again.gain)


def test_noise_seldom_helps():
    rng = np.random.default_rng(8)
    rings = sum(np.nanmin(cross_prediction(rng.standard_t(5, (600, 4))).p_value) < 0.05 for _ in range(60))
    assert rings <= 7
