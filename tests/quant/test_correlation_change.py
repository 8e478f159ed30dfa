"""Alarms ring at their nominal rate on GARCH-t returns that never changed, and ring for those that did."""

import numpy as np
import pytest

from workbench.domain.errors import ValueRefused
from workbench.quant.correlation_change import changed_at, scan, scan_pairs

SERIES = 1000


def garch_t(rng, n_bars, rho, series, together, alpha=0.08, beta=0.9, nu=5):
    """`series` pairs of GARCH(1, 1) returns with t shocks; rho : number or (n_bars,). together : both jump."""
    rho = np.broadcast_to(np.asarray(rho, dtype=float), n_bars)[:, None]
    a, b = rng.standard_normal((2, n_bars, series))
    shocks = np.stack((a, rho * a + np.sqrt(1 - rho**2) * b))
    shape = (1 if together else 2, n_bars, series)
    shocks = shocks * np.sqrt((nu - 2) / rng.chisquare(nu, shape))
    variance, out = np.ones((2, series)), np.empty((2, n_bars, series))
    for bar in range(n_bars):
        out[:, bar] = np.sqrt(variance) * shocks[:, bar]
        variance = (1 - alpha - beta) + alpha * out[:, bar] ** 2 + beta * variance
    return out


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_a_quiet_pair_rings_as_often_as_it_says(rho, together, record_property):
    x, y = garch_t(np.random.default_rng(11), 600, rho, SERIES, together)
    fixed = np.mean([changed_at(x[:, k], y[:, k], 300).p_value < 0.05 for k in range(SERIES)])
    whole = np.mean([scan(x[:, k], y[:, k]).p_value < 0.05 for k in range(SERIES)])

    record_property("alarms at a nominal 5 %, at a named bar and over the whole scan", (float(fixed), float(whole)))
    assert 0.03 <= fixed <= 0.08
    assert whole <= 0.05


def test_a_change_is_found_where_it_was():
    rho = np.r_[np.full(500, 0.3), np.full(500, 0.75)]
    x, y = garch_t(np.random.default_rng(2), 1000, rho, 100, together=True)
    found = [scan(x[:, k], y[:, k]) for k in range(100)]

    assert sum(one.p_value < 0.05 for one in found) >= 95
    assert np.median([abs(one.at - 500) for one in found]) < 60
    assert np.median([one.before for one in found]) < 0.45 < 0.6 < np.median([one.after for one in found])


def test_all_pairs_together_are_held_to_the_level():
    rng = np.random.default_rng(8)
    rings = 0
    for _ in range(60):
        returns = garch_t(rng, 400, 0.0, 6, together=True)[0]
        rings += bool(scan_pairs(returns))
    assert rings <= 6


def test_missing_bars_are_left_out_and_the_place_is_an_index_of_what_was_given():
    x, y = garch_t(np.random.default_rng(4), 900, np.r_[np.zeros(450), np.full(450, 0.8)], 1, together=False)[:, :, 0]
    gapped = np.full(1800, np.nan), np.full(1800, np.nan)
    gapped[0][::2], gapped[1][::2] = x, y

    plain, spread = scan(x, y), scan(*gapped)
    assert spread.at == 2 * plain.at
    assert spread.p_value == plain.p_value


def test_a_series_that_stands_still_says_nothing():
    still = np.zeros(300)
    found = scan(still, np.random.default_rng(0).standard_normal(300))
    assert found.p_value == 1.0


def test_volatility_scaling_knows_the_past_only():
    x, y = garch_t(np.random.default_rng(6), 400, 0.5, 1, together=False)[:, :, 0]
    known = scan(x[:300], y[:300])
    x[300:] *= 50

    assert scan(x[:300], y[:300]) == known


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros(50), np.zeros(50), "needs 120 bars"),
        (np.zeros(5), np.zeros(6), "in step"),
        (np.r_[np.inf, np.zeros(200)], np.zeros(201), "never inf"),
        (np.full(300, np.nan), np.zeros(300), "no two bars"),
    ],
)
def test_bad_input_is_named(x, y, words):
    with pytest.raises(ValueRefused, match=words):
        scan(x, y)
