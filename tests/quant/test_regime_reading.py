"""What regime it is: the same then as now, unmoved by flicker, and by no single voice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from workbench.quant.regime_reading import (
    FIRST,
    RegimeReading,
    collective_regime,
    past_score,
    read_regime,
    regime_changes,
    regime_path,
    since,
)
from workbench.quant.regimes import Voters, roughness


def noise(bars, size=1.0, seed=1):
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(bars) * size


WEATHER = np.concatenate([noise(400), noise(120, 4.0, 2), noise(200, 1.0, 3)])


def test_a_storm_is_turbulent_and_ends():
    turbulent, names = regime_path(WEATHER, 400)

    storm, after = names[100:200], names[240:]
    assert storm.count("turbulent") > 90
    assert after.count("calm") > 0.95 * len(after)
    assert np.nanmean(turbulent[100:200]) > 0.9


@settings(max_examples=8, deadline=None)
@given(st.integers(FIRST + 1, len(WEATHER)), st.integers(1, 60), st.floats(-50, 50))
def test_no_later_bar_changes_what_was_said(now, bars, other):
    rough = np.concatenate([WEATHER[:now], np.full(40, other)])
    then, names = regime_path(WEATHER[:now], bars)
    later, later_names = regime_path(rough, bars + 40)

    assert_array_equal(later[:-40], then)
    assert later_names[:-40] == names
    reading = read_regime(WEATHER[:now])
    assert reading.regime == names[-1]
    assert reading.turbulent == then[-1]


def test_strangers_to_regimes_have_one_normal_one():
    reading = read_regime(noise(800))

    assert (reading.regime, reading.turbulent) == ("normal", 0.0)


@pytest.mark.parametrize("returns", [noise(FIRST), np.zeros(500), np.full(500, np.nan), np.empty(0)])
def test_too_little_or_nothing_that_moves_is_unknown(returns):
    assert read_regime(returns).regime == ""
    assert collective_regime(read_regime(returns), {}) is None
    assert regime_path(returns, 10)[1] in ([""] * 10, [])


def test_missing_bars_are_skipped():
    holes = WEATHER.copy()
    holes[::7] = np.nan

    assert read_regime(holes[:515]).regime == "turbulent"


def test_the_alarm_comes_after_the_change_and_names_its_time():
    alarms = regime_changes(np.concatenate([noise(500), noise(60, 6.0, 2)]))

    assert alarms
    assert 500 <= alarms[-1].began <= alarms[-1].alarm < 540


def test_since_counts_the_bars_of_the_last_name():
    assert [since(names) for names in ([], ["a"], ["a", "b", "b"], ["a", "a"])] == [0, 1, 2, 2]


CALM = RegimeReading("calm", 0.1, "calm", 3.0)


def test_all_voices_count_alike_until_there_is_a_score():
    found = collective_regime(CALM, {"a": 0.9, "b": 0.2})

    assert found.weights == pytest.approx({"model": 1 / 3, "a": 1 / 3, "b": 1 / 3})
    assert found.regime == "calm"


def test_past_score_weighs():
    trusted = Voters({"model": 0.0, "a": 0.0, "liar": 20.0})

    assert collective_regime(CALM, {"liar": 1.0}, trusted).turbulent < 0.11
    assert collective_regime(CALM, {"liar": 1.0, "x": 1.0, "y": 1.0, "z": 1.0}).regime == "turbulent"


def test_votes_are_scored_by_what_is_known_later_and_the_newest_wait():
    truth = np.repeat([0.1, 0.9, 0.1], [400, 120, 200])
    told = [(row, {"model": 0.5, "good": truth[row], "liar": 1 - truth[row]}) for row in range(250, 720, 10)]

    voters = past_score(WEATHER, told, lag=24)
    early = past_score(WEATHER[:600], [each for each in told if each[0] < 600], lag=24)

    assert voters.losses["good"] < voters.losses["model"] < voters.losses["liar"]
    assert collective_regime(CALM, {"good": 0.0, "liar": 1.0}, voters).weights["good"] > 0.99
    assert early.losses["good"] < early.losses["liar"]
    assert past_score(WEATHER, [(719, {"a": 0.5}), (700, {"a": 0.5}), (-1, {"a": 0.5})]).losses == {}
    assert past_score(np.zeros(500), told).losses == {}


@pytest.mark.parametrize("vote", [float("nan"), 1.1, -0.1, float("inf")])
def test_a_vote_that_is_none_is_silence(vote):
    assert collective_regime(CALM, {"a": vote}) == collective_regime(CALM, {})


def test_bots_alone_can_answer_and_none_can_speak_for_the_model():
    assert collective_regime(RegimeReading(), {"a": 0.95}).regime == "turbulent"
    assert collective_regime(CALM, {"model": 1.0}) == collective_regime(CALM, {})


def test_roughness_is_a_probability_that_rises_with_the_moves():
    votes = [roughness(np.concatenate([noise(400), noise(24, size, 2)])) for size in (0.3, 1, 2, 4)]

    assert votes == sorted(votes)
    assert 0.1 < votes[1] < 0.5 < votes[3] < 1
    assert np.isnan(roughness(noise(20)))
    assert np.isnan(roughness(np.zeros(100)))
