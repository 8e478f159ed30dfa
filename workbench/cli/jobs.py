"""Scheduled notebooks: `workbench jobs list`, `workbench jobs run NAME`.

`run` is what cron, systemd, Airflow or Dask call. It waits for the end: exit status 0 for done, 1 for anything else,
with the reason on one line. With --due the same moment runs once, however often it is asked for.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.bootstrap.job_desk import jobs_alone
from workbench.bootstrap.logs import configure_logs
from workbench.commands.formats import moment, zone_name
from workbench.domain.cron import parse_cron, parse_zone
from workbench.domain.jobs import JobRun, RunState
from workbench.ledger.job_runs import in_words
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.settings import JobSettings, Settings, load_settings


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="every job: when it is due next, how its last run went")
    running = verbs.add_parser("run", help="run one now and wait for its end")
    running.add_argument("name", metavar="NAME")
    running.add_argument("--due", type=_due, metavar="TIME", help="for this moment, once, as in 2026-11-29T07:00Z")
    for verb in (listing, running):
        verb.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    configure_logs("ERROR")
    settings = load_settings()
    return _list(settings, args.json) if args.verb == "list" else _run(settings, args)


def _due(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 2026-11-29T07:00Z") from error
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no zone; write it as {text}Z or {text}+01:00")
    return at


def _run(settings: Settings, args: argparse.Namespace) -> int:
    try:
        ended = asyncio.run(_until_its_end(settings, args.name, args.due))
    except asyncio.CancelledError:
        print(f"workbench: {args.name} was told to stop", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(_facts(ended)))
    words = f"{in_words(ended)}{f'; report: {ended.report}' if ended.report else ''}"
    print(words if ended.state is RunState.DONE else f"workbench: {words}", file=sys.stderr)
    return 0 if ended.state is RunState.DONE else 1


async def _until_its_end(settings: Settings, name: str, due: datetime | None) -> JobRun:
    task = asyncio.current_task()
    assert task
    with contextlib.suppress(NotImplementedError):  # Windows: then only Ctrl-C stops it in order
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with jobs_alone(settings) as jobs:
        return await jobs.run(name, due)


def _list(settings: Settings, as_json: bool) -> int:
    ledger = open_ledger(settings.ledger_url)
    try:
        rows = [(job, _next(job), _last(ledger, job)) for job in settings.jobs]
    finally:
        ledger.close()
    if as_json:
        print(json.dumps([_listed(*row) for row in rows]))
    elif not rows:
        print("no job is set; write [[jobs]] in workbench.toml, see docs/jobs.md", file=sys.stderr)
    else:
        _show(rows)
    return 0


def _next(job: JobSettings) -> datetime | None:
    return parse_cron(job.cron).next_after(datetime.now(UTC), parse_zone(job.zone))


def _last(ledger: SqlLedger, job: JobSettings) -> JobRun | None:
    return next(iter(ledger.job_runs.last(1, job.name)), None)


def _show(rows: list[tuple[JobSettings, datetime | None, JobRun | None]]) -> None:
    table = Table("job", "notebook", "cron", "next", "last run", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for job, due, last in rows:
        zone = parse_zone(job.zone)
        when = f"{moment(due, zone)} {zone_name(zone)}" if due else "–"
        went = f"{moment(last.due, zone)} {last.state.value}" if last else "none yet"
        table.add_row(*(Text(cell) for cell in (job.name, str(job.notebook), job.cron, when, went)))
    Console(stderr=True, width=None if sys.stderr.isatty() else 160).print(table)


def _listed(job: JobSettings, due: datetime | None, last: JobRun | None) -> dict:
    return {
        "name": job.name,
        "notebook": str(job.notebook),
        "cron": job.cron,
        "zone": job.zone,
        "next": due.isoformat() if due else None,
        "last": _facts(last) if last else None,
    }


def _facts(run: JobRun) -> dict:
    return {
        "job": run.job,
        "due": run.due.isoformat(),
        "origin": run.origin.value,
        "state": run.state.value,
        "skipped": run.skipped,
        "figures": dict(run.figures),
        "error": str(run.fault) if run.fault else "",
        "report": run.report,
    }
