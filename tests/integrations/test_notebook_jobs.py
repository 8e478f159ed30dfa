"""Runs of real notebooks in real kernels: how each way of going wrong ends, and what is left behind."""

import asyncio
import json
import os
import re
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from tests.support import job_notebooks
from tests.support.job_notebooks import CANARY
from workbench.domain.jobs import Fault, Origin, RunState
from workbench.integrations.job_process import MARK
from workbench.integrations.notebook_jobs import NotebookJobs
from workbench.integrations.scrub import Scrubber
from workbench.ledger.job_runs import RUN_ENDED, lease_name
from workbench.ledger.log import open_ledger
from workbench.settings import JobSettings, Settings

DUE = datetime(2026, 11, 29, 7, tzinfo=UTC)
WAYS = {
    "good": job_notebooks.GOOD,
    "failing": job_notebooks.FAILING,
    "sleeping": job_notebooks.SLEEPING,
    "hung": job_notebooks.HUNG,
    "shot": job_notebooks.SHOT,
    "parentshot": job_notebooks.PARENT_SHOT,
}


class Heard:
    """A teller that keeps what it is told, and when."""

    def __init__(self):
        self.messages = []

    async def tell(self, message):
        self.messages.append(message)

    def of(self, job):
        return [message for message in self.messages if message.title.startswith(f"{job}:")]


def settings_for(folder, names, **more):
    jobs = []
    for name in names:
        path = job_notebooks.written(folder / f"{name}.ipynb", WAYS[name])
        parameters = {"name": "<b>ann</b>", "count": 3} if name == "good" else {}
        limit = 8 if name in ("sleeping", "hung") else 200
        jobs.append(
            {"name": name, "notebook": path, "cron": "0 7 * * *", "time_limit": limit, "parameters": parameters}
        )
    return Settings(home=folder / "home", reports=folder / "reports", jobs=tuple(jobs), **more)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Every way, two at a time: (settings, runs by job, what was told, events)."""
    folder = tmp_path_factory.mktemp("jobs")
    patch = pytest.MonkeyPatch()
    patch.setenv("CANARY_API_KEY", CANARY)
    settings, heard = settings_for(folder, WAYS), Heard()
    ledger = open_ledger(settings.ledger_url)
    jobs = NotebookJobs(settings, ledger, heard)

    async def two_at_once():
        gate = asyncio.Semaphore(2)

        async def one(name):
            async with gate:
                return await jobs.run(name, DUE)

        return await asyncio.gather(*map(one, WAYS))

    runs = {run.job: run for run in asyncio.run(two_at_once())}
    yield settings, runs, heard, ledger
    ledger.close()
    patch.undo()


def report(ran, job, name):
    return (ran[0].reports / job / "20261129T070000Z" / name).read_text()


def test_a_good_run_says_its_figures_with_a_picture(ran):
    run, (message,) = ran[1]["good"], ran[2].of("good")

    assert run.state is RunState.DONE
    assert run.figures == (("who", "<b>ann</b>"), ("times", "3"), ("key", "•••"))
    assert "times: 3" in message.text
    assert message.png.startswith(b"\x89PNG")


def test_the_page_needs_nothing_and_runs_nothing(ran):
    page = report(ran, "good", "report.html")

    assert "default-src &#x27;none&#x27;" in page
    assert "data:image/svg+xml;base64," in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert not re.findall(r"<(?:script|link|iframe|img (?!alt=\"[^\"]*\" src=\"data:))", page)
    assert [
        url for url in re.findall(r"(?:src|href)=\"([^\"]*)\"", page) if not url.startswith(("data:", "../../"))
    ] == []


def test_a_failing_cell_is_told_with_its_line_and_error(ran):
    run, (message,) = ran[1]["failing"], ran[2].of("failing")

    assert run.state is RunState.FAILED
    assert run.fault == Fault("ValueError: could not convert string to float: '•••'", 4, 4, "read(")
    assert "cell 4, line 4: read(" in message.text
    assert "never" not in [
        output.get("text") for cell in executed(ran, "failing") for output in cell.get("outputs", [])
    ]


def executed(ran, job):
    return json.loads(report(ran, job, "executed.ipynb"))["cells"]


@pytest.mark.parametrize(("job", "cell"), [("sleeping", 4), ("hung", 4)])
def test_what_does_not_end_is_ended_and_says_where_it_was(ran, job, cell):
    run, (message,) = ran[1][job], ran[2].of(job)

    assert run.state is RunState.TIMED_OUT
    assert run.fault.cell == cell
    assert f"{job}: timed out in cell {cell}" == message.title


@pytest.mark.parametrize("job", ["shot", "parentshot"])
def test_a_kernel_or_process_killed_from_outside_is_told_with_its_cell(ran, job):
    run, (message,) = ran[1][job], ran[2].of(job)

    assert run.state is RunState.KILLED
    assert (run.fault.cell, "os.kill(os.get" in run.fault.source) == (4, True)
    assert "report:" in message.text
    assert "killed" in report(ran, job, "report.html")


def test_nothing_that_a_run_started_is_left(ran):
    left = []
    for process in psutil.process_iter():
        try:
            left += [process] if MARK in process.environ() else []
        except (psutil.Error, OSError):
            continue

    assert left == []


def test_a_secret_is_nowhere(ran, capfd):
    settings, runs, heard, ledger = ran
    scrubber = Scrubber([CANARY])
    files = [path for path in settings.reports.rglob("*") if path.is_file()]
    places = {str(path): path.read_bytes().decode(errors="replace") for path in files}
    places |= {"runs": repr(runs), "messages": repr(heard.messages), "events": repr(ledger.read(limit=1000))}

    assert len(files) >= 13
    assert [name for name, text in places.items() if scrubber.clean(text) != text or "canary-7f3a" in text] == []
    assert "•••" in places["messages"]
    assert os.environ["CANARY_API_KEY"] == CANARY  # it was there to be found


def test_every_end_is_an_event_and_a_line_of_the_index(ran):
    settings, _, _, ledger = ran
    index = (settings.reports / "index.html").read_text()

    assert {event.payload["job"] for event in ledger.read(limit=1000, kinds=[RUN_ENDED])} == set(WAYS)
    assert all(f'href="{job}/20261129T070000Z/report.html"' in index for job in WAYS)


async def test_a_due_time_that_had_its_run_comes_back_as_it_went(ran):
    settings, runs, heard, ledger = ran
    before = len(heard.messages)

    again = await NotebookJobs(settings, ledger, heard).run("good", DUE)

    assert again == runs["good"]
    assert len(heard.messages) == before


async def test_a_run_beside_another_is_refused_and_told(tmp_path):
    settings, heard = settings_for(tmp_path, ["sleeping"]), Heard()
    ledger = open_ledger(settings.ledger_url)
    ledger.acquire(lease_name("sleeping"), "another desk", timedelta(seconds=60))

    run = await NotebookJobs(settings, ledger, heard).run("sleeping", DUE)

    assert run.state is RunState.REFUSED
    assert heard.messages[0].title == "sleeping: refused"
    ledger.close()


@pytest.mark.parametrize("notebook", ["nowhere.ipynb", "../../etc/daily_brief"])
async def test_a_notebook_that_is_not_there_is_a_run_that_broke(tmp_path, notebook):
    job = JobSettings(name="lost", notebook=notebook, cron="@daily")
    settings, heard = Settings(home=tmp_path / "home", reports=tmp_path / "reports", jobs=(job,)), Heard()
    ledger = open_ledger(settings.ledger_url)

    run = await NotebookJobs(settings, ledger, heard).run("lost", DUE)

    assert (run.state, "there is no notebook" in run.fault.error) == (RunState.BROKEN, True)
    assert heard.messages
    ledger.close()


async def test_a_run_that_is_cancelled_is_written_down_as_stopped(tmp_path):
    settings, heard = settings_for(tmp_path, ["sleeping"]), Heard()
    settings = settings.model_copy(
        update={"jobs": tuple(j.model_copy(update={"time_limit": 300}) for j in settings.jobs)}
    )
    ledger = open_ledger(settings.ledger_url)
    jobs = NotebookJobs(settings, ledger, heard)
    claim = await jobs.claim(settings.jobs[0], DUE, Origin.SCHEDULE)

    running = asyncio.create_task(jobs.carry_out(claim))
    await asyncio.sleep(0.3)
    running.cancel()
    await asyncio.wait([running])

    assert ledger.job_runs.get("sleeping", DUE).state is RunState.STOPPED
    assert ledger.holder(lease_name("sleeping")) is None
    ledger.close()
