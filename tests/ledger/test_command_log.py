"""Commands: once each, under the newest token, never sent again blindly."""

import threading

import pytest
from sqlalchemy import update

from tests.ledger.builders import TTL, command, event, expire, take_over
from workbench.domain.commands import CommandState
from workbench.domain.errors import LeaseLost, LedgerError
from workbench.ledger import schema


@pytest.fixture
def lease(ledger):
    return ledger.acquire("desk", "a", TTL)


def kinds(ledger):
    return [found.kind for found in ledger.read()]


def test_a_command_goes_from_pending_to_done(ledger, second, lease):
    submitted = second.submit(command("c1", "pause", bot="trend"))
    taken = ledger.take(lease)
    running = second.command("c1")
    ledger.finish(lease, "c1", True, {"paused": ["trend"]})
    done = second.command("c1")

    assert submitted.state is CommandState.PENDING
    assert taken == submitted.command == command("c1", "pause", bot="trend")
    assert (running.state, running.token) == (CommandState.RUNNING, lease.token)
    assert (done.state, done.result, done.token) == (CommandState.DONE, {"paused": ["trend"]}, lease.token)
    assert done.finished_at is not None


def test_each_step_is_an_event_a_tail_can_hear(ledger, lease):
    ledger.submit(command())
    ledger.take(lease)
    ledger.finish(lease, "c1", False, {"error": "no such bot"})

    assert kinds(ledger) == ["lease.acquired", "command.submitted", "command.taken", "command.finished"]
    assert ledger.last(1)[0].payload == {"command_id": "c1", "ok": False, "result": {"error": "no such bot"}}
    assert ledger.command("c1").state is CommandState.FAILED


def test_a_command_sent_again_changes_nothing(ledger, second, lease):
    ledger.submit(command())
    ledger.take(lease)
    ledger.finish(lease, "c1", True, {})

    again = second.submit(command())

    assert again.state is CommandState.DONE
    assert ledger.take(lease) is None
    assert kinds(ledger).count("command.submitted") == 1


def test_an_id_used_for_something_else_is_refused(ledger):
    ledger.submit(command("c1", "pause"))

    with pytest.raises(LedgerError, match="'c1' was used for 'pause'"):
        ledger.submit(command("c1", "halt"))


def test_commands_are_taken_oldest_first_and_once(ledger, lease):
    for number in range(3):
        ledger.submit(command(f"c{number}"))

    taken = [ledger.take(lease) for _ in range(4)]

    assert [one and one.command_id for one in taken] == ["c0", "c1", "c2", None]


def test_two_threads_never_take_the_same_command(ledger, second, lease):
    for number in range(20):
        ledger.submit(command(f"c{number}"))
    taken = []

    def take_all(opened):
        while one := opened.take(lease):
            taken.append(one.command_id)

    threads = [threading.Thread(target=take_all, args=(opened,)) for opened in (ledger, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(f"c{number}" for number in range(20))


def test_an_old_token_can_do_nothing(ledger, lease):
    ledger.submit(command("c1"))
    ledger.submit(command("c2"))
    ledger.take(lease)
    take_over(ledger)
    before = kinds(ledger)

    for attempt in (
        lambda: ledger.take(lease),
        lambda: ledger.finish(lease, "c1", True, {}),
        lambda: ledger.settle(lease, "c1", True, {}),
        lambda: ledger.recover(lease),
        lambda: ledger.append_fenced(lease, [event("effect")]),
        lambda: ledger.renew(lease, TTL),
        lambda: ledger.release(lease),
    ):
        with pytest.raises(LeaseLost, match="token 1 of 'a' is old: 'b' came after with token 2; stop acting"):
            attempt()

    assert kinds(ledger) == before
    assert ledger.command("c1").state is CommandState.RUNNING


@pytest.mark.parametrize("act", ["take", "append_fenced", "finish", "recover"])
def test_the_token_is_checked_in_the_transaction_that_acts(ledger, second, lease, act):
    """A new holder comes while the old one already waits for its turn to write: the last moment there is."""
    ledger.submit(command("c1"))
    ledger.submit(command("c2"))
    ledger.take(lease)
    attempts = {
        "take": lambda: ledger.take(lease),
        "append_fenced": lambda: ledger.append_fenced(lease, [event("effect")]),
        "finish": lambda: ledger.finish(lease, "c1", True, {}),
        "recover": lambda: ledger.recover(lease),
    }
    said = []

    def attempt():
        try:
            attempts[act]()
        except LeaseLost as error:
            said.append(str(error))

    with second._store.write() as connection:
        late = threading.Thread(target=attempt)
        late.start()
        late.join(0.15)
        assert late.is_alive()
        connection.execute(update(schema.leases).values(holder="b", token=lease.token + 1))
    late.join(20)

    assert "'b' came after with token 2" in said[0]
    assert ledger.event("effect") is None
    assert [one.state for one in ledger.commands()] == [CommandState.RUNNING, CommandState.PENDING]


def test_an_ended_lease_starts_nothing_but_may_tell_what_it_did(ledger, lease):
    ledger.submit(command("c1"))
    ledger.submit(command("c2"))
    ledger.take(lease)
    expire(ledger)

    for attempt in (lambda: ledger.take(lease), lambda: ledger.append_fenced(lease, [event("effect")])):
        with pytest.raises(LeaseLost, match="ended at"):
            attempt()
    ledger.finish(lease, "c1", True, {"done": 1})

    assert ledger.command("c1").state is CommandState.DONE
    assert ledger.command("c2").state is CommandState.PENDING


def test_what_a_dead_holder_left_running_is_unknown_until_settled(ledger, lease):
    for number in range(3):
        ledger.submit(command(f"c{number}"))
    ledger.take(lease)
    ledger.take(lease)

    heir = take_over(ledger)
    unknown = ledger.recover(heir)

    assert [(one.command.command_id, one.state, one.token) for one in unknown] == [
        ("c0", CommandState.UNKNOWN, 1),
        ("c1", CommandState.UNKNOWN, 1),
    ]
    assert ledger.take(heir).command_id == "c2"  # the unknown ones are not handed out again

    ledger.settle(heir, "c0", True, {"found": "paused"})
    ledger.settle(heir, "c1", False, {"found": "nothing"})
    assert [ledger.command(f"c{n}").state for n in range(3)] == ["done", "failed", "running"]
    assert ledger.recover(heir) == []


def test_recovering_twice_finds_what_is_not_settled_yet(ledger, lease):
    ledger.submit(command())
    ledger.take(lease)
    heir = take_over(ledger)
    ledger.recover(heir)

    third = take_over(ledger, "c")

    assert [one.command.command_id for one in ledger.recover(third)] == ["c1"]
    assert kinds(ledger).count("command.unknown") == 1


def test_a_command_running_under_the_present_token_is_not_unknown(ledger, lease):
    ledger.submit(command())
    ledger.take(lease)

    assert ledger.recover(lease) == []


def test_leases_of_other_names_leave_each_others_commands_alone(ledger, lease):
    ledger.submit(command())
    ledger.take(lease)
    ledger.acquire("jobs", "x", TTL)
    other = take_over(ledger, "y", "jobs")

    assert ledger.recover(other) == []
    with pytest.raises(LedgerError, match="is running"):
        ledger.finish(other, "c1", True, {})


def test_the_same_outcome_may_be_told_twice_another_may_not(ledger, lease):
    ledger.submit(command())
    ledger.take(lease)
    ledger.finish(lease, "c1", True, {"n": 1})

    ledger.finish(lease, "c1", True, {"n": 1})

    with pytest.raises(LedgerError, match="'c1' is done, not running"):
        ledger.finish(lease, "c1", False, {})
    assert kinds(ledger).count("command.finished") == 1


def test_a_pending_command_cannot_be_finished_nor_settled(ledger, lease):
    ledger.submit(command())

    with pytest.raises(LedgerError, match="is pending, not running"):
        ledger.finish(lease, "c1", True, {})
    with pytest.raises(LedgerError, match="is pending, not unknown"):
        ledger.settle(lease, "c1", True, {})
    with pytest.raises(LedgerError, match="no command has the id 'c9'"):
        ledger.finish(lease, "c9", True, {})


def test_fenced_events_are_recorded_with_their_numbers(ledger, lease):
    numbered = ledger.append_fenced(lease, [event("effect-1"), event("effect-2")])

    assert numbered == ledger.last(2)
    assert ledger.append_fenced(lease, [event("effect-1")]) == numbered[:1]
    assert ledger.append_fenced(lease, []) == []


def test_commands_can_be_listed_by_state(ledger, lease):
    for number in range(3):
        ledger.submit(command(f"c{number}"))
    ledger.take(lease)

    assert [one.command.command_id for one in ledger.commands()] == ["c0", "c1", "c2"]
    assert [one.command.command_id for one in ledger.commands(CommandState.PENDING)] == ["c1", "c2"]
    assert [one.command.command_id for one in ledger.commands(limit=1)] == ["c2"]


@pytest.mark.parametrize("args", [{"size": float("nan")}, {"password": "x"}, {"when": object()}])
def test_args_and_results_are_plain_json_without_secrets(ledger, lease, args):
    with pytest.raises(LedgerError, match=r"args of command 'c1'\."):
        ledger.submit(command(**args))
    ledger.submit(command("c2"))
    ledger.take(lease)
    with pytest.raises(LedgerError, match=r"result of command 'c2'\."):
        ledger.finish(lease, "c2", True, args)
    assert ledger.command("c1") is None


def test_nobody_without_a_lease_takes_anything(ledger):
    from workbench.domain.commands import Lease

    ledger.submit(command())
    forged = Lease("desk", "intruder", 1, command().issued_at)

    with pytest.raises(LeaseLost, match="nobody holds it"):
        ledger.take(forged)
