"""Regimes: filtered and never smoothed, labels that hold, votes within their bound, alarms no more often than said."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.support import naive_learning as naive
from workbench.bench.regimes import balanced_accuracy, simulate
from workbench.domain.errors import ValueRefused
from workbench.quant.change_points import Watch, change_points, watched
from workbench.quant.hmm import RegimeModel, filtered, fit_regimes, likelihoods, settled
from workbench.quant.regimes import Voters, ballot, held, labels, scored

calm = settings(deadline=None, max_examples=60)
MODEL = RegimeModel(
    np.array([0.0, 0.1]), np.array([1.0, 3.0]), np.array([5.0, 4.0]), np.array([[0.9, 0.1], [0.2, 0.8]]),
    np.array([0.6, 0.4]),
)  # fmt: skip
short = st.lists(st.floats(-10, 10), min_size=1, max_size=7)


@calm
@given(short)
def test_filtered_probabilities_agree_with_a_sum_over_every_path(values):
    density = np.exp(likelihoods(MODEL, values))
    found = filtered(MODEL, values)

    for t in range(len(values)):
        assert_allclose(found[t], naive.regimes_given(density, MODEL.transition, MODEL.start, t, t), atol=1e-9)


@calm
@given(short, st.integers(0, 3))
def test_settled_probabilities_use_exactly_their_lag(values, lag):
    density = np.exp(likelihoods(MODEL, values))
    found = settled(MODEL, values, lag)

    for t in range(len(values)):
        if t + lag < len(values):
            expected = naive.regimes_given(density, MODEL.transition, MODEL.start, t + lag, t)
            assert_allclose(found[t], expected, atol=1e-9)
        else:
            assert np.isnan(found[t]).all()


@calm
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30), st.data())
def test_one_bar_at_a_time_is_the_same_as_all_at_once(values, data):
    cut = data.draw(st.integers(1, len(values) - 1))
    whole = filtered(MODEL, values)

    assert_array_equal(filtered(MODEL, values[:cut]), whole[:cut])
    assert_allclose(filtered(MODEL, values[cut:], before=whole[cut - 1]), whole[cut:], atol=1e-12)


def test_a_missing_bar_says_nothing():
    found = filtered(MODEL, [1.0, np.nan, 2.0])

    assert_allclose(found[1], found[0] @ MODEL.transition)


def test_the_likelihood_is_scipys():
    from scipy.stats import t

    x = np.array([-3.0, 0.5, 12.0])
    assert_allclose(likelihoods(MODEL, x)[:, 1], t.logpdf(x, 4.0, 0.1, 3.0))


def test_two_regimes_are_found_and_told_apart_online():
    accuracies, switches = [], []
    for seed in range(12):
        truth, values = simulate(6000, 2.5, np.random.default_rng(seed))
        model = fit_regimes(values[:2000])
        told = labels(filtered(model, values))[2000:]
        accuracies.append(balanced_accuracy(truth[2000:], told))
        switches.append(np.count_nonzero(np.diff(told)) / 4)

    assert model.sigma == pytest.approx([1.0, 2.5], rel=0.15)
    assert np.mean(accuracies) >= 0.95
    assert np.mean(switches) <= 10


def test_fitting_never_lowers_the_likelihood_without_a_prior_and_repeats_itself():
    values = simulate(1500, 3.0, np.random.default_rng(8))[1]
    fits = [fit_regimes(values, stickiness=0.0, rounds=n) for n in (1, 3, 10, 40)]

    gains = [b.likelihood - a.likelihood for a, b in itertools.pairwise(fits)]
    assert min(gains) > -2.0  # the +1 counts of the transition prior may cost a little
    assert fit_regimes(values, stickiness=0.0, rounds=40).likelihood == fits[-1].likelihood
    with pytest.raises(ValueRefused, match="100 bars"):
        fit_regimes(values[:60])


def test_three_regimes_are_ordered_by_their_noise():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.standard_t(5, 600) * s for s in (3, 1, 9, 1, 3, 9)])
    model = fit_regimes(values, 3)

    assert (np.diff(model.sigma) > 0).all()
    assert model.sigma == pytest.approx([1, 3, 9], rel=0.25)


@calm
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.5, 0.95))
def test_labels_change_only_on_strong_evidence_and_never_look_ahead(wild, enter):
    probabilities = np.column_stack([1 - np.array(wild), wild])
    found = labels(probabilities, enter)

    for t in range(1, len(found)):
        if found[t] != found[t - 1] and max(probabilities[:t, :].max(axis=1)) >= enter:
            assert probabilities[t, found[t]] >= enter
    cut = len(wild) // 2
    assert_array_equal(labels(probabilities[:cut], enter), found[:cut])
    assert held(1, [np.nan, np.nan]) == 1


vote = st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1)))


@calm
@given(st.lists(st.tuples(vote, vote, vote, st.floats(0, 1)), min_size=1, max_size=40))
def test_the_collective_loses_to_no_tempered_voter_by_more_than_ln_n(rounds):
    voters, own, theirs = Voters({}), dict.fromkeys("abc", 0.0), dict.fromkeys("abc", 0.0)
    for *votes, share in rounds:
        given_votes = {name: v for name, v in zip("abc", votes, strict=True) if v is not None}
        verdict = ballot(voters, given_votes)
        if verdict is None:
            continue
        truth = np.array([share, 1 - share])
        loss = -truth @ np.log(verdict.probabilities)
        after = scored(voters, given_votes, truth)
        for name in verdict.weights:
            own[name] += loss
            theirs[name] += after.losses[name] - voters.losses.get(name, voters.collective)
        voters = after

    assert all(own[name] - theirs[name] <= np.log(3) + 1e-9 for name in "abc")


def test_a_voter_that_was_right_weighs_more_and_silence_costs_nothing():
    voters = Voters({})
    for _ in range(20):
        voters = scored(voters, {"good": [0.9, 0.1], "bad": [0.1, 0.9], "mute": [np.nan, 0.5]}, [1.0, 0.0])

    verdict = ballot(voters, {"good": [0.2, 0.8], "bad": [0.8, 0.2], "mute": [0.5, 0.5]})

    assert verdict.weights["good"] > 0.4
    assert verdict.weights["bad"] < 1e-6
    assert voters.losses["mute"] == pytest.approx(voters.collective)
    assert ballot(voters, {"mute": [np.nan, 1], "odd": []}) is None
    with pytest.raises(ValueRefused, match="different numbers"):
        ballot(voters, {"a": [0.5, 0.5], "b": [0.3, 0.3, 0.4]})
    with pytest.raises(ValueRefused, match="truth"):
        scored(voters, {"a": [0.5, 0.5]}, [0.9, 0.9])


@pytest.mark.parametrize("patience", [50.0, 200.0])
def test_alarms_are_no_more_frequent_than_promised_whatever_the_distribution(patience):
    rng = np.random.default_rng(0)
    series = [rng.standard_t(1, 3000), rng.normal(size=3000), rng.integers(0, 3, 3000), rng.exponential(size=3000) ** 4]

    alarms = sum(len(change_points(x, rng.random(3000), patience)) for x in series)

    expected = 12_000 / patience
    assert alarms <= expected + 3 * np.sqrt(expected)


def test_a_change_of_spread_is_noticed_soon_and_dated():
    rng, delays, errors = np.random.default_rng(1), [], []
    for _ in range(20):
        values = np.abs(rng.standard_t(5, 800)) * np.repeat([1.0, 3.0], 400)
        found = [c for c in change_points(values, rng.random(800), 1000.0) if c.alarm >= 400]
        delays.append(found[0].alarm - 400)
        errors.append(abs(found[0].began - 400))

    assert np.median(delays) < 25
    assert np.median(errors) < 15


def test_alarms_read_no_later_bars_and_a_watch_steps_alone():
    rng = np.random.default_rng(2)
    values, uniforms = np.concatenate([rng.normal(size=200), rng.normal(4, 1, 200)]), rng.random(400)
    whole = change_points(values, uniforms, 300.0)

    assert [c for c in whole if c.alarm < 250] == change_points(values[:250], uniforms[:250], 300.0)
    watch = Watch(300.0)
    for value, uniform in zip(values[: whole[0].alarm + 1], uniforms, strict=False):
        assert watch.evidence < 300
        watch = watched(watch, value, uniform)
    assert watch.evidence >= 300
    assert watched(watch, np.nan, 0.5) is watch
    with pytest.raises(ValueRefused):
        Watch(0.5)
