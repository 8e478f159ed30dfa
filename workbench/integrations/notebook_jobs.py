"""Scheduled notebooks: claimed in the ledger, run in a process of their own, written down, told.

    jobs = NotebookJobs(settings, ledger, teller)
    run = await jobs.run("brief")                  # what `workbench jobs run brief` does
    claim = await jobs.claim(job, due, Origin.SCHEDULE)
    run = await jobs.carry_out(claim)

A due time runs at most once and two runs of a job never overlap, in however many processes: a run holds the job's
lease, and the ledger's key is (job, due).
"""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

import structlog

from workbench.domain.errors import LeaseLost, SettingsError, StartError, WorkbenchError
from workbench.domain.jobs import Fault, JobRun, Origin, Outcome, RunState
from workbench.domain.ports import Clock
from workbench.domain.telling import Teller
from workbench.integrations.job_messages import messages
from workbench.integrations.job_process import Order, Place, run_notebook
from workbench.integrations.report_folder import new_folder, prune, write_index
from workbench.ledger.job_runs import lease_name
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.orchestration.effects import process_name
from workbench.settings import JobSettings, Settings

log = structlog.get_logger(__name__)
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LEASE_TTL = timedelta(seconds=15)
INDEXED = 300


@dataclass(frozen=True, slots=True)
class Claim:
    """The right, and the duty, to run `job` for `due` now."""

    job: JobSettings
    run: JobRun
    keeper: LeaseKeeper
    lost: asyncio.Event


class NotebookJobs:
    """The jobs of the settings. `teller` hears how each run went."""

    def __init__(self, settings: Settings, ledger: SqlLedger, teller: Teller, clock: Clock | None = None):
        self._settings, self._ledger, self._teller = settings, ledger, teller
        self._runs, self._clock = ledger.job_runs, clock or _now
        self._place = Place(settings.home, settings.ledger, settings.secret_variables)
        self._holder = process_name()

    @property
    def jobs(self) -> tuple[JobSettings, ...]:
        return self._settings.jobs

    def job(self, name: str) -> JobSettings:
        """By name. Raises SettingsError with the near match."""
        found = next((job for job in self.jobs if job.name == name), None)
        if found is None:
            near = get_close_matches(name, [job.name for job in self.jobs], n=1)
            there = ", ".join(job.name for job in self.jobs) or "none: write [[jobs]] in workbench.toml"
            hint = f"did you mean {near[0]}?" if near else f"jobs: {there}"
            raise SettingsError(f"no job is called {name[:60]!r}; {hint}")
        return found

    async def run(
        self, name: str, due: datetime | None = None, origin: Origin = Origin.ASKED, skipped: int = 0
    ) -> JobRun:
        """Run a job now, or for `due`, and wait for its end. A `due` that had its run comes back as it went."""
        claim = await self.claim(self.job(name), due or self._clock(), origin, skipped)
        return claim if isinstance(claim, JobRun) else await self.carry_out(claim)

    async def claim(self, job: JobSettings, due: datetime, origin: Origin, skipped: int = 0) -> Claim | JobRun:
        """The right to run, or the run that there is: one that had `due` before, or a refusal, written down and told,
        where the one before is not over. Raises LedgerError."""
        lost = asyncio.Event()
        keeper = LeaseKeeper(self._ledger, lease_name(job.name), self._holder, LEASE_TTL, lambda reason: lost.set())
        lease = await keeper.start()
        if lease is None:
            return await self._refuse(job, due, origin, skipped)
        try:
            began = await asyncio.to_thread(self._runs.begin, lease, job.name, due, origin, skipped)
        except BaseException:
            await keeper.stop()
            raise
        if began is None:
            await keeper.stop()
            known = await asyncio.to_thread(self._runs.get, job.name, due)
            assert known
            return known
        return Claim(job, began, keeper, lost)

    async def carry_out(self, claim: Claim) -> JobRun:
        """Run what was claimed, write down how it ended, and tell it. Raises LeaseLost where the claim was lost."""
        told: list[JobRun] = []
        try:
            return await self._carried_out(claim, told)
        except asyncio.CancelledError:
            if not told:
                words = "whoever ran it was told to stop"
                outcome = Outcome(RunState.LOST if claim.lost.is_set() else RunState.STOPPED, Fault(words))
                with contextlib.suppress(WorkbenchError):  # under a lost lease it is another's to write down
                    await self._tell(await self._end(claim, outcome), claim.job)
            raise
        finally:
            await claim.keeper.stop()

    async def bury(self) -> list[JobRun]:
        """Write down and tell runs whose process is gone without a word."""
        lost = await asyncio.to_thread(self._runs.bury, [job.name for job in self.jobs])
        for run in lost:
            await self._tell(run, self.job(run.job))
        return lost

    async def _carried_out(self, claim: Claim, told: list[JobRun]) -> JobRun:
        job, run = claim.job, claim.run
        try:
            folder = new_folder(self._settings.reports, job.name, run.due)
            order = self._order(job, run, folder)
        except StartError as error:
            ended = await self._end(claim, Outcome(RunState.BROKEN, Fault(str(error))))
            await self._tell(ended, job)
            return ended

        async def heard(outcome: Outcome) -> None:
            """A failure is written down and told at once; a good end waits for its page and chart."""
            if outcome.state is not RunState.DONE:
                told.append(await self._end(claim, replace(outcome, report=str(folder))))
                await self._tell(told[0], job)

        outcome = await self._unless_lost(claim, run_notebook(order, self._place, heard))
        if not told:
            told.append(await self._end(claim, replace(outcome, report=str(folder))))
            await self._tell(told[0], job, _picture(folder))
        await asyncio.to_thread(self._tidy, job)
        return told[0]

    async def _unless_lost(self, claim: Claim, running) -> Outcome:
        """What runs under a lost lease is killed: another process may begin the same job."""
        run, lost = asyncio.create_task(running), asyncio.create_task(claim.lost.wait())
        try:
            await asyncio.wait([run, lost], return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                raise LeaseLost(f"{claim.job.name} lost its lease while it ran, and was killed")
            return run.result()
        finally:
            lost.cancel()
            run.cancel()
            await asyncio.wait([run, lost])

    def _order(self, job: JobSettings, run: JobRun, folder: Path) -> Order:
        said = (
            f"due {run.due:%Y-%m-%d %H:%M} UTC" if run.origin is not Origin.ASKED else f"{run.due:%Y-%m-%d %H:%M} UTC"
        )
        made_up = f", caught up; {run.skipped} earlier missed" if run.skipped else ""
        return Order(_notebook(job), job.parameters, folder.resolve(), job.time_limit, job.name, said + made_up)

    async def _refuse(self, job: JobSettings, due: datetime, origin: Origin, skipped: int) -> JobRun:
        known = await asyncio.to_thread(self._runs.get, job.name, due)
        if known is not None:
            return known
        outcome = Outcome(RunState.REFUSED, Fault("the run before is not over, and two of one job never run at once"))
        refused = await asyncio.to_thread(self._runs.refuse, job.name, due, origin, self._holder, outcome, skipped)
        await self._tell(refused, job)
        return refused

    async def _end(self, claim: Claim, outcome: Outcome) -> JobRun:
        return await asyncio.to_thread(self._runs.end, claim.keeper.lease, claim.job.name, claim.run.due, outcome)

    async def _tell(self, run: JobRun, job: JobSettings, png: bytes | None = None) -> None:
        for message in messages(run, job.tell, png):
            try:
                await self._teller.tell(message)
            except WorkbenchError as error:  # the run is in the ledger, where it can be read
                log.error("run_not_told", job=job.name, error=str(error))

    def _tidy(self, job: JobSettings) -> None:
        try:
            prune(self._settings.reports, job.name, job.keep)
            write_index(self._settings.reports, self._runs.last(INDEXED))
        except OSError as error:
            log.error("reports_not_tidied", job=job.name, error=str(error))


def _notebook(job: JobSettings) -> Path:
    """The file itself, or the product's notebook of that name. Raises StartError."""
    own = NOTEBOOKS / job.notebook.with_suffix(".ipynb").name
    found = next((path for path in (job.notebook, own) if path.is_file()), None)
    if found is None or (found is own and len(job.notebook.parts) > 1):
        raise StartError(
            f"job {job.name}: there is no notebook {str(job.notebook)!r}, neither here nor of this product"
        )
    return found.resolve()


def _picture(folder: Path) -> bytes | None:
    try:
        return (folder / "chart.png").read_bytes()
    except OSError:
        return None


def _now() -> datetime:
    return datetime.now(UTC)
