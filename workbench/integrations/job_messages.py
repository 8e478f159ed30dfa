"""What people are told of a run, in words. Pure."""

from collections.abc import Sequence

from workbench.domain.jobs import JobRun, RunState
from workbench.domain.telling import LONGEST_TITLE, Message, Severity

TOPIC = "jobs"


def messages(run: JobRun, to: Sequence[str] = (), png: bytes | None = None) -> list[Message]:
    """One for each reader, or one for everyone where nobody is named."""
    good = run.state is RunState.DONE
    lines = [f"{name}: {text}" for name, text in run.figures] if good else _why(run)
    lines += [_missed(run)] if run.skipped else []
    lines += [run.words] if run.words else []
    lines += [f"report: {run.report}"] if run.report else []
    severity = Severity.INFO if good else Severity.WARNING
    return [
        Message(_title(run), "\n".join(lines), png if good else None, severity, TOPIC, reader) for reader in to or ("",)
    ]


def _title(run: JobRun) -> str:
    at = f" in cell {run.fault.cell}" if run.fault and run.fault.cell else ""
    took = f" in {took_words(run)}" if run.state is RunState.DONE and run.ended_at else ""
    return f"{run.job}: {run.state.value}{at}{took}"[:LONGEST_TITLE]


def _why(run: JobRun) -> list[str]:
    if run.fault is None:
        return []
    where = f"cell {run.fault.cell}, line {run.fault.line}" if run.fault.line else f"cell {run.fault.cell}"
    return [*([f"{where}: {run.fault.source}"] if run.fault.cell else []), run.fault.error]


def _missed(run: JobRun) -> str:
    times = "time" if run.skipped == 1 else "times"
    return f"caught up for {run.due:%Y-%m-%d %H:%M} UTC; {run.skipped} earlier {times} passed while nobody looked"


def took_words(run: JobRun) -> str:
    """'34 s', '12 min'; '–' while it runs."""
    if run.ended_at is None:
        return "–"
    seconds = max((run.ended_at - run.began_at).total_seconds(), 0.0)
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
