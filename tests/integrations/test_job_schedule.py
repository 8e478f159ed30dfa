"""The schedule against a real ledger: what is due begins, once, whoever looks and whatever the clock says."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain.cron import parse_cron, parse_zone
from workbench.domain.jobs import Origin, RunState
from workbench.integrations.job_schedule import CLOCK_TURNED_BACK, DueTrigger, JobSchedule
from workbench.integrations.notebook_jobs import NotebookJobs
from workbench.ledger.job_runs import lease_name
from workbench.ledger.log import open_ledger
from workbench.orchestration.telling import TOLD, LedgerTeller
from workbench.settings import JobSettings, Settings

START = datetime(2026, 11, 29, 6, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Desk:
    """A schedule with a clock that the test sets. Its notebook is missing, so that each run ends at once, as broken."""

    def __init__(self, folder, look_s=600.0):
        self.now = START
        job = JobSettings(name="brief", notebook=folder / "missing.ipynb", cron="0 7 * * *")
        self.settings = Settings(home=folder / "home", reports=folder / "reports", jobs=(job,))
        self.ledger = open_ledger(self.settings.ledger_url)
        jobs = NotebookJobs(self.settings, self.ledger, LedgerTeller(self.ledger, folder / "pictures"), self.clock)
        self.schedule = JobSchedule(jobs, self.ledger, self.clock, look_s)

    def clock(self):
        return self.now

    async def at(self, now):
        self.now = now
        await self.schedule.look()
        await asyncio.gather(*self.schedule._running)

    def runs(self):
        return [(run.due, run.origin) for run in reversed(self.ledger.job_runs.last())]


@pytest.fixture
async def desk(tmp_path):
    made = Desk(tmp_path)
    await made.schedule.look()
    yield made
    await made.schedule.stop()
    made.ledger.close()


async def test_what_is_due_runs_once_and_is_told(desk):
    await desk.at(START + HOUR / 2)
    await desk.at(START + HOUR)

    (run,) = desk.ledger.job_runs.last()
    assert (run.due, run.origin, run.state) == (START + HOUR / 2, Origin.SCHEDULE, RunState.BROKEN)
    assert [event.payload["topic"] for event in desk.ledger.read(kinds=[TOLD])] == ["jobs"]


async def test_a_desk_that_was_away_catches_up_once_and_says_how_many_it_missed(desk):
    await desk.at(START + 3 * DAY)

    (run,) = desk.ledger.job_runs.last()
    assert (run.due, run.origin, run.skipped) == (START + 2 * DAY + HOUR / 2, Origin.CAUGHT_UP, 2)
    assert "2 earlier times passed while nobody looked" in desk.ledger.read(kinds=[TOLD])[0].payload["text"]


async def test_a_clock_set_back_runs_nothing_twice_and_is_noted(desk):
    for now in (START + HOUR, START, START + HOUR, START + DAY + HOUR):
        await desk.at(now)

    assert desk.runs() == [(START + HOUR / 2, Origin.CAUGHT_UP), (START + DAY + HOUR / 2, Origin.CAUGHT_UP)]
    assert "set back by 30 min" in desk.ledger.read(kinds=[CLOCK_TURNED_BACK])[0].payload["words"]


async def test_two_desks_on_one_ledger_run_each_time_once(tmp_path):
    one, other = Desk(tmp_path), Desk(tmp_path)
    await asyncio.gather(one.at(START), other.at(START))

    for hours in range(1, 60, 3):
        await asyncio.gather(one.at(START + hours * HOUR), other.at(START + hours * HOUR + timedelta(seconds=2)))

    dues = [due for due, _ in one.runs()]
    assert dues == [START + HOUR / 2 + days * DAY for days in range(3)]
    one.ledger.close()
    other.ledger.close()


async def test_one_that_is_due_while_the_last_still_runs_is_refused_and_not_lost(desk):
    desk.ledger.acquire(lease_name("brief"), "the run before", timedelta(seconds=60))

    await desk.at(START + HOUR)
    await desk.at(START + 2 * HOUR)

    assert [run.state for run in desk.ledger.job_runs.last()] == [RunState.REFUSED]


async def test_the_alarm_clock_looks_by_itself(tmp_path):
    desk = Desk(tmp_path, look_s=0.1)
    await desk.schedule.start()
    desk.now = START + HOUR

    async with asyncio.timeout(60):
        while not desk.ledger.job_runs.last():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.05)

    await desk.schedule.stop()
    assert [due for due, _ in desk.runs()] == [START + HOUR / 2]
    desk.ledger.close()


def test_the_alarm_is_set_to_the_earliest_due_time():
    crons = [(None, parse_cron(text), parse_zone("UTC")) for text in ("0 9 * * *", "0 7 * * *")]

    assert DueTrigger(crons).get_next_fire_time(None, START) == START + HOUR / 2
