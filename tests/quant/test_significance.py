"""Outcomes, exact intervals, matched random entries: beside their definitions, and on data without anything to find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_significance as naive
from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import OutcomeRule
from workbench.quant.significance import Evidence, _shifted_sums, evidence, exact_interval
from workbench.quant.trade_outcomes import net_returns


def candles(seed, n=120):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(rng.normal(0, 0.01, n).cumsum())
    opened = np.concatenate([[100], close[:-1]]) * np.exp(rng.normal(0, 0.004, n))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.005, n)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.005, n)))
    return np.stack([opened, high, low, close], axis=1)


RULES = [OutcomeRule(), OutcomeRule(Side.SELL, 0.02, 0.03, 5, 0.001), OutcomeRule(Side.BUY, 0.5, 0.5, 3, 0)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_outcome_is_that_of_its_definition(rule, seed):
    bars, up = candles(seed), 1 if rule.side is Side.BUY else -1
    twin = [naive.net_return(bars, t, up, rule.target, rule.stop, rule.horizon, rule.cost) for t in range(len(bars))]

    np.testing.assert_allclose(net_returns(bars, rule), twin, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(30, 110), seed=st.integers(0, 50))
def test_an_outcome_that_is_known_stays(cut, seed):
    bars = candles(seed)
    known = net_returns(bars[:cut], RULES[0])

    same = net_returns(bars, RULES[0])[:cut]

    np.testing.assert_array_equal(known[np.isfinite(known)], same[np.isfinite(known)])


@pytest.mark.parametrize("n", [5, 20, 60])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.85])
def test_the_interval_covers_at_least_what_it_says(n, rate):
    from scipy.stats import binom

    inside = [k for k in range(n + 1) if exact_interval(k, n)[0] <= rate <= exact_interval(k, n)[1]]

    assert binom.pmf(inside, n, rate).sum() >= 0.95


def test_shifts_are_all_circular_shifts():
    values, entries = np.random.default_rng(0).normal(size=50), np.array([3, 4, 20])

    twin = [naive.shifted_mean(values, entries, k) * 3 for k in range(50)]

    np.testing.assert_allclose(_shifted_sums(values, entries), twin, atol=1e-12)


def test_a_pattern_that_always_wins_has_evidence_and_one_of_many_does_not():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.01, 2000)
    entries = rng.choice(2000, 25, replace=False)
    values[entries] = 0.02

    alone, crowd = (evidence([values], [entries], trials, draws=1999) for trials in (1, 500))

    assert alone.significant
    assert (alone.known, alone.successes, alone.rate) == (25, 25, 1.0)
    assert alone.words.startswith("evidence")
    assert not crowd.significant
    assert "not among 500 tried" in crowd.words


def test_entries_that_are_not_known_yet_do_not_count():
    values = np.full(30, np.nan)
    values[:20] = -0.01

    found = evidence([values, np.full(9, np.nan)], [np.array([1, 25, 29]), np.array([2])], 1)

    assert (found.entries, found.known, found.successes) == (4, 1, 0)
    assert "too few" in found.words


def test_nothing_known_is_said():
    found = evidence([], [], 1)

    assert np.isnan(found.rate)
    assert not found.significant
    assert found.words.startswith("too few to say: 0")


def test_where_there_is_nothing_to_find_it_seldom_cries():
    rng = np.random.default_rng(5)
    loud = 0
    for seed in range(150):
        steps = rng.normal(0, 0.01, 600)
        values = np.convolve(steps, np.ones(24), "valid")  # outcomes that overlap, as those of a horizon do
        start = rng.integers(0, 500)
        entries = np.concatenate([np.arange(start, start + 20), rng.integers(0, 500, 5)])
        loud += evidence([values], [entries], 1, seed, draws=399).p_value <= 0.05

    assert loud <= 150 * 0.05 + 3 * np.sqrt(150 * 0.05 * 0.95)


def test_a_losing_pattern_is_never_evidence_however_bad_the_others_are():
    lucky = Evidence(30, 30, 15, 0.3, 0.7, -0.001, 0.2, -0.01, 0.001, 0.001, 1)

    assert not lucky.significant
    assert "no evidence" in lucky.words


def test_bad_input_is_named():
    with pytest.raises(ValueRefused, match="make no interval"):
        exact_interval(3, 2)
    with pytest.raises(ValueRefused, match="must match"):
        evidence([np.zeros(3)], [], 1)
    with pytest.raises(ValueRefused, match="finite prices"):
        net_returns(np.full((9, 4), np.nan), RULES[0])
