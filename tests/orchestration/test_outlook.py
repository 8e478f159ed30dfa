"""A change of the outlook is told once: the regime's as it changes, the forecast's as it leans the other way."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.events import Event
from workbench.domain.forecasts import Forecast, forecast_json
from workbench.domain.market import Timeframe
from workbench.domain.outlook import FORECAST_TURNED, LEANS, REGIME_CHANGED
from workbench.ledger.log import open_ledger
from workbench.orchestration.alerts import KINDS, PICTURED, TOPICS, alert_of
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.event_words import SHOWN
from workbench.orchestration.outlook_desk import OutlookDesk
from workbench.orchestration.outlook_watch import FORECAST_TOLD, REGIME_TOLD, OutlookWatch

START, HOUR = datetime(2018, 3, 1, tzinfo=UTC), Timeframe.parse("1h")


def regime(bar, name, run="r", **more):
    at = (START + bar * HOUR.step).isoformat()
    market = {"run_id": run, "symbol": "BTC/USD", "timeframe": "1h", "as_of": at}
    return {**market, "regime": name, "turbulent": 0.9 if name == "turbulent" else 0.1, **more}


def forecast(bar, rise, symbol="BTC/USD"):
    """A fan whose probability of a rise is `rise`."""
    levels = tuple(sorted({0.05, round(1 - rise, 6), 0.95}))
    values = tuple(100 + 20 * (level - (1 - rise)) for level in levels)
    seen_at = START + bar * HOUR.step
    said = Forecast("collective", symbol, HOUR, 24, levels, values, 100.0, seen_at)
    return {"run_id": "r", **forecast_json(said)}


def told(kind, data, user=""):
    return Event(1, kind, "desk", {"user": user, "data": data}, "e", datetime.now(UTC))


@given(st.lists(st.sampled_from(["calm", "turbulent"]), max_size=30))
def test_regimes_are_told_as_often_as_they_change(names):
    watch = OutlookWatch()

    found = [watch.feed(told(REGIME_TOLD, regime(bar, name))) for bar, name in enumerate(names)]

    changes = [change.payload["regime"] for change in found if change]
    assert changes == [b for a, b in pairwise(names) if a != b]
    assert len({change.event_id for change in found if change}) == len(changes)


@given(st.lists(st.floats(0.1, 0.9), max_size=40))
def test_a_forecast_turns_only_from_one_side_to_the_other(rises):
    watch, sides = OutlookWatch(), []

    for bar, rise in enumerate(rises):
        change = watch.feed(told(FORECAST_TOLD, forecast(bar, rise)))
        leant = "up" if rise >= LEANS + 1e-6 else "down" if rise <= 1 - LEANS - 1e-6 else None
        if change:
            sides.append(change.payload["side"])
            assert leant in (change.payload["side"], None)

    assert all(a != b for a, b in pairwise(sides))


def test_runs_markets_and_users_are_apart():
    watch = OutlookWatch()
    watch.feed(told(REGIME_TOLD, regime(0, "calm")))

    assert watch.feed(told(REGIME_TOLD, regime(1, "turbulent", run="other"))) is None
    assert watch.feed(told(REGIME_TOLD, regime(1, "turbulent", timeframe="4h"))) is None
    assert watch.feed(told(REGIME_TOLD, regime(1, "turbulent"), user="ada")) is None
    assert watch.feed(told(REGIME_TOLD, regime(1, "turbulent"))) is not None


@pytest.fixture
def ledger(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


async def heard(ledger, count):
    async with asyncio.timeout(60):
        while len(found := ledger.read(kinds=[REGIME_CHANGED, FORECAST_TURNED])) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def test_a_desk_tells_each_change_once_and_the_next_one_goes_on(ledger):
    sync = DataSync(ledger)
    await sync.publish("regimes", regime(0, "calm"))
    await sync.publish("regimes", regime(1, "turbulent"))
    first = OutlookDesk(ledger)
    first.start()
    await heard(ledger, 1)
    await first.stop()
    second = OutlookDesk(ledger)
    second.start()
    await sync.publish("regimes", regime(2, "turbulent"))
    for bar, rise in ((3, 0.7), (4, 0.5), (5, 0.3)):
        await sync.publish("forecasts", forecast(bar, rise))
    regime_change, turn = await heard(ledger, 2)
    await second.stop()
    await sync.stop()

    assert regime_change.payload["words"] == "BTC/USD 1h is turbulent now, 90% turbulent; was calm"
    assert "turned down: 70% for a fall" in turn.payload["words"]
    assert [alert_of(event).topic for event in (regime_change, turn)] == ["regimes", "forecasts"]


def test_pictured_events_are_alerts_with_a_switch_of_their_own():
    for kind in PICTURED:
        assert kind in KINDS
        assert kind in SHOWN
        event = Event(1, kind, "x", {"words": "so it is"}, "e", START)
        assert alert_of(event).topic in TOPICS
