"""A scheduled run: what it is of, how it ended, and what it said. Times UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    """How far a run is. Every state but RUNNING is an end."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # a cell raised
    TIMED_OUT = "timed out"
    KILLED = "killed"  # its kernel or its process died under it
    STOPPED = "stopped"  # whoever ran it was told to stop
    REFUSED = "refused"  # the one before was not over
    LOST = "lost"  # whoever ran it is gone without a word
    BROKEN = "broken"  # it could not be started: notebook missing, unknown parameter …

    @property
    def good(self) -> bool:
        return self in (RunState.RUNNING, RunState.DONE)


class Origin(StrEnum):
    """Why it ran: its time had come, it was caught up after its time, or somebody asked."""

    SCHEDULE = "schedule"
    CAUGHT_UP = "caught up"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a run failed. `cell` counts from 1 over all cells, `line` from 1 within it; 0 where it is not known."""

    error: str
    cell: int = 0
    line: int = 0
    source: str = ""

    def __str__(self) -> str:
        if not self.cell:
            return self.error
        at = f"cell {self.cell}" + (f", line {self.line}" if self.line else "")
        return f"{at}: {self.source.strip()}: {self.error}" if self.source.strip() else f"{at}: {self.error}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `figures`: headline numbers as (name, text); `report`: the folder it wrote, '' for none."""

    state: RunState
    fault: Fault | None = None
    figures: tuple[tuple[str, str], ...] = ()
    words: str = ""
    report: str = ""


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run as the ledger keeps it: at most one for each (job, due). `skipped`: how many due times before this one
    passed unseen and are not made up for."""

    job: str
    due: datetime
    origin: Origin
    state: RunState
    began_at: datetime
    ended_at: datetime | None = None
    skipped: int = 0
    report: str = ""
    words: str = ""
    fault: Fault | None = None
    figures: tuple[tuple[str, str], ...] = ()
    by: str = ""
