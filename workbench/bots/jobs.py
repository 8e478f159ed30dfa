"""Tunings as jobs: started, watched, cancelled. The bot's own `tune` does the work."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from workbench.domain.errors import BotError, WorkbenchError
from workbench.domain.forecasts import TuneResult
from workbench.domain.ports import Progress

log = structlog.get_logger(__name__)
RUNNING_AT_ONCE = 2
KEPT = 50
Work = Callable[[Progress], Awaitable[TuneResult]]


class TooManyJobs(BotError):
    """The bot tunes as much as it can already."""


@dataclass(slots=True)
class Job:
    """`state`: running, done, failed or cancelled. `progress` is a fraction that never falls."""

    job_id: str
    state: str = "running"
    progress: float = 0.0
    words: str = ""
    result: TuneResult | None = None
    error: WorkbenchError | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def report(self, fraction: float, words: str = "") -> None:
        """The bot's `progress`; safe to call from a thread: it only sets two values."""
        if fraction == fraction:  # NaN says nothing
            self.progress = max(self.progress, min(1.0, float(fraction)))
        self.words = str(words)[:4000]


class TuneJobs:
    """All tunings of one bot. An id given twice is one job; ended jobs are kept a while to be read."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def start(self, work: Work, job_id: str = "") -> Job:
        """Begin `work`. Raises TooManyJobs."""
        if job_id and (known := self._jobs.get(job_id)):
            return known
        running = [job.job_id for job in self._jobs.values() if job.state == "running"]
        if len(running) >= RUNNING_AT_ONCE:
            raise TooManyJobs(f"{len(running)} tunings are running ({', '.join(running)}); wait, or cancel one")
        job = Job(job_id or uuid.uuid4().hex)
        self._jobs[job.job_id] = job
        job.task = asyncio.create_task(self._run(job, work))
        self._forget()
        return job

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    async def cancel(self, job: Job) -> Job:
        """Cancel and wait until the work has let go; an ended job stays as it is."""
        if job.task and not job.task.done():
            job.task.cancel()
            await asyncio.wait([job.task])
        return job

    async def stop(self) -> None:
        for job in list(self._jobs.values()):
            await self.cancel(job)

    async def _run(self, job: Job, work: Work) -> None:
        try:
            job.result = await work(job.report)
            job.state, job.progress = "done", 1.0
        except asyncio.CancelledError:
            job.state = "cancelled"
        except WorkbenchError as error:
            job.state, job.error = "failed", error
        except Exception as error:  # supervisor: the job says so, the log has the traceback
            log.exception("tune_failed", job=job.job_id)
            job.state, job.error = "failed", BotError(f"tune broke: {type(error).__name__}: {error}; see the bot's log")

    def _forget(self) -> None:
        ended = [job_id for job_id, job in self._jobs.items() if job.state != "running"]
        for job_id in ended[: max(0, len(ended) - KEPT)]:
            del self._jobs[job_id]


def job_data(job: Job, refusal: Callable[[BaseException], dict[str, Any]]) -> dict[str, Any]:
    """A job as JSON data before `plain`."""
    said = {"job_id": job.job_id, "state": job.state, "progress": job.progress, "words": job.words}
    failure = refusal(job.error) if job.error else {}
    return {**said, "result": job.result, **failure}
