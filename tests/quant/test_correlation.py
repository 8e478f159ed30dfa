"""Rolling and exponentially weighted correlation beside long-double twins, on the data that break the usual ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_correlation as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.correlation import EwmaCorrelation, rolling_correlation, window_ends

BOUND = 1e-12


def market(rng, bars=160, n=5):
    return rng.standard_t(4, (bars, 1)) + rng.standard_t(4, (bars, n))


def levels(rng):
    return 1e8 + market(rng).cumsum(axis=0)


def outliers(rng):
    x = market(rng)
    x[60, 1] *= 1e6
    x[75, 3] = -1e6
    return x


def gaps(rng):
    x = market(rng)
    x[rng.random(x.shape) < 0.15] = np.nan
    return x


def late_listing(rng):
    x = 1e8 + market(rng).cumsum(axis=0)
    x[:70, 2] = np.nan
    x[90:, 4] = np.nan
    return x


def halts(rng):
    x = market(rng)
    x[40:120, 1] = x[40, 1]
    return x


def redenominated(rng):
    x = 100 + market(rng).cumsum(axis=0)
    x[80:, 0] *= 1e9
    return x


CASES = [market, levels, outliers, gaps, late_listing, halts, redenominated]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("window", "step"), [(24, 1), (24, 8), (30, 7), (60, 24), (2, 1)])
def test_equal_to_the_definition_in_long_double(case, window, step):
    x = case(np.random.default_rng(7))
    ours = rolling_correlation(x, window, step, least=2)
    twin = naive.rolling(x, window, step, least=2)

    np.testing.assert_array_equal(np.isnan(ours), np.isnan(twin))
    assert np.nanmax(np.abs(ours - twin)) <= BOUND
    assert np.nanmax(np.abs(ours)) <= 1
    np.testing.assert_array_equal(ours, ours.transpose(0, 2, 1))


@pytest.mark.parametrize("n", [1, 47, 48, 49, 97])
def test_every_tile_is_filled(n):
    x = market(np.random.default_rng(n), 50, n)
    ours = rolling_correlation(x, 20, 5)

    assert (
        np.abs(ours - [np.atleast_2d(np.corrcoef(x[end - 19 : end + 1].T)) for end in window_ends(50, 20, 5)]).max()
        <= BOUND
    )


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=15, deadline=None)
@given(cut=st.integers(24, 159), seed=st.integers(0, 99))
def test_no_window_knows_what_comes_after_it(case, cut, seed):
    x = case(np.random.default_rng(seed))
    known = rolling_correlation(x[:cut], 24, 3)

    later = x.copy()
    later[cut:] = np.random.default_rng(seed + 1).normal(0, 1e3, later[cut:].shape)
    now = rolling_correlation(later, 24, 3)[: len(known)]
    np.testing.assert_array_equal(np.isnan(now), np.isnan(known))
    assert np.nanmax(np.abs(now - known)) <= BOUND


def test_too_few_bars_of_a_pair_are_unknown():
    x = market(np.random.default_rng(0), 20, 2)
    x[:15, 0] = np.nan

    assert np.isnan(rolling_correlation(x, 20)[0, 0, 1])
    assert np.isfinite(rolling_correlation(x, 20, least=5)[0, 0, 1])


@pytest.mark.parametrize(
    ("values", "window", "words"),
    [
        (np.ones((5, 2)), 6, "needs as many, got 5"),
        (np.ones((5, 2)), 1, "at least 2 bars"),
        (np.array([[1, np.inf]] * 3), 2, "inf at bar 0, asset 1"),
        (np.ones(5), 2, "bars × assets"),
    ],
)
def test_bad_input_is_named(values, window, words):
    with pytest.raises(ValueRefused, match=words):
        rolling_correlation(values, window)


@pytest.mark.parametrize("case", [market, gaps, late_listing, halts])
def test_the_weighted_matrix_equals_its_definition_on_every_bar(case):
    rows = case(np.random.default_rng(3))[:60]
    kept = EwmaCorrelation(rows.shape[1], halflife=9)
    for bar, row in enumerate(rows):
        kept.update(row)
        if bar % 7 == 0:
            np.testing.assert_allclose(kept.matrix(), naive.ewma(rows[: bar + 1], 9), atol=BOUND)


def test_the_weights_never_overflow():
    rng = np.random.default_rng(1)
    rows = market(rng, 4000, 3)
    kept = EwmaCorrelation(3, halflife=1)
    for row in rows:
        kept.update(row)

    np.testing.assert_allclose(kept.matrix(), naive.ewma(rows[-200:], 1), atol=BOUND)
