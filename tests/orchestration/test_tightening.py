"""Limits that tighten: whose, why, written down; what is not known tightens fully."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.market import Timeframe
from workbench.orchestration.risk_assembly import Markets
from workbench.orchestration.tightening import UNKNOWN, Tightening, Weather, weather

FINE = Weather(0.9, "normal", 0.2)


def markets(returns):
    names = tuple(f"C{i}/USD" for i in range(returns.shape[1]))
    return Markets(names, returns, Timeframe.parse("30m"))


def noise(bars=1000, n=4, size=0.004, seed=1):
    return np.random.default_rng(seed).standard_normal((bars, n)) * size


def test_a_quiet_market_of_strangers_tightens_nothing():
    seen = weather(markets(noise()))
    assert seen.regime == "normal"
    assert 0.5 < seen.volatility < 1.6
    assert abs(seen.correlation) < 0.1


def test_a_storm_is_seen_as_one():
    calm, storm = noise(900), noise(100, size=0.02, seed=2)
    seen = weather(markets(np.vstack((calm, storm))))
    assert seen.regime == "turbulent"
    assert seen.volatility > 3


@pytest.mark.parametrize("returns", [noise(100), np.zeros((1000, 3))])
def test_too_little_or_nothing_that_moves_is_unknown(returns):
    assert weather(markets(returns)).regime == ""


@given(cut=st.integers(300, 999))
@settings(max_examples=20, deadline=None)
def test_the_weather_at_a_bar_does_not_know_later_ones(cut):
    returns = noise()
    assert weather(markets(returns[:cut])) == weather(markets(np.vstack((returns[:cut], noise(50, seed=9)))[:cut]))


async def test_a_change_is_an_event_with_its_reason_and_no_change_is_none(ledger):
    tightening = Tightening(ledger)
    await tightening.step(FINE, {"desk": 0.0, "a": 0.0})
    assert not ledger.last(10, kinds=["LimitsChanged"])

    await tightening.step(FINE, {"desk": 0.06, "a": 0.12})
    (desk, a) = sorted(ledger.last(10, kinds=["LimitsChanged"]), key=lambda e: e.source, reverse=True)
    assert (desk.payload["factor"], a.payload["factor"]) == (0.75, 0.5)
    assert "drawdown 12.0%" in a.payload["why"]

    await tightening.step(FINE, {"desk": 0.06, "a": 0.12})
    assert len(ledger.last(10, kinds=["LimitsChanged"])) == 2


@given(losses=st.floats(0, 1), mine=st.floats(0, 0.5))
@settings(max_examples=50, deadline=None)
def test_one_bot_s_losses_never_move_another_s_limits(losses, mine):
    tightening = Tightening(None)
    fine, other = (tightening._one("a", FINE, mine), tightening._one("b", FINE, losses))
    assert tightening._one("a", FINE, mine) == fine
    assert other.factor <= 1


async def test_what_is_not_known_allows_nothing(ledger):
    found = await Tightening(ledger).step(UNKNOWN, {"desk": 0.0, "a": 0.0})
    assert {each.factor for each in found.values()} == {0.0}


async def test_a_rung_is_left_only_after_recovering(ledger):
    tightening = Tightening(ledger)
    factors = [(await tightening.step(FINE, {"a": fall}))["a"].factor for fall in (0.04, 0.055, 0.045, 0.031, 0.029)]
    assert factors == [1.0, 0.75, 0.75, 0.75, 1.0]
