"""Scheduled runs: the one truth about which run of which due time happened.

The key is (job, due): however many processes look, whatever their clocks do, a due time has at most one run. A run that
begins shows its lease, so that two of one job never overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select, update
from sqlalchemy.engine import Connection

from workbench.domain.commands import Lease
from workbench.domain.errors import LedgerError
from workbench.domain.jobs import Fault, JobRun, Origin, Outcome, RunState
from workbench.ledger import payload, schema
from workbench.ledger.events import note
from workbench.ledger.lease import confirm
from workbench.ledger.store import Store, upsert

RUN_BEGAN, RUN_ENDED = "RunBegan", "RunEnded"
_runs, _marks, _leases = schema.job_runs, schema.job_marks, schema.leases


def lease_name(job: str) -> str:
    """Who holds this lease runs `job` now."""
    return f"job:{job}"


class JobRunTable:
    """Each change is an event too (RunBegan, RunEnded), in the same transaction, and waits for the disk."""

    def __init__(self, store: Store):
        self._store = store

    def begin(self, lease: Lease, job: str, due: datetime, origin: Origin, skipped: int = 0) -> JobRun | None:
        """Claim the run of `due`; None where it was claimed before. A run of this job left over from a holder that is
        gone ends as LOST. Raises LeaseLost."""
        with self._store.write() as connection:
            confirm(connection, lease, self._store)
            self._bury(connection, job, lease.token)
            if _row(connection, job, due) is not None:
                return None
            now = self._store.now(connection)
            run = JobRun(payload.name(job, "job"), _utc(due), origin, RunState.RUNNING, now, None, skipped)
            self._insert(connection, run, lease.holder, lease.token)
            facts = {"job": job, "due": _iso(due), "origin": origin.value, "words": f"{job} began"}
            note(connection, RUN_BEGAN, "jobs", _event_id("began", job, due), now, **facts)
            return _run(_found(connection, job, due))

    def end(self, lease: Lease, job: str, due: datetime, outcome: Outcome) -> JobRun:
        """Write down how it ended. Raises LeaseLost, LedgerError where it does not run."""
        with self._store.write() as connection:
            confirm(connection, lease)
            if (row := _row(connection, job, due)) is None or row.state != RunState.RUNNING:
                raise LedgerError(f"{job} of {_iso(due)} does not run; it is {row.state if row else 'not known'}")
            return self._end(connection, job, row.due, outcome)

    def refuse(self, job: str, due: datetime, origin: Origin, by: str, outcome: Outcome, skipped: int = 0) -> JobRun:
        """Write down a run that never began (the one before was not over, or it cannot be started). Where `due` is
        known already that row stays and comes back."""
        with self._store.write() as connection:
            if (row := _row(connection, job, due)) is not None:
                return _run(row)
            now = self._store.now(connection)
            run = JobRun(payload.name(job, "job"), _utc(due), origin, RunState.RUNNING, now, None, skipped)
            self._insert(connection, run, by, None)
            return self._end(connection, job, due, outcome)

    def bury(self, jobs: Iterable[str]) -> list[JobRun]:
        """Runs of `jobs` whose holder is gone (its lease has ended): each ends as LOST and is returned."""
        with self._store.write() as connection:
            return [run for job in jobs for run in self._bury(connection, job, None)]

    def known(self, job: str, dues: Sequence[datetime]) -> set[datetime]:
        """Which of `dues` have a row."""
        with self._store.read() as connection:
            query = select(_runs.c.due).where(and_(_runs.c.job == job, _runs.c.due.in_([_utc(d) for d in dues])))
            return set(connection.execute(query).scalars())

    def get(self, job: str, due: datetime) -> JobRun | None:
        with self._store.read() as connection:
            row = _row(connection, job, due)
            return None if row is None else _run(row)

    def last(self, limit: int = 50, job: str = "") -> list[JobRun]:
        """The newest runs, newest first; of one job where named."""
        query = select(_runs).order_by(_runs.c.began_at.desc(), _runs.c.due.desc()).limit(limit)
        with self._store.read() as connection:
            return [_run(row) for row in connection.execute(query.where(_runs.c.job == job) if job else query)]

    def decided_until(self, job: str) -> datetime | None:
        """Up to when this job's due times have been decided on; None where it was never looked at."""
        with self._store.read() as connection:
            query = select(_marks.c.decided_until).where(_marks.c.job == job)
            return connection.execute(query).scalar_one_or_none()

    def decide(self, job: str, until: datetime) -> None:
        """Due times up to `until` are decided on. May be set back: then a clock was."""
        with self._store.write() as connection:
            upsert(connection, _marks, [{"job": payload.name(job, "job"), "decided_until": _utc(until)}])

    def _bury(self, connection: Connection, job: str, token: int | None) -> list[JobRun]:
        """`token`: the lease of whoever asks, whose own run lives; None: a run lives while its lease does."""
        ours = (_runs.c.job == job) & (_runs.c.state == RunState.RUNNING.value)
        rows = connection.execute(select(_runs).where(ours).order_by(_runs.c.due)).all()
        if not rows:
            return []
        held = connection.execute(select(_leases).where(_leases.c.name == lease_name(job))).one_or_none()
        alive = held.token if held is not None and held.expires_at > self._store.now(connection) else None
        words = "whoever ran it is gone: killed, or the power failed"
        lost = Outcome(RunState.LOST, Fault(words))
        return [self._end(connection, job, r.due, lost) for r in rows if r.token != (alive if token is None else token)]

    def _insert(self, connection: Connection, run: JobRun, by: str, token: int | None) -> None:
        row = {
            "job": run.job,
            "due": run.due,
            "origin": run.origin.value,
            "state": run.state.value,
            "began_at": run.began_at,
            "ended_at": None,
            "skipped": run.skipped,
            "ran_by": payload.name(by, "who runs it"),
            "token": token,
            "outcome": {},
        }
        connection.execute(_runs.insert().values(row))

    def _end(self, connection: Connection, job: str, due: datetime, outcome: Outcome) -> JobRun:
        now, told = self._store.now(connection), payload.document(_document(outcome), f"outcome of {job}")
        query = update(_runs).where((_runs.c.job == job) & (_runs.c.due == _utc(due)))
        connection.execute(query.values(state=outcome.state.value, ended_at=now, outcome=told))
        run = _run(_found(connection, job, due))
        facts = {"job": job, "due": _iso(due), "state": run.state.value, "report": run.report, "words": in_words(run)}
        note(connection, RUN_ENDED, "jobs", _event_id("ended", job, due), now, **facts)
        return run


def in_words(run: JobRun) -> str:
    """'daily failed: cell 3, line 2: 1/0: ZeroDivisionError …', on one line."""
    why = "; ".join(words for words in (str(run.fault) if run.fault else "", run.words) if words)
    made_up = f" (caught up; {run.skipped} more were missed)" if run.skipped else ""
    return f"{run.job} {run.state.value}{made_up}" + (f": {why}" if why else "")


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "fault": asdict(outcome.fault) if outcome.fault else None,
        "figures": [list(pair) for pair in outcome.figures],
        "words": outcome.words,
        "report": outcome.report,
    }


def _row(connection: Connection, job: str, due: datetime) -> Row | None:
    return connection.execute(select(_runs).where((_runs.c.job == job) & (_runs.c.due == _utc(due)))).one_or_none()


def _found(connection: Connection, job: str, due: datetime) -> Row:
    row = _row(connection, job, due)
    assert row is not None
    return row


def _run(row: Row) -> JobRun:
    told = row.outcome
    return JobRun(
        job=row.job,
        due=row.due,
        origin=Origin(row.origin),
        state=RunState(row.state),
        began_at=row.began_at,
        ended_at=row.ended_at,
        skipped=row.skipped,
        report=told.get("report", ""),
        words=told.get("words", ""),
        fault=Fault(**told["fault"]) if told.get("fault") else None,
        figures=tuple((name, text) for name, text in told.get("figures", ())),
        by=row.ran_by,
    )


def _utc(due: datetime) -> datetime:
    return payload.moment(due, "due time")


def _iso(due: datetime) -> str:
    return _utc(due).isoformat()


def _event_id(what: str, job: str, due: datetime) -> str:
    return f"run-{what}:{job}:{_iso(due)}"
