"""What halts by itself: each trigger trips for its own reason, for its own scope, and can be switched off."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.plain_bots import a_position, a_status
from workbench.domain.desk import BotRow, Health, Totals
from workbench.domain.halts import AccountView
from workbench.domain.portfolio import Money
from workbench.orchestration.triggers import Sight, Triggers, difference
from workbench.settings import TriggerSettings

NOW = datetime(2024, 5, 1, tzinfo=UTC)
WELL = Health(True, True, True, 1.0)
DOES = ("status", "halt")


def a_row(bot_id="trend", equity=10_000.0, health=WELL, **status):
    told = a_status(bot_id, equity=Money(equity, "USD"), **status)
    return BotRow(bot_id, health, told, capabilities=DOES)


def a_sight(*rows, at_s=0.0, total=None, accounts=None, unread="", run_id="r1"):
    totals = Totals(None if total is None else Money(total, "USD"), None, None)
    return Sight(NOW + timedelta(seconds=at_s), rows, totals, accounts or {}, unread, run_id)


def scopes(trips):
    return {trip.scope: trip.rule for trip in trips}


def test_a_bots_drawdown_trips_that_bot_only():
    triggers = Triggers(TriggerSettings())
    assert triggers.feed(a_sight(a_row("a"), a_row("b"), total=20_000.0)) == []

    trips = triggers.feed(a_sight(a_row("a", 7_400.0), a_row("b"), total=17_400.0))

    assert scopes(trips) == {"a": "drawdown"}
    assert trips[0].reason == "a is 26.0% below its highest 10,000.00, at most 25%"


def test_the_desks_drawdown_trips_the_desk():
    triggers = Triggers(TriggerSettings())
    triggers.feed(a_sight(a_row("a"), a_row("b"), total=20_000.0))

    trips = triggers.feed(a_sight(a_row("a", 7_900.0), a_row("b", 7_900.0), total=15_800.0))

    assert scopes(trips) == {"desk": "drawdown"}


def test_another_run_begins_with_another_peak_and_a_new_desk_remembers_the_old_one():
    assert Triggers(TriggerSettings(), "r1", {"a": 20_000.0}).feed(a_sight(a_row("a"))) != []
    assert Triggers(TriggerSettings(), "r1", {"a": 20_000.0}).feed(a_sight(a_row("a"), run_id="r2")) == []


def test_stale_data_trips_after_a_while_and_a_fresh_look_ends_the_count():
    triggers = Triggers(TriggerSettings(stale_s=60))
    stale = a_row(health=Health(True, True, False, 99.0, reason="its newest data is 99 s old"))

    assert triggers.feed(a_sight(stale, at_s=0)) == []
    assert triggers.feed(a_sight(a_row(), at_s=50)) == []
    assert triggers.feed(a_sight(stale, at_s=60)) == []
    trips = triggers.feed(a_sight(stale, at_s=120))

    assert scopes(trips) == {"trend": "stale data"}
    assert "its newest data is 99 s old" in trips[0].reason


def test_a_venue_that_is_silent_trips_the_desk():
    triggers = Triggers(TriggerSettings(stale_s=60))
    triggers.feed(a_sight(a_row(), unread="floor cannot be read"))

    assert scopes(triggers.feed(a_sight(a_row(), at_s=61, unread="floor cannot be read"))) == {"desk": "stale data"}


def test_a_bot_and_its_venue_that_keep_differing_trip_it():
    triggers = Triggers(TriggerSettings(reconciliation_looks=3))
    shown = {"trend": AccountView("trend", {"BTC/USD": 0.5}, trades=4)}

    trips = [triggers.feed(a_sight(a_row(), a_row("b"), accounts=shown)) for _ in range(3)]

    assert trips[:2] == [[], []]
    assert scopes(trips[2]) == {"trend": "reconciliation"}
    assert "BTC/USD: it says 0, the venue 0.5" in trips[2][0].reason


def test_a_bot_that_trades_between_the_looks_is_only_late():
    triggers = Triggers(TriggerSettings(reconciliation_looks=3))

    for trades in range(10):
        shown = {"trend": AccountView("trend", {"BTC/USD": 0.5}, trades=trades)}
        assert triggers.feed(a_sight(a_row(), accounts=shown)) == []


def test_repeated_errors_trip_and_old_ones_are_forgotten():
    triggers = Triggers(TriggerSettings(errors_most=3, errors_window_s=10))
    down = a_row(health=Health(False, False, False, reason="it hangs"))

    assert [triggers.feed(a_sight(down, at_s=at)) for at in (0, 6, 12, 18)] == [[], [], [], []]
    trips = [triggers.feed(a_sight(down, a_row("b"), at_s=at)) for at in (19, 20)][-1]

    assert scopes(trips) == {"trend": "repeated errors"}


@pytest.mark.parametrize("rule", ["drawdown", "stale", "reconciliation", "errors"])
def test_each_can_be_switched_off(rule):
    settings = TriggerSettings(stale_s=1, reconciliation_looks=2, errors_most=1).model_copy(update={rule: False})
    triggers = Triggers(settings, "r1", {"loser": 20_000.0})
    looks = [
        a_row("loser"),
        a_row("old", health=Health(True, True, False)),
        a_row("liar"),
        a_row("down", health=Health(False, False, False)),
    ]
    shown = {"liar": AccountView("liar", {"BTC/USD": 0.5}, trades=4)}
    for at in (0, 1, 2):
        trips = scopes(triggers.feed(a_sight(*looks, at_s=at, accounts=shown)))

    of = {"drawdown": "loser", "stale": "old", "reconciliation": "liar", "errors": "down"}
    assert set(trips) == set(of.values()) - {of[rule]}


def test_a_fee_taken_in_coins_is_no_difference():
    row = a_row(positions=(a_position(amount=0.5),))

    assert difference(row, AccountView("trend", {"BTC/USD": 0.4995})) == ""
    assert difference(row, AccountView("trend", {"BTC/USD": 0.25})) == "BTC/USD: it says 0.5, the venue 0.25"
