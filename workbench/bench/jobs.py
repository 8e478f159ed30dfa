"""Scheduled notebooks: seconds from a notebook that fails, dies or hangs to the message about it; and due times while
clocks change and are set: how many run twice, how many are lost. (That two runs never overlap is held by the lease.)"""

import asyncio
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat.v4 as v4

from workbench.domain.cron import parse_cron
from workbench.domain.telling import Message
from workbench.integrations.job_plan import decide
from workbench.integrations.notebook_jobs import NotebookJobs
from workbench.ledger.log import open_ledger
from workbench.settings import JobSettings, Settings

LIMIT_S = 5.0
WAYS = {
    "failed": "mark(); 1 / 0",
    "kernel_killed": "mark(); os.kill(os.getpid(), signal.SIGKILL)",
    "process_killed": "mark(); os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)",
    "timed_out": "time.sleep(600)",
    "hung": "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
}
ZONE = ZoneInfo("Europe/Berlin")
CRONS = ("0 7 * * *", "30 2 * * *", "0 * * * *", "*/15 * * * *", "30 1-3 * * *")
CHANGES = (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS = (timedelta(0),) * 4 + (HOUR, -HOUR, 3 * DAY, -3 * DAY)


def figures(quick: bool = False) -> dict[str, float]:
    """`…_told_s`: from the fact to the message in the teller's hands, page not waited for. `quick`: two ways."""
    chosen = ["failed", "hung"] if quick else list(WAYS)
    return {**asyncio.run(_told(chosen)), **_clocks(200 if quick else 2000)}


class _Heard:
    """When each job's message came."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def tell(self, message: Message) -> None:
        self.at[message.title.partition(":")[0]] = time.time()


async def _told(ways: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="wb-jobs-") as name:
        folder, heard = Path(name), _Heard()
        jobs = tuple(
            JobSettings(name=way, notebook=_notebook(folder, way), cron="@daily", time_limit=_limit(way))
            for way in ways
        )
        settings = Settings(home=folder / "home", reports=folder / "reports", jobs=jobs)
        ledger = open_ledger(settings.ledger_url)
        runner, seconds = NotebookJobs(settings, ledger, heard), {}
        for way in ways:  # one by one: each is measured, not how many the machine can carry
            sys.stderr.write(f"{way} …\n")
            await runner.run(way)
            fact = float((folder / f"{way}.at").read_text()) + (LIMIT_S if _limit(way) == LIMIT_S else 0.0)
            seconds[f"{way}_told_s"] = round(heard.at[way] - fact, 2)
        ledger.close()
    return seconds | {"told_s_worst": max(seconds.values())}


def _limit(way: str) -> float:
    return LIMIT_S if way in ("timed_out", "hung") else 300.0


def _notebook(folder: Path, way: str) -> Path:
    """Its first cell says when it began, `mark()` says it again just before the fact."""
    at = str(folder / f"{way}.at")
    mark = f"import os, signal, time\n\ndef mark():\n    open({at!r}, 'w').write(str(time.time()))\n"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [v4.new_code_cell(f"{mark}\nmark()"), v4.new_code_cell(WAYS[way])]
    path = folder / f"{way}.ipynb"
    path.write_text(v4.writes(v4.new_notebook(cells=cells, metadata=kernel)))
    return path


def _clocks(histories: int) -> dict[str, float]:
    """Random histories over both changes of clocks: a desk that looks every 13 minutes or was away for hours, a clock
    that is set by ±1 h and ±3 days. Lost: passed by the clock since the job is known, not run, not told as missed."""
    rng, double, lost, due_times = random.Random(1), 0, 0, 0
    for _ in range(histories):
        runs, skipped, passed = _history(rng)
        double, due_times = double + len(runs) - len(set(runs)), due_times + len(passed)
        lost += len(passed - set(runs) - skipped)
    counted = {"histories": histories, "due_times": due_times, "double": double, "lost": lost}
    return {name: float(count) for name, count in counted.items()}


def _history(rng: random.Random) -> tuple[list[datetime], set[datetime], set[datetime]]:
    """(due times run, told as missed, passed by the clock)."""
    cron, start = parse_cron(rng.choice(CRONS)), rng.choice(CHANGES)
    now, until = start, start
    runs: list[datetime] = []
    skipped: set[datetime] = set()
    passed: set[datetime] = set()
    for _ in range(40):
        step = timedelta(minutes=13) if rng.random() < 0.8 else timedelta(hours=rng.randint(1, 9))
        before, now = now, now + step + rng.choice(JUMPS)
        if now > before:
            passed |= {due for due in cron.between(before, now, ZONE) if due > start}
        found = decide(cron, ZONE, until, now, set(runs).intersection)
        until, skipped = found.decided_until or until, skipped | set(found.skipped)
        runs += [found.due] if found.due else []
    return runs, skipped, passed
