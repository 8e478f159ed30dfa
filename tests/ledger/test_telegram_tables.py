"""The journal of updates, the people, and what each reader wants to hear."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from workbench.domain.errors import LedgerError
from workbench.domain.telling import Severity
from workbench.ledger.alert_choices import AlertChoices
from workbench.ledger.live_messages import LiveMessage
from workbench.ledger.telegram_people import Standing

BOT = 99


def body(text="/bots"):
    return {"text": text, "chat": -1001, "person": 1}


def test_an_update_is_received_once_whoever_delivers_it(ledger, second):
    journal, other = ledger.telegram(BOT), second.telegram(BOT)

    assert journal.receive({7: body(), 8: body("/x")}) == [7, 8]
    assert other.receive({8: body(), 9: body("/y")}) == [9]
    assert [each.update_id for each in journal.open()] == [7, 8, 9]


def test_an_update_begins_once_and_is_known_after_its_end(ledger, second):
    journal, other = ledger.telegram(BOT), second.telegram(BOT)
    journal.receive({7: body()})

    assert journal.begin(7)
    assert not other.begin(7)
    assert [each.begun for each in other.open()] == [True]
    other.finish(7, "done")
    assert journal.open() == []
    assert journal.outcome(7) == "done"
    assert journal.receive({7: body()}) == []
    assert not journal.begin(8)


def test_each_bot_has_ids_of_its_own(ledger):
    ledger.telegram(BOT).receive({7: body()})

    assert ledger.telegram(100).receive({7: body()}) == [7]


def test_ids_are_remembered_one_by_one_for_they_start_anew(ledger):
    journal = ledger.telegram(BOT)
    journal.receive({900: body()})

    assert journal.receive({5: body()}) == [5]


def test_old_ids_are_forgotten_but_not_what_is_open(ledger):
    journal = ledger.telegram(BOT)
    journal.receive({7: body(), 8: body()})
    journal.finish(7, "done")

    assert journal.prune() == 0
    assert journal.prune(timedelta(seconds=-5)) == 1
    assert [each.update_id for each in journal.open()] == [8]


def test_marks_are_numbers_by_name(ledger):
    journal = ledger.telegram(BOT)

    assert journal.mark("told") is None
    journal.set_mark("told", 5)
    journal.set_mark("told", 6)
    assert journal.mark("told") == 6


def test_people_wait_until_an_admin_decides(ledger, second):
    people = ledger.people
    assert people.get(5) is None

    assert people.ask(5, "Eve <b>").standing is Standing.PENDING
    people.decide(5, Standing.OPERATOR, "ann")
    people.ask(5, "Eve again")

    assert second.people.get(5).standing is Standing.OPERATOR
    assert second.people.get(5).name == "Eve <b>"
    people.remove(5, "ann")
    assert people.all() == []
    told = [(event.kind, event.payload["words"]) for event in ledger.last()]
    assert [kind for kind, _ in told] == ["AccessAsked", "AccessChanged", "AccessChanged"]
    assert "Eve <b> (5) is operator now, by ann" in told[1][1]


def test_who_never_asked_cannot_be_let_in(ledger):
    with pytest.raises(LedgerError, match="nobody with the number 5"):
        ledger.people.decide(5, Standing.ADMIN, "ann")


def test_strangers_cannot_fill_the_ledger(ledger):
    for person in range(50):
        ledger.people.ask(person, "x")

    with pytest.raises(LedgerError, match="wait for an admin"):
        ledger.people.ask(1000, "x")


def test_choices_are_kept_by_reader(ledger, second):
    usual = AlertChoices(quiet="22:00-07:00")
    assert ledger.alerts.get("1", usual) == usual

    ledger.alerts.set("1", off=("jobs", "jobs"), quiet="23:00-06:30")
    second.alerts.set("1", least=Severity.WARNING)

    assert ledger.alerts.get("1") == AlertChoices(("jobs",), "23:00-06:30", Severity.WARNING)
    with pytest.raises(LedgerError, match="quiet hours are written"):
        ledger.alerts.set("1", quiet="late")
    assert ledger.alerts.get("1").quiet == "23:00-06:30"


@pytest.mark.parametrize(
    ("clock", "quiet"), [("21:59", False), ("22:00", True), ("23:30", True), ("06:59", True), ("07:00", False)]
)
def test_quiet_hours_pass_midnight_in_the_readers_zone(clock, quiet):
    zone = ZoneInfo("Europe/Berlin")
    local = datetime.fromisoformat(f"2026-07-01T{clock}").replace(tzinfo=zone)

    assert AlertChoices(quiet="22:00-07:00").is_quiet(local.astimezone(UTC), zone) is quiet
    assert not AlertChoices(quiet="08:00-09:00").is_quiet(local.astimezone(UTC), zone)
    assert not AlertChoices().is_quiet(local.astimezone(UTC), zone)


@pytest.mark.parametrize("text", ["22:00", "22:00-22:00", "25:00-07:00", "a-b", "", "22:00-07:00+02:00"])
def test_hours_that_are_none(ledger, text):
    if text:
        with pytest.raises(LedgerError):
            ledger.alerts.set("1", quiet=text)


def test_critical_is_always_told():
    choices = AlertChoices(off=("halt",), least=Severity.CRITICAL)

    assert choices.wants("halt", Severity.CRITICAL)
    assert not choices.wants("bots", Severity.WARNING)


def test_a_live_message_has_one_editor_the_newest_and_lasts_until_it_ends(ledger, second):
    message = LiveMessage(-1001, 5, 2, 7, "/stream BTC/USD 30m", datetime(2026, 7, 1, tzinfo=UTC), 41)
    old, new = ledger.live_messages(BOT, "one"), second.live_messages(BOT, "two")
    old.begin(message)

    assert old.begun(7)
    assert not old.begun(8)
    assert old.held(message)
    assert new.take() == [message]
    assert not old.held(message)
    assert not old.end(message)
    assert new.end(message)
    assert not new.held(message)
    assert not new.begun(7)
    assert ledger.live_messages(BOT + 1, "three").take() == []
