"""Scheduled notebooks wired up: for a desk that stands, and for one command."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from workbench.bootstrap.connection import Connection
from workbench.compute import spread
from workbench.integrations.job_schedule import Errand, JobSchedule, Send
from workbench.integrations.notebook_jobs import NotebookJobs
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.telling import LedgerTeller, pictures_of
from workbench.settings import Settings, load_settings


def jobs_of(settings: Settings, ledger: SqlLedger) -> NotebookJobs:
    """What it tells lies in the ledger, where the chat surface finds it."""
    return NotebookJobs(settings, ledger, LedgerTeller(ledger, pictures_of(settings.home), "jobs"))


@asynccontextmanager
async def scheduled(connection: Connection) -> AsyncIterator[JobSchedule]:
    """The schedule of this desk, running; its runs go to the cluster that the settings name, if any."""
    settings, ledger = connection.settings, connection.ledger
    cluster = settings.compute.scheduler
    schedule = JobSchedule(jobs_of(settings, ledger), ledger, send=on_cluster(cluster) if cluster else None)
    try:
        await schedule.start()
        yield schedule
    finally:
        await schedule.stop()


@asynccontextmanager
async def jobs_alone(settings: Settings) -> AsyncIterator[NotebookJobs]:
    """Jobs without a desk, on the same ledger: what cron, systemd, Airflow or Dask call."""
    ledger = open_ledger(settings.ledger_url)
    try:
        yield jobs_of(settings, ledger)
    finally:
        ledger.close()


def on_cluster(scheduler: str) -> Send:
    """Runs go to the workers of this Dask scheduler."""

    async def send(errand: Errand) -> Any:
        return await _beside(lambda: spread(run_on_worker, [errand], scheduler))

    return send


def run_on_worker(errand: Errand) -> str:
    """A run as a worker does it: claimed, carried out and told there, with the settings and the secrets of the folder
    that it was started in, none of which travels. The state that it ended in."""

    async def run() -> str:
        async with jobs_alone(load_settings()) as jobs:
            return (await jobs.run(errand.name, errand.due, errand.origin, errand.skipped)).state.value

    return asyncio.run(run())


async def _beside(call: Callable[[], Any]) -> Any:
    """`call` in a thread that a process which ends does not wait for: the run is the worker's by then."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def told(settle: Callable[[Any], None], value: Any) -> None:
        if not ended.done():
            settle(value)

    def go() -> None:
        try:
            answer = call()
        except BaseException as error:
            loop.call_soon_threadsafe(told, ended.set_exception, error)
        else:
            loop.call_soon_threadsafe(told, ended.set_result, answer)

    threading.Thread(target=go, name="errand", daemon=True).start()
    return await ended
