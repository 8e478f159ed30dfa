"""Wakes jobs when they are due. APScheduler holds the alarm clock; what has run is for the ledger to say.

A look costs little and may come at any time: at due times, and every few seconds besides, so that a clock that was
set, a machine that slept or a desk that was away is noticed then.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from workbench.domain.cron import Cron, parse_cron, parse_zone
from workbench.domain.errors import WorkbenchError
from workbench.domain.events import NewEvent
from workbench.domain.jobs import JobRun, Origin
from workbench.domain.ports import Clock
from workbench.integrations.job_plan import LATE, Decision, decide
from workbench.integrations.notebook_jobs import Claim, NotebookJobs
from workbench.ledger.log import SqlLedger
from workbench.settings import JobSettings

log = structlog.get_logger(__name__)
LOOK_S = 10.0
CLOCK_TURNED_BACK = "ClockTurnedBack"


@dataclass(frozen=True, slots=True)
class Errand:
    """A run that somebody else is to do: `NotebookJobs.run`, with these words."""

    name: str
    due: datetime
    origin: Origin
    skipped: int


Send = Callable[[Errand], Awaitable[object]]
"""Has an errand run elsewhere; returns when it has ended there."""


class JobSchedule:
    """Runs the jobs of this desk while it stands. Several desks on one ledger may: each due time runs once.

    send : who runs them elsewhere; None: this process.
    """

    def __init__(
        self,
        jobs: NotebookJobs,
        ledger: SqlLedger,
        clock: Clock | None = None,
        look_s: float = LOOK_S,
        send: Send | None = None,
    ):
        self._jobs, self._ledger, self._look_s, self._send = jobs, ledger, look_s, send
        self._away: set[str] = set()
        self._clock = clock or partial(datetime.now, UTC)
        self._schedules = [(job, parse_cron(job.cron), parse_zone(job.zone)) for job in jobs.jobs]
        self._scheduler: AsyncIOScheduler | None = None
        self._running: set[asyncio.Task] = set()
        self._looking = asyncio.Lock()

    async def start(self) -> None:
        """Look at once, then whenever it is time."""
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler.add_job(self.look, DueTrigger(self._schedules), **options)
        self._scheduler.add_job(self.look, IntervalTrigger(seconds=self._look_s, timezone=UTC), **options)
        self._scheduler.start()
        await self.look()

    async def stop(self) -> None:
        """No new runs; those under way are killed, and written down as stopped."""
        if self._scheduler:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def look(self) -> None:
        """Begin what is due. A ledger that is away is told, and asked again with the next look."""
        if self._looking.locked():
            return
        async with self._looking:
            try:
                await self._jobs.bury()
                for job, cron, zone in self._schedules:
                    await self._consider(job, cron, zone)
            except WorkbenchError as error:
                log.error("jobs_not_looked_at", error=str(error))
            except Exception:  # the supervisor of the schedule: a fault of one look must not end all looks
                log.exception("schedule_failed")

    async def _consider(self, job: JobSettings, cron: Cron, zone) -> None:
        runs, now = self._ledger.job_runs, self._clock()
        until = await asyncio.to_thread(runs.decided_until, job.name)
        decision = await asyncio.to_thread(decide, cron, zone, until, now, partial(runs.known, job.name))
        if decision.turned_back > LATE:
            await self._note(job, decision)
        origin = Origin.CAUGHT_UP if decision.late else Origin.SCHEDULE
        if decision.due and self._send:
            self._away_with(Errand(job.name, decision.due, origin, len(decision.skipped)), decision.decided_until)
            return
        if decision.due:
            claim = await self._jobs.claim(job, decision.due, origin, len(decision.skipped))
            if isinstance(claim, Claim):
                self._go(claim)
        if decision.decided_until:  # after the claim: a crash between the two finds the run, not a gap
            await asyncio.to_thread(runs.decide, job.name, decision.decided_until)

    def _go(self, claim: Claim) -> None:
        task: asyncio.Task[JobRun] = asyncio.create_task(self._jobs.carry_out(claim), name=f"job-{claim.job.name}")
        self._running.add(task)
        task.add_done_callback(self._done)

    def _away_with(self, errand: Errand, decided_until: datetime | None) -> None:
        """One of a job at a time: a due time that comes meanwhile is caught up after it."""
        if errand.name not in self._away:
            self._away.add(errand.name)
            task = asyncio.create_task(self._sent(errand, decided_until), name=f"job-{errand.name}")
            self._running.add(task)
            task.add_done_callback(self._done)

    async def _sent(self, errand: Errand, decided_until: datetime | None) -> None:
        """Decided once it has ended there: what a cluster or a desk that died left undone is due still."""
        assert self._send
        try:
            await self._send(errand)
            if decided_until:
                await asyncio.to_thread(self._ledger.job_runs.decide, errand.name, decided_until)
        finally:
            self._away.discard(errand.name)

    def _done(self, task: asyncio.Task) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("run_not_carried_out", job=task.get_name(), error=f"{type(error).__name__}: {error}")

    async def _note(self, job: JobSettings, decision: Decision) -> None:
        minutes = decision.turned_back / timedelta(minutes=1)
        words = f"the clock was set back by {minutes:,.0f} min; {job.name} runs again only for times it had no run for"
        event = NewEvent(
            CLOCK_TURNED_BACK, "jobs", {"job": job.name, "words": words}, f"clock:{uuid4()}", self._clock()
        )
        await asyncio.to_thread(self._ledger.append, [event])


class DueTrigger(BaseTrigger):
    """Fires at the next due time of any of the jobs."""

    def __init__(self, schedules):
        self._schedules = [(cron, zone) for _, cron, zone in schedules]

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        dues = [cron.next_after(now.astimezone(UTC), zone) for cron, zone in self._schedules]
        return min((due for due in dues if due), default=None)
