"""Scores from elsewhere: known when they were known, and never before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from workbench.domain.errors import ValueRefused
from workbench.quant.scores import Scores, known_at, score_columns

quick = settings(deadline=None, max_examples=100)
stamps = st.lists(st.integers(0, 50), max_size=20).map(sorted)


def scores(times, seed=0, symbol="BTC/USD"):
    return Scores("mood", symbol, np.array(times, float), np.random.default_rng(seed).standard_normal(len(times)))


@quick
@given(stamps, st.lists(st.integers(-5, 60), max_size=20), st.sampled_from([np.inf, 0, 3]))
def test_it_agrees_with_a_look_at_every_score(times, asked, oldest):
    given_scores = scores(times)
    slow = []
    for at in asked:
        known = [v for t, v in zip(times, given_scores.value, strict=True) if t <= at and at - t <= oldest]
        slow.append(known[-1] if known else np.nan)

    assert_array_equal(known_at(given_scores, asked, oldest), slow)


@quick
@given(stamps, st.integers(0, 50), st.floats(-1e6, 1e6))
def test_scores_known_later_change_nothing(times, now, other):
    asked = np.arange(now + 1)
    full = scores(times)
    cut = Scores("mood", "BTC/USD", full.known_s[full.known_s <= now], full.value[full.known_s <= now])
    rough = Scores("mood", "BTC/USD", full.known_s, np.where(full.known_s > now, other, full.value))

    assert_array_equal(known_at(full, asked), known_at(cut, asked))
    assert_array_equal(known_at(full, asked), known_at(rough, asked))


def test_columns_say_the_score_and_whether_there_is_one():
    sources = {"mood": [scores([10, 30], 1), scores([20], 2, "ETH/USD"), scores([1], 3, "DOGE/USD")], "news": []}
    found = score_columns(sources, ("BTC/USD", "ETH/USD"), [5, 10, 25, 40], max_age_s=12)

    assert found.shape == (4, 2, 4)
    assert_array_equal(found[:, 0, 1], [0, 1, 0, 1])
    assert_array_equal(found[:, 1, 1], [0, 0, 1, 0])
    assert_array_equal(found[[0, 2], 0, 0], [0, 0])
    assert not found[..., 2:].any()


@pytest.mark.parametrize("times", [[2, 1], [0, np.nan]])
def test_scores_out_of_order_or_without_a_time_are_refused(times):
    with pytest.raises(ValueRefused, match="times"):
        scores(times)
