"""A closed bar is taken once, of each length by itself; not where the market races, nor where it stands still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.desk import MarketClock
from workbench.domain.portfolio import MoneyMode
from workbench.orchestration.bar_rounds import PLAYABLE, BarTurn

MARKET = MarketClock(MoneyMode.REPLAY, datetime(2024, 5, 1, tzinfo=UTC), 60.0, False, "r", "venue", "1h")


def later(minutes):
    return replace(MARKET, market_time=MARKET.market_time + timedelta(minutes=minutes))


@given(steps=st.lists(st.integers(0, 300), max_size=40))
def test_each_bar_of_each_length_is_taken_once(steps):
    turn, minutes, taken = BarTurn(), 0, {"": [], "4h": []}

    for step in steps:
        minutes += step
        for length, bars in taken.items():
            if turn.take(later(minutes), length):
                bars.append(minutes // (240 if length else 60))
            assert not turn.take(later(minutes), length)

    passed = [sum(steps[: n + 1]) for n in range(len(steps))]
    assert taken[""] == sorted({at // 60 for at in passed})
    assert taken["4h"] == sorted({at // 240 for at in passed})


def test_the_markets_own_length_is_that_length():
    turn = BarTurn()

    assert turn.take(MARKET)
    assert not turn.take(MARKET, "1h")


def test_bars_that_come_sooner_than_anybody_is_asked_are_left_out():
    turn = BarTurn(every_s=3600.0)

    assert turn.take(MARKET)
    assert not turn.take(later(60))
    assert turn.take(later(60), "4h")


@pytest.mark.parametrize("still", [{"paused": True}, {"ended": True}])
def test_a_market_that_stands_still_has_no_turn_but_for_who_looks_back(still):
    market, turn = replace(MARKET, **still), BarTurn()

    assert not turn.take(market)
    assert turn.take(MARKET)  # it moves on: the bar was not spent
    looking_back = BarTurn(standing=True)
    assert looking_back.take(market)
    assert not looking_back.take(market)


@pytest.mark.parametrize("standing", [False, True])
def test_a_market_that_races_has_no_turn(standing):
    turn = BarTurn(standing=standing)

    assert not turn.take(replace(MARKET, speed=PLAYABLE * 1.01))
    assert turn.take(replace(MARKET, speed=PLAYABLE))
