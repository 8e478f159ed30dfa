"""Live, ready, fresh: three answers from evidence, none from the bot's own state."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.plain_bots import a_status
from workbench.domain.desk import MarketClock
from workbench.domain.portfolio import BotState, MoneyMode
from workbench.orchestration.health import Pulse, Yardstick, judge

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_pulse(answered_s=1.0, error="", **status):
    told = a_status(**{"data_at": NOW - timedelta(seconds=1), **status})
    return Pulse(told, NOW - timedelta(seconds=answered_s), NOW - timedelta(seconds=answered_s), 3.0, error)


def a_yardstick(bar_s=1800.0, speed=900.0, **clock):
    told = {"mode": MoneyMode.REPLAY, "market_time": NOW, "speed": speed, "paused": False, "run_id": "r"}
    market = MarketClock(**{**told, "source": "sample", "timeframe": "30m", **clock})
    return Yardstick(NOW, bar_s, 15.0, market)


def test_all_three():
    health = judge(a_pulse(), a_yardstick())

    assert (health.ok, health.word, health.reason) == (True, "healthy", "")
    assert (health.data_age_s, health.latency_ms) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("bar_s", "speed", "limit_s"), [(1800, 900, 10), (1800, 60, 75), (60, 1, 150), (1800, 1, 4500), (86400, 1e6, 10)]
)
def test_data_turns_stale_within_three_bars_of_wall_time_and_never_before_ten_seconds(bar_s, speed, limit_s):
    yardstick = a_yardstick(bar_s, speed)

    young = judge(a_pulse(data_at=NOW - timedelta(seconds=limit_s - 0.1)), yardstick)
    old = judge(a_pulse(data_at=NOW - timedelta(seconds=limit_s + 0.1)), yardstick)

    assert young.word == "healthy"
    assert old.word == "stale"
    assert f"stale after {limit_s:,.0f} s" in old.reason


def test_a_running_state_is_no_evidence():
    health = judge(a_pulse(state=BotState.RUNNING, data_at=NOW - timedelta(hours=2)), a_yardstick())

    assert health.word == "stale"


def test_a_paused_bot_with_fresh_data_is_healthy():
    assert judge(a_pulse(state=BotState.PAUSED), a_yardstick()).ok


@pytest.mark.parametrize(
    ("pulse", "word", "reason"),
    [
        (Pulse(), "down", "not asked yet"),
        (Pulse(asked_at=NOW), "down", "it has not answered yet"),
        (a_pulse(error="no answer within 3 s"), "down", "no answer within 3 s"),
        (a_pulse(answered_s=60), "down", "last heard 60 s ago"),
        (a_pulse(ready=False, detail="warming up: 40 of 200 bars"), "not ready", "warming up: 40 of 200 bars"),
        (a_pulse(ready=False), "not ready", "it says it is not ready"),
        (a_pulse(data_at=None), "stale", "no market data yet"),
        (a_pulse(data_at=NOW + timedelta(minutes=5)), "stale", "ahead of this machine's clock"),
        (Pulse(None, NOW, NOW), "not ready", "does not report a status"),
    ],
)
def test_what_is_wrong_is_said(pulse, word, reason):
    health = judge(pulse, a_yardstick())

    assert (health.word, health.ok) == (word, False)
    assert reason in health.reason


@pytest.mark.parametrize("still", [{"paused": True}, {"ended": True}])
def test_while_the_market_stands_still_the_last_bars_are_fresh(still):
    old = {"data_at": NOW - timedelta(hours=1)}

    holding = judge(a_pulse(**old, market_time=NOW - timedelta(minutes=30)), a_yardstick(**still))
    behind = judge(a_pulse(**old, market_time=NOW - timedelta(hours=5)), a_yardstick(**still))

    assert holding.fresh
    assert not behind.fresh


def test_without_a_venue_bars_are_held_against_the_wall_clock():
    yardstick = Yardstick(NOW, 60.0, 15.0, None)

    assert judge(a_pulse(data_at=NOW - timedelta(seconds=149)), yardstick).fresh
    assert not judge(a_pulse(data_at=NOW - timedelta(seconds=151)), yardstick).fresh
