"""/report and /audit: what the ledger holds, as a viewer reads it."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Table
from workbench.domain.commands import Command
from workbench.domain.desk import DeskState
from workbench.domain.events import NewEvent
from workbench.domain.jobs import Fault, Origin, Outcome, RunState
from workbench.ledger.job_runs import lease_name
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import JobSettings, Settings

DUE = datetime(2026, 11, 29, 7, tzinfo=UTC)
JOB = JobSettings(name="brief", notebook="daily_brief", cron="@daily")


@pytest.fixture
async def desk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger, settings=Settings(home=tmp_path, jobs=(JOB,)))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


def ran(ledger, due, outcome):
    lease = ledger.acquire(lease_name("brief"), "desk", timedelta(seconds=60))
    ledger.job_runs.begin(lease, "brief", due, Origin.SCHEDULE)
    ledger.job_runs.end(lease, "brief", due, outcome)
    ledger.release(lease)


def rows(reply):
    return next(part for part in reply.parts if isinstance(part, Table)).rows


async def test_a_report_lists_runs_with_what_they_said(desk):
    ran(desk.ledger, DUE, Outcome(RunState.DONE, figures=(("P&L", "+3 USD"),), report="reports/brief/x"))
    ran(desk.ledger, DUE + timedelta(days=1), Outcome(RunState.FAILED, Fault("ZeroDivisionError", 3, 2, "1 / 0")))

    reply = await desk.ask("/report brief")

    failed, done = rows(reply)
    assert (failed[2], failed[4]) == ("failed", "cell 3, line 2: 1 / 0: ZeroDivisionError")
    assert (done[2], done[4], done[5]) == ("done", "P&L +3 USD", "reports/brief/x")
    assert "1 of these 2 went wrong" in reply.parts[1].text


async def test_a_job_that_is_none_is_said_to_be(desk):
    reply = await desk.ask("/report brie")

    assert not reply.ok
    assert "no job is called 'brie'; jobs: brief" in reply.error


async def test_without_runs_a_report_says_so(desk):
    assert (await desk.ask("/report")).parts[0].text == "no run yet"


async def test_an_audit_tells_who_changed_what(desk):
    ledger = desk.ledger
    ledger.submit(Command("c1", "pause", {"bot": "trend"}, "ann", datetime.now(UTC)))
    ledger.states.tighten("trend", DeskState.REDUCING, "too much held", "supervisor")
    ran(ledger, DUE, Outcome(RunState.DONE))
    ledger.append([NewEvent("ForecastMade", "trend", {}, "f", DUE)])

    everything = rows(await desk.ask("/audit today"))
    halts = rows(await desk.ask("/audit --kind halts"))

    assert len(everything) == 4
    assert any(by == "ann" and "pause" in what for _, by, what in everything)
    assert len(halts) == 1


async def test_an_audit_of_nothing_says_so(desk):
    reply = await desk.ask("/audit 2099-01-01")

    assert reply.parts[0].text == "nothing was changed in this time"


@pytest.mark.parametrize("line", ["/audit nonsense", "/audit --kind everything", "/report a b"])
async def test_a_wrong_line_is_refused(desk, line):
    assert (await desk.ask(line)).misread
