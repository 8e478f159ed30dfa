"""Scheduled notebooks wired up: for a desk that stands, and for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from workbench.bootstrap.connection import Connection
from workbench.integrations.job_schedule import JobSchedule
from workbench.integrations.notebook_jobs import NotebookJobs
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.telling import LedgerTeller, pictures_of
from workbench.settings import Settings


def jobs_of(settings: Settings, ledger: SqlLedger) -> NotebookJobs:
    """What it tells lies in the ledger, where the chat surface finds it."""
    return NotebookJobs(settings, ledger, LedgerTeller(ledger, pictures_of(settings.home), "jobs"))


@asynccontextmanager
async def scheduled(connection: Connection) -> AsyncIterator[JobSchedule]:
    """The schedule of this desk, running."""
    schedule = JobSchedule(jobs_of(connection.settings, connection.ledger), connection.ledger)
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
