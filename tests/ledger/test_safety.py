"""Trading states, halts, releases and reserved exposure, on both databases."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import Finding, Halt, HaltStep, Outcome
from workbench.ledger import schema

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def a_halt(halt_id="h1", *scopes):
    return Halt(halt_id, scopes or ("desk",), "typed /halt", "ada", NOW)


def test_a_halt_latches_its_scopes_and_tells_why(ledger, second):
    begun = ledger.halts.begin(a_halt("h1", "trend", "@spot"))

    assert begun.step is HaltStep.LATCHED
    held = second.states.all()
    assert {scope: standing.state for scope, standing in held.items()} == {
        "trend": DeskState.HALTED,
        "@spot": DeskState.HALTED,
    }
    assert held["trend"].halt_id == "h1"
    assert [e.kind for e in second.read()][-1] == "HaltBegan"
    assert second.halts.open() == [begun]


def test_a_hundred_repeats_are_one_halt(ledger, second):
    first = ledger.halts.begin(a_halt("h0"))

    repeats = {(ledger, second)[n % 2].halts.begin(a_halt(f"h{n}", "desk")).halt_id for n in range(1, 100)}
    narrower = second.halts.begin(a_halt("other", "trend"))

    assert repeats == {first.halt_id}
    assert narrower.halt_id == first.halt_id
    assert len(ledger.read(kinds=["HaltBegan"])) == 1


def test_a_step_or_a_round_never_goes_back(ledger):
    ledger.halts.begin(a_halt())
    ledger.halts.advance("h1", HaltStep.WATCHING, NOW)
    ledger.halts.next_round("h1", 3)

    woken = ledger.halts.advance("h1", HaltStep.STOPPING)
    ledger.halts.next_round("h1", 1)

    assert woken.step is HaltStep.WATCHING
    assert ledger.halts.get("h1").round == 3
    assert ledger.halts.get("h1").watch_until == NOW


def test_findings_are_kept_by_bot(ledger, second):
    ledger.halts.begin(a_halt())
    ledger.halts.record("h1", [Finding("a", Outcome.SILENT, "no answer"), Finding("b", Outcome.CONFIRMED)])

    second.halts.record("h1", [Finding("a", Outcome.LIES, "says flat", ("0.5 BTC/USD",), 2)])

    found = ledger.halts.findings("h1")
    assert found["a"].outcome is Outcome.LIES
    assert found["a"].left == ("0.5 BTC/USD",)
    assert found["b"].confirmed


def test_states_only_get_more_severe(ledger):
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown", "triggers")

    again = ledger.states.tighten("trend", DeskState.REDUCING, "limits", "supervisor")

    assert again.state is DeskState.HALTED
    assert not ledger.states.ease("trend", "supervisor")


def test_reducing_is_eased_by_whoever_set_it_only(ledger):
    ledger.states.tighten("trend", DeskState.REDUCING, "limits", "supervisor")

    assert not ledger.states.ease("trend", "somebody")
    assert ledger.states.ease("trend", "supervisor")
    assert ledger.states.all() == {}


def test_a_release_needs_the_code_given_to_the_same_person_for_the_same_scope(ledger, second):
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown", "triggers")
    ledger.states.tighten("desk", DeskState.HALTED, "typed", "ada")
    code = ledger.states.offer_release("trend", "ada")

    for scope, given, by in (("desk", code, "ada"), ("trend", "aaaaaa", "ada"), ("trend", code, "bob")):
        with pytest.raises(LedgerError, match="that code is wrong"):
            second.states.release(scope, given, by)
    released = second.states.release("trend", code.upper(), "ada")

    assert released.state is DeskState.HALTED
    assert set(ledger.states.all()) == {"desk"}


def test_a_code_works_once(ledger):
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown", "triggers")
    code = ledger.states.offer_release("trend", "ada")
    ledger.states.release("trend", code, "ada")
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown again", "triggers")

    with pytest.raises(LedgerError, match="used"):
        ledger.states.release("trend", code, "ada")


def test_a_code_lives_a_minute(ledger):
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown", "triggers")
    code = ledger.states.offer_release("trend", "ada")
    with ledger._store.write() as connection:
        connection.execute(update(schema.release_codes).values(expires_at=ledger._store.now(connection)))

    with pytest.raises(LedgerError, match="older than 60 s"):
        ledger.states.release("trend", code, "ada")


def test_the_code_itself_is_nowhere_in_the_ledger(ledger):
    ledger.states.tighten("trend", DeskState.HALTED, "drawdown", "triggers")
    code = ledger.states.offer_release("trend", "ada")

    with ledger._store.read() as connection:
        rows = connection.execute(schema.release_codes.select()).all()
    assert code not in str(rows) + str(ledger.read())


def test_a_halt_that_still_stops_bots_cannot_be_released(ledger):
    ledger.halts.begin(a_halt())
    ledger.halts.advance("h1", HaltStep.STOPPING)
    code = ledger.states.offer_release("desk", "ada")

    with pytest.raises(LedgerError, match="still stopping"):
        ledger.states.release("desk", code, "ada")
    ledger.halts.advance("h1", HaltStep.WATCHING, NOW)
    ledger.states.release("desk", code, "ada")

    assert ledger.halts.get("h1").step is HaltStep.RELEASED
    assert ledger.halts.open() == []


def test_reserved_room_is_all_or_none(ledger, second):
    ledger.exposure.set_cap("desk", 100.0)
    ledger.exposure.set_cap("trend", 50.0)

    assert ledger.exposure.reserve("i1", {"desk": 40.0, "trend": 40.0}) == ""
    assert second.exposure.reserve("i2", {"desk": 20.0, "trend": 20.0}) == "trend"
    assert second.exposure.reserve("i1", {"desk": 40.0, "trend": 40.0}) == ""

    assert second.exposure.usage() == {"desk": (0.0, 40.0, 100.0), "trend": (0.0, 40.0, 50.0)}


def test_what_has_no_cap_allows_nothing(ledger):
    assert ledger.exposure.reserve("i1", {"desk": 1.0}) == "desk"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_value_that_is_no_amount_is_refused(ledger, value):
    ledger.exposure.set_cap("desk", 100.0)

    with pytest.raises(LedgerError):
        ledger.exposure.reserve("i1", {"desk": value})
    assert ledger.exposure.usage()["desk"] == (0.0, 0.0, 100.0)


def test_given_back_room_is_room_again_and_what_filled_is_held(ledger):
    ledger.exposure.set_cap("desk", 100.0)
    ledger.exposure.reserve("i1", {"desk": 60.0})

    ledger.exposure.give_back("i1", {"desk": 25.0})
    ledger.exposure.give_back("i1", {"desk": 25.0})

    assert ledger.exposure.usage()["desk"] == (25.0, 0.0, 100.0)
    ledger.exposure.reserve("i2", {"desk": 10.0})
    ledger.exposure.reconcile({"desk": 30.0})
    assert ledger.exposure.usage()["desk"] == (30.0, 10.0, 100.0)


def test_askers_at_once_never_pass_the_cap(ledger):
    ledger.exposure.set_cap("desk", 50.0)
    yes = []

    def ask(who):
        for n in range(20):
            yes.extend([1] * (ledger.exposure.reserve(f"{who}-{n}", {"desk": 1.0}) == ""))

    crew = [threading.Thread(target=ask, args=(who,)) for who in range(4)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()

    assert sum(yes) == 50
    assert ledger.exposure.usage()["desk"] == (0.0, 50.0, 50.0)
