"""Runs of scheduled notebooks: one for each due time, never two at once, and none that ends in silence."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.builders import AT, TTL, expire
from workbench.domain.errors import LeaseLost, LedgerError
from workbench.domain.jobs import Fault, Origin, Outcome, RunState
from workbench.ledger.job_runs import RUN_BEGAN, RUN_ENDED, lease_name

HOUR = timedelta(hours=1)
DONE = Outcome(RunState.DONE, figures=(("P&L", "+12.00 USD"),), report="reports/brief/1")


def lease_of(ledger, job="brief", holder="desk-1"):
    return ledger.acquire(lease_name(job), holder, TTL)


def test_a_run_begins_and_ends_with_what_it_said(ledger, second):
    lease = lease_of(ledger)

    began = ledger.job_runs.begin(lease, "brief", AT, Origin.SCHEDULE)
    ended = ledger.job_runs.end(lease, "brief", AT, DONE)

    assert (began.state, ended.state, ended.figures) == (RunState.RUNNING, RunState.DONE, (("P&L", "+12.00 USD"),))
    assert second.job_runs.get("brief", AT) == ended
    assert second.job_runs.last() == [ended]
    kinds = [event.kind for event in ledger.read(kinds=[RUN_BEGAN, RUN_ENDED])]
    assert kinds == [RUN_BEGAN, RUN_ENDED]


def test_a_due_time_has_one_run_whoever_looks(ledger, second):
    lease = lease_of(ledger)
    ledger.job_runs.begin(lease, "brief", AT, Origin.SCHEDULE)
    ledger.job_runs.end(lease, "brief", AT, DONE)
    ledger.release(lease)

    again = lease_of(second, holder="desk-2")

    assert second.job_runs.begin(again, "brief", AT, Origin.CAUGHT_UP) is None
    assert second.job_runs.known("brief", [AT, AT + HOUR]) == {AT}
    assert (
        second.job_runs.refuse("brief", AT, Origin.SCHEDULE, "desk-2", Outcome(RunState.REFUSED)).state == RunState.DONE
    )


def test_who_holds_no_lease_runs_nothing(ledger):
    lease = lease_of(ledger)
    expire(ledger, lease_name("brief"))

    with pytest.raises(LeaseLost):
        ledger.job_runs.begin(lease, "brief", AT, Origin.SCHEDULE)
    assert ledger.job_runs.last() == []


def test_a_run_whose_holder_is_gone_ends_as_lost(ledger, second):
    ledger.job_runs.begin(lease_of(ledger), "brief", AT, Origin.SCHEDULE)

    assert second.job_runs.bury(["brief"]) == []
    expire(ledger, lease_name("brief"))
    (lost,) = second.job_runs.bury(["brief"])

    assert (lost.state, "is gone" in lost.fault.error) == (RunState.LOST, True)
    assert second.job_runs.bury(["brief"]) == []


def test_the_next_run_buries_one_that_was_lost(ledger, second):
    ledger.job_runs.begin(lease_of(ledger), "brief", AT, Origin.SCHEDULE)
    expire(ledger, lease_name("brief"))

    lease = lease_of(second, holder="desk-2")
    second.job_runs.begin(lease, "brief", AT + HOUR, Origin.SCHEDULE)

    states = {run.due: run.state for run in second.job_runs.last()}
    assert states == {AT: RunState.LOST, AT + HOUR: RunState.RUNNING}


def test_a_refusal_is_a_row_and_an_event(ledger):
    outcome = Outcome(RunState.REFUSED, Fault("the run before is not over"))

    run = ledger.job_runs.refuse("brief", AT, Origin.SCHEDULE, "desk-1", outcome)

    assert run.state == RunState.REFUSED
    assert ledger.read()[-1].payload["words"] == "brief refused: the run before is not over"


def test_what_does_not_run_cannot_end(ledger):
    with pytest.raises(LedgerError, match="does not run; it is not known"):
        ledger.job_runs.end(lease_of(ledger), "brief", AT, DONE)


def test_what_is_decided_may_be_set_back(ledger, second):
    assert ledger.job_runs.decided_until("brief") is None

    ledger.job_runs.decide("brief", AT)
    ledger.job_runs.decide("brief", AT - HOUR)

    assert second.job_runs.decided_until("brief") == AT - HOUR


ACTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from(["run", "crash"])), max_size=12)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_whatever_crashes_each_due_time_runs_at_most_once_and_never_beside_another(ledger, acts):
    job, began = f"job-{len(ledger.job_runs.last(10_000))}", []
    for holder, hour, how in acts:
        lease = lease_of(ledger, job, holder)
        run = ledger.job_runs.begin(lease, job, AT + hour * HOUR, Origin.SCHEDULE)
        began += [run.due] if run else []
        running = [one for one in ledger.job_runs.last(100, job) if one.state is RunState.RUNNING]
        assert len(running) == (run is not None)
        if how == "crash":
            expire(ledger, lease_name(job))
        else:
            if run:
                ledger.job_runs.end(lease, job, run.due, DONE)
            ledger.release(lease)

    assert len(began) == len(set(began))
