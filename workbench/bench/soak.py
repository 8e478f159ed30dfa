"""A desk with four bots, and a viewer who looks at all of its tabs, through replayed hours: how their memory grows.

desk_mb_per_h, kernel_mb_per_h : slope of resident memory over replayed hours after a warm-up, MB a replayed hour, of
the process that leads the desk and of the viewer's kernel.
desk_mb, kernel_mb : their resident memory at the end; hours : replayed hours that were measured.
replayed_h_per_min : how fast they went by: growth that belongs to the wall clock weighs less the faster it is.

Needs Chromium and the package playwright; raises StartError where one is missing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from workbench.bench.browser import chromium, find_chromium
from workbench.bench.dashboard import LIVE
from workbench.bench.page_server import PageServer
from workbench.bootstrap.run_file import DeskRun, read_run
from workbench.domain.errors import StartError

HOURS = 24
TABS = ("live", "risk", "forecasts", "lab", "correlation", "runs", "overview")
START_S = 180.0


@dataclass(frozen=True, slots=True)
class Pace:
    """speed : market seconds a wall second. rounds : through all tabs before measuring. look_s : at one tab."""

    speed: float
    rounds: int
    look_s: float


FULL, QUICK = Pace(360.0, 6, 4.0), Pace(3600.0, 2, 1.0)


def figures(quick: bool) -> dict[str, float]:
    pace = QUICK if quick else FULL
    program = find_chromium("soak")
    with (
        tempfile.TemporaryDirectory(prefix="workbench-soak-") as folder,
        _desk(Path(folder), pace.speed) as run,
        PageServer("--port", "0", "--heated", "1", cwd=Path(folder), env={"WORKBENCH_HOME": folder}) as page,
        chromium(program) as browser,
    ):
        return _soaked(run, page, browser, pace)


def _soaked(run: DeskRun, page: PageServer, browser: Any, pace: Pace) -> dict[str, float]:
    page.wait_until_warm(START_S)
    heated = {kernel.pid for kernel in page.kernels()}
    view = browser.new_context().new_page()
    view.goto(page.address(), wait_until="commit")
    view.wait_for_selector(LIVE, timeout=START_S * 1000)
    kernel = next(kernel for kernel in page.kernels() if kernel.pid in heated)
    tabs = cycle(TABS)

    def look() -> tuple[float, ...]:
        view.locator(f"[role=tab][data-page={next(tabs)}]").click()
        view.wait_for_timeout(pace.look_s * 1000)
        return _hours(run), *(process.memory_info().rss / 1e6 for process in (psutil.Process(run.pid), kernel))

    for _ in range(pace.rounds * len(TABS)):
        look()
    began, seen = time.monotonic(), [look()]
    while seen[-1][0] < seen[0][0] + HOURS or len(seen) < 2 * len(TABS):
        seen.append(look())
    minutes = (time.monotonic() - began) / 60
    hours, desk, page_kernel = np.array(seen).T
    return {
        "desk_mb_per_h": float(np.polyfit(hours, desk, 1)[0]),
        "kernel_mb_per_h": float(np.polyfit(hours, page_kernel, 1)[0]),
        "desk_mb": float(desk[-1]),
        "kernel_mb": float(page_kernel[-1]),
        "hours": float(hours[-1] - hours[0]),
        "replayed_h_per_min": float(hours[-1] - hours[0]) / minutes,
    }


@contextmanager
def _desk(home: Path, speed: float) -> Iterator[DeskRun]:
    """`workbench up` in a process of its own, so that its memory is its own."""
    settings = home / "workbench.toml"
    settings.write_text("[exchange]\nport = 0\n[page]\nport = 0\n")
    argv = [sys.executable, "-m", "workbench", "up", "--no-browser", "--speed", f"{speed:g}"]
    env = {**os.environ, "WORKBENCH_HOME": str(home)}
    with (home / "up.log").open("w") as log:
        desk = subprocess.Popen(argv, cwd=home, env=env, stdout=log, stderr=log)
        try:
            yield _ready(home, desk)
        finally:
            desk.terminate()
            desk.wait(60)


def _ready(home: Path, desk: subprocess.Popen) -> DeskRun:
    """Wait until it serves its page."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and desk.poll() is None:
        if (run := read_run(home)) and run.page_url:
            return run
        time.sleep(0.2)
    raise StartError(f"soak: the desk did not start; its last words: {(home / 'up.log').read_text()[-300:]!r}")


def _hours(run: DeskRun) -> float:
    """The venue's clock, in hours."""
    with urllib.request.urlopen(f"{run.exchange_url}/workbench/v1/clock", timeout=30) as answer:
        return datetime.fromisoformat(json.load(answer)["market_time"]).timestamp() / 3600
