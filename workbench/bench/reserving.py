"""Processes that reserve room under one cap on one ledger, some of them killed with SIGKILL: python -m
workbench.bench.reserving LEDGER NAME COUNT reserves COUNT times (with a fourth word: at
random moments that many seconds apart) and prints its times and how often it got room."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.ledger.log import open_ledger

CAP, VALUE = 1000.0, 1.0
KILLED_AFTER_S = 0.3


@dataclass(frozen=True, slots=True)
class Reserved:
    """`times_s`: of every reservation that was answered. `breaches`: ledgers whose reservations came to more than the
    cap, or to another sum than the rows. `killed`: processes that died while they reserved."""

    times_s: Sequence[float]
    breaches: int
    killed: int


def alone(folder: Path, count: int) -> list[float]:
    """Seconds each of `count` reservations takes while nobody else asks, in a process of its own."""
    place = folder / "alone.sqlite"
    _capped(place, (count + 1) * VALUE + 1)
    done = subprocess.run([*_command(place, "a", count)], capture_output=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])["times_s"]


def crowded(places: Sequence[Path | str], processes: int = 8, count: int = 400) -> Reserved:
    """On each ledger (a path or a URL), `processes` at once want 3.2 times what is there; two are killed on the way;
    then the sums are checked."""
    times: list[float] = []
    breaches = killed = 0
    for place in places:
        _capped(place, CAP)
        crew = [subprocess.Popen(_command(place, f"p{n}", count), stdout=subprocess.PIPE) for n in range(processes)]
        time.sleep(KILLED_AFTER_S + 1.0)
        for victim in crew[:2]:
            os.kill(victim.pid, signal.SIGKILL)
        said = [process.communicate()[0] for process in crew]
        killed += sum(process.returncode == -signal.SIGKILL for process in crew)
        times += [t for told in said if told for t in json.loads(told.splitlines()[-1])["times_s"]]
        breaches += _breached(place)
    return Reserved(times, breaches, killed)


def paced(folder: Path, processes: int = 8, count: int = 200, every_s: float = 0.1) -> list[float]:
    """Seconds each reservation takes while `processes` each ask `count` times, one in about `every_s`."""
    place = folder / "paced.sqlite"
    _capped(place, processes * (count + 1) * VALUE + 1)
    crew = [
        subprocess.Popen([*_command(place, f"p{n}", count), str(every_s)], stdout=subprocess.PIPE)
        for n in range(processes)
    ]
    return [t for each in crew for t in json.loads(each.communicate()[0].splitlines()[-1])["times_s"]]


def _capped(place: Path | str, cap: float) -> None:
    ledger = open_ledger(place)
    ledger.exposure.set_cap("desk", cap)
    ledger.close()


def _breached(place: Path | str) -> int:
    """1 where more is reserved than the cap allows, or the rows say otherwise than the total."""
    ledger = open_ledger(place)
    held, reserved, cap = ledger.exposure.usage()["desk"]
    ledger.exposure.reconcile({"desk": held})
    summed = ledger.exposure.usage()["desk"][1]
    ledger.close()
    return int(reserved > cap * (1 + 1e-9) or abs(summed - reserved) > 1e-6)


def _command(place: Path | str, name: str, count: int) -> list[str]:
    return [sys.executable, "-m", "workbench.bench.reserving", str(place), name, str(count)]


def _reserve(place: str, name: str, count: int, every_s: float) -> None:
    ledger, times, room = open_ledger(place), [], 0
    chance = random.Random(name)
    ledger.exposure.reserve(f"{name}-first", {"desk": VALUE})  # brings the connection and its statements: not timed
    for n in range(count):
        time.sleep(chance.expovariate(1 / every_s) if every_s else 0.0)
        began = time.perf_counter()
        room += ledger.exposure.reserve(f"{name}-{n}", {"desk": VALUE}) == ""
        times.append(time.perf_counter() - began)
    sys.stdout.write(json.dumps({"times_s": times, "room": room}) + "\n")


if __name__ == "__main__":
    _reserve(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
