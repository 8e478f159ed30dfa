"""`workbench up` as a user runs it: a process of its own, in a folder of its own, on free ports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.bootstrap.run_file import DeskRun, read_run

T = TypeVar("T")


def environment(home: Path, **more: str) -> dict[str, str]:
    free = {"WORKBENCH_HOME": str(home), "WORKBENCH_EXCHANGE__PORT": "0", "WORKBENCH_PAGE__PORT": "0"}
    return {**os.environ, **free, "COLUMNS": "160", **more}


def workbench(home: Path, *words: str, timeout: float = 90, **more: str) -> subprocess.CompletedProcess:
    """Run `workbench WORDS` to its end, in the folder above `home`."""
    argv = [sys.executable, "-m", "workbench", *words]
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(home, **more),
        cwd=home.parent,
        check=False,
    )


def until(answer: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """The first truthy answer; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := answer():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def children_of(pid: int) -> list[int]:
    """Process ids of everything below `pid`."""
    below = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in below.splitlines()]
    found, look = [], [pid]
    while look:
        parent = look.pop()
        new = [child for child, of in parents if of == parent]
        found += new
        look += new
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end while it is read
        return False


class MainJob:
    """A running `workbench up`."""

    def __init__(self, home: Path, *options: str, **more: str):
        self.home, self.screen = home, home.parent / "screen.txt"
        argv = [sys.executable, "-m", "workbench", "up", "--no-browser", *options]
        with self.screen.open("wb") as screen:
            self.process = subprocess.Popen(argv, stderr=screen, env=environment(home, **more), cwd=home.parent)

    def ready(self, seconds: float = 120.0) -> DeskRun:
        until(lambda: self.process.poll() is not None or "ready after" in self.said(), "workbench up", seconds)
        assert self.process.poll() is None, self.said()
        run = read_run(self.home)
        assert run
        return run

    def said(self) -> str:
        return self.screen.read_text(errors="replace")

    def child(self, name: str) -> int:
        """Process id of the child whose command line holds `name`."""
        for pid in children_of(self.process.pid):
            try:
                if name in Path(f"/proc/{pid}/cmdline").read_text():
                    return pid
            except FileNotFoundError:
                continue
        raise AssertionError(f"no child {name}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)
