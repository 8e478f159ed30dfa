"""How often a pattern setup is wrong: measured by the very number that triggers it, and kept rare."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.quant.test_pattern_match import CUP, HOUR, labels, market
from workbench.domain.drawings import Board
from workbench.domain.setups import TrackedSetup, setup_from, setup_json
from workbench.quant.pattern_alarms import LEAST_BARS, free_bars, guarded, likeness, threshold
from workbench.quant.pattern_match import examples_of, pattern_match
from workbench.quant.setups import Bars

EXAMPLES = examples_of("cup", labels(6))


def walk(bars, seed, size=0.002):
    return 100 * np.exp(np.cumsum(size * np.random.default_rng(seed).standard_normal(bars)))


def test_the_measured_number_is_the_one_that_triggers():
    closes = market()["close"].to_numpy()
    rule = pattern_match(EXAMPLES, 1)

    scores = likeness(closes, EXAMPLES)

    assert np.isnan(scores[: rule.needs - 1]).all()
    for end in range(rule.needs - 1, len(closes), 11):
        seen = closes[end + 1 - rule.needs : end + 1]
        ms = np.arange(len(seen))
        _, said = rule.recognise(Bars(ms, seen, seen, seen, seen, seen))
        assert said == scores[end]


@given(st.integers(0, 10**6), st.integers(60, 200))
@settings(max_examples=20)
def test_later_bars_change_no_number(seed, cut):
    closes = walk(260, seed)

    whole, part = likeness(closes, EXAMPLES), likeness(closes[:cut], EXAMPLES)

    np.testing.assert_array_equal(whole[:cut], part)


@given(arrays(np.float64, st.integers(1, 400), elements=st.floats(-1, 1, width=32)), st.floats(0.005, 0.5))
def test_of_the_bars_that_set_it_no_more_than_the_nominal_share_reach_it(scores, nominal):
    least = threshold(scores, nominal)

    rank = int(nominal * (len(scores) + 1))
    assert (scores >= least).sum() <= max(0, rank - 1) <= nominal * (len(scores) + 1)
    if rank:  # and it is no higher than that asks for
        assert least - np.sort(scores)[-rank] <= 1.0001e-4


def test_exchangeable_bars_alarm_at_the_nominal_rate():
    rng = np.random.default_rng(8)
    wrong = []
    for _ in range(400):
        scores = rng.beta(5, 2, 500)
        wrong.append((rng.beta(5, 2, 500) >= threshold(scores)).mean())

    assert 0.016 < np.mean(wrong) < 0.0205


@pytest.mark.parametrize("seed", range(6))
def test_the_likeness_never_falls_and_rare_patterns_are_left_alone(seed):
    closes = walk(1500, seed)
    armed = guarded(EXAMPLES, closes, np.ones(len(closes), bool))
    scores = likeness(closes, EXAMPLES)
    rate = armed.alarms

    assert armed.least >= EXAMPLES.least
    assert rate.bars == np.isfinite(scores).sum()
    assert rate.before == np.nanmean(np.where(np.isnan(scores), np.nan, scores >= EXAMPLES.least))
    assert np.mean(scores[np.isfinite(scores)] >= armed.least) <= max(0.02, rate.before if rate.before <= 0.02 else 0)
    assert rate.kept <= rate.known <= len(EXAMPLES.shapes)


def test_a_market_full_of_the_pattern_raises_the_likeness_and_says_so():
    waves = np.tile(CUP, 60) * walk(60 * len(CUP), 1, 0.0005)

    armed = guarded(EXAMPLES, waves, np.ones(len(waves), bool))

    assert armed.least > EXAMPLES.least
    assert armed.alarms.before > 0.03
    assert armed.alarms.after < armed.alarms.before
    assert armed.alarms.stretches > 0


def test_labelled_bars_are_no_ordinary_history_and_too_few_say_nothing():
    times = np.arange(100) * 10
    free = free_bars(times, [(200, 250), (5000, 6000)], 4)

    assert np.flatnonzero(~free).tolist() == list(range(20, 29))
    few = np.arange(1500) < LEAST_BARS
    assert guarded(EXAMPLES, walk(1500, 2), few) is EXAMPLES


def test_the_rate_survives_the_ledger_and_old_setups_have_none():
    closes = walk(1500, 3)
    closed = market().index[5].to_pydatetime() + HOUR.step
    armed = guarded(EXAMPLES, closes, np.ones(len(closes), bool))
    setup = TrackedSetup("s", Board("you", "BTC/USD", HOUR), "pattern", closed, 1, None, armed)
    kept = json.loads(json.dumps(setup_json(setup)))

    assert setup_from(kept) == setup
    del kept["examples"]["alarms"]
    assert setup_from(kept).examples.alarms is None
