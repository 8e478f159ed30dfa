"""What was done and what ran: /audit and /report. Read from the ledger, so they hold after a crash too."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from workbench.commands.asked import Asked
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import CommandError
from workbench.domain.events import Event
from workbench.domain.jobs import JobRun
from workbench.ledger.job_runs import RUN_BEGAN, RUN_ENDED
from workbench.orchestration.event_words import CHILDREN, DESK_STARTED, DESK_STOPPED, HALTS, LIMITS_CHANGED, sentence
from workbench.orchestration.event_words import TRADING_STATE_CHANGED as STATE
from workbench.orchestration.plain_text import plain

RUNS, ENTRIES, SEARCHED = 20, 50, 5000
AUDITED = {
    "commands": ("command.submitted", "command.finished", "command.settled", "command.unknown"),
    "halts": (STATE, *HALTS),
    "limits": (LIMITS_CHANGED,),
    "runs": (RUN_BEGAN, RUN_ENDED, "ClockTurnedBack"),
    "desk": (DESK_STARTED, DESK_STOPPED, *CHILDREN),
}


async def report(asked: Asked, line: Line) -> Reply:
    """Scheduled runs, newest first: how each ended, what it said, where its report is."""
    table, job = asked.center.ledger.job_runs, line.values.get("job", "")
    jobs = asked.center.settings.jobs
    runs = await asyncio.to_thread(table.last, RUNS, job)
    if job and not runs and job not in {one.name for one in jobs}:
        raise CommandError(f"no job is called {job[:60]!r}; jobs: {', '.join(one.name for one in jobs) or 'none'}")
    if not runs:
        told = "no run yet" if jobs else "no job is set; write [[jobs]] in workbench.toml, see docs/jobs.md"
        return Reply("Runs", (Text(told, Tone.MUTED),), as_of=asked.now)
    columns = (
        Column("job", Shape.BOT),
        Column("due", Shape.TIME),
        Column("how", Shape.STATE),
        Column("took", Shape.AGE),
        Column("what it said"),
        Column("report"),
    )
    rows = tuple((run.job, run.due, run.state.value, _took(run), _said(run), plain(run.report)) for run in runs)
    bad = [run for run in runs if not run.state.good]
    warned = [Text(f"{len(bad)} of these {len(runs)} went wrong", Tone.WARNING)] if bad else []
    return Reply(f"Runs of {job}" if job else "Runs", (Table(columns, rows), *warned), as_of=asked.now)


def _took(run: JobRun) -> float | None:
    return max((run.ended_at - run.began_at).total_seconds(), 0.0) if run.ended_at else None


def _said(run: JobRun) -> str:
    figures = ", ".join(f"{name} {text}" for name, text in run.figures)
    missed = f"{run.skipped} earlier missed" if run.skipped else ""
    words = [str(run.fault) if run.fault else figures, run.words, missed]
    return plain("; ".join(word for word in words if word))


async def audit(asked: Asked, line: Line) -> Reply:
    """Who changed what: commands, halts, limits, runs, newest first."""
    kinds = (
        AUDITED[line.values["kind"]] if "kind" in line.values else tuple(k for some in AUDITED.values() for k in some)
    )
    since: datetime | None = line.values.get("since")
    found = await asyncio.to_thread(asked.ledger.last, SEARCHED if since else ENTRIES, kinds)
    kept = [event for event in reversed(found) if since is None or event.at >= since]
    if not kept:
        return Reply("Audit", (Text("nothing was changed in this time", Tone.MUTED),), as_of=asked.now)
    columns = (Column("at", Shape.TIME), Column("by", Shape.BOT), Column("what"))
    rows = tuple((event.at, _by(event), _what(event)) for event in kept)
    cut = _cut(found, since)
    return Reply("Audit", (Table(columns, rows), *([Text(cut, Tone.WARNING)] if cut else [])), as_of=asked.now)


def _cut(found: Sequence[Event], since: datetime | None) -> str:
    """A list that stops short of what was asked for says so."""
    if since and len(found) == SEARCHED and found[0].at >= since:
        return f"older entries exist; these are the newest {SEARCHED:,}. Narrow it with --kind"
    return ""


def _by(event: Event) -> str:
    said = event.payload
    return plain(said.get("issued_by") or said.get("set_by") or said.get("by") or event.source, 60)


def _what(event: Event) -> str:
    if event.kind == "command.submitted":
        said = event.payload
        return plain(f"asked for {said.get('name', 'a command')} {said.get('args') or ''}".strip())
    return sentence(event)
