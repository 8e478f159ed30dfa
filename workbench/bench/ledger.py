"""The ledger: how soon another process sees an event, how many are kept a second, and what a crash takes.

p50_ms, p99_ms: from the call of `append` (cheap: not waiting for the disk) until the event is in the hands of a tail in
another process, 100 a second; p50_full_ms, p99_full_ms: the same for events that wait for the disk. events_per_s_full:
single durable appends by one process, one after the other. The rest counts what was acknowledged and is gone:
after kill -9, after a simulated power loss, and in the control (`synchronous=NORMAL`), which must lose something.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from workbench.bench import ledger_power
from workbench.bench.ledger_processes import context, crowd, event, follow, kill_writers, switch_desks
from workbench.ledger import filesystem
from workbench.ledger.log import SqlLedger, open_ledger

RATE = 100
POSTGRES = "WORKBENCH_BENCH_POSTGRES"  # URL of an empty database: the same figures for it, their keys prefixed pg_


def figures(quick: bool) -> dict[str, float]:
    """Every figure of this run; the counts behind them (kills, power_losses, switches …) are figures too."""
    found: dict[str, float] = {}
    with _disk_folder() as folder:
        found |= latencies(str(folder / "latency.sqlite"), events=300 if quick else 1500)
        found |= {"idle_tail_core_fraction": idle_cost(str(folder / "idle.sqlite"))}
        found |= throughput(str(folder), seconds=1.0 if quick else 4.0)
        found |= killed(str(folder / "kills.sqlite"), kills=25 if quick else 200)
        found |= desks(str(folder / "desks.sqlite"), switches=6 if quick else 100)
    found |= power(losses=60 if quick else 500)
    if url := os.environ.get(POSTGRES):
        found |= {f"pg_{key}": value for key, value in latencies(url, events=300 if quick else 1500).items()}
    return found


def latencies(url: str, events: int) -> dict[str, float]:
    """Append to seen, cheap and durable, with one follower."""
    cheap, busy = _seen_after(url, "cheap", events, durable=False)
    full, _ = _seen_after(url, "full", events, durable=True)
    return {
        "p50_ms": float(np.percentile(cheap, 50)),
        "p99_ms": float(np.percentile(cheap, 99)),
        "p50_full_ms": float(np.percentile(full, 50)),
        "p99_full_ms": float(np.percentile(full, 99)),
        "busy_tail_core_fraction": busy,
    }


def _seen_after(url: str, kind: str, events: int, durable: bool) -> tuple[list[float], float]:
    """Milliseconds of each event, and the fraction of a core that following them took."""
    start, warm = context(), 20
    ledger = open_ledger(url)
    ready, heard = start.Semaphore(0), start.Queue()
    reader = start.Process(target=follow, args=(url, kind, warm + events, ready, heard), daemon=True)
    reader.start()
    ready.acquire()
    _pace(ledger, kind, range(warm), durable)
    ready.acquire()  # it follows; what came before is not measured
    _pace(ledger, kind, range(warm, warm + events), durable)
    found, busy = heard.get(timeout=60)
    reader.join()
    ledger.close()
    return [1000 * age for _, _, age in found[warm:]], busy


def _pace(ledger: SqlLedger, kind: str, numbers: range, durable: bool) -> None:
    began = time.monotonic()
    for at, number in enumerate(numbers):
        time.sleep(max(0.0, began + at / RATE - time.monotonic()))
        ledger.append([event(kind, number, sent=time.monotonic())], durable)


def idle_cost(url: str, seconds: float = 2.0) -> float:
    """Fraction of a core that a tail takes while nothing happens."""
    start = context()
    ledger = open_ledger(url)
    ready, heard = start.Semaphore(0), start.Queue()
    reader = start.Process(target=follow, args=(url, "idle", 1, ready, heard), daemon=True)
    reader.start()
    ready.acquire()
    time.sleep(seconds)
    ledger.append([event("idle", 0, sent=time.monotonic())])
    _, used = heard.get(timeout=60)
    reader.join()
    ledger.close()
    return used


def throughput(folder: str, seconds: float) -> dict[str, float]:
    """Events a second: one process and single events, batches of 100, and eight processes with a follower."""
    ledger = open_ledger(f"{folder}/throughput.sqlite")
    found = {
        "events_per_s_full": _rate(ledger, "full", 1, True, seconds),
        "events_per_s_cheap": _rate(ledger, "cheap", 1, False, seconds),
        "events_per_s_full_batch_100": _rate(ledger, "batch", 100, True, seconds),
    }
    ledger.close()
    together = crowd(f"{folder}/crowd.sqlite", writers=8, each=150)
    return {**found, "events_per_s_full_8_writers": together.events_per_s, "lost_by_follower": float(together.lost)}


def _rate(ledger: SqlLedger, name: str, batch: int, durable: bool, seconds: float) -> float:
    began, count = time.perf_counter(), 0
    while (taken := time.perf_counter() - began) < seconds:
        ledger.append([event(name, number) for number in range(count, count + batch)], durable)
        count += batch
    return count / taken


def killed(url: str, kills: int) -> dict[str, float]:
    outcome = kill_writers(url, kills)
    return {"lost_after_kill": float(outcome.lost), "kills": float(outcome.kills), "acked": float(outcome.acked)}


def desks(url: str, switches: int) -> dict[str, float]:
    outcome = switch_desks(url, switches)
    wrong = outcome.under_old_token + outcome.more_than_once + outcome.untrue_outcomes
    return {"effects_under_old_token": float(wrong), "switches": float(outcome.switches)}


def power(losses: int) -> dict[str, float]:
    """Half of the losses strike durable events alone, half durable among cheap ones; the control gets as many."""
    full, mixed = (ledger_power.simulate(manner, losses // 2) for manner in ("full", "mixed"))
    control = ledger_power.simulate("normal", losses)
    return {
        "lost_after_power": float(full.lost + mixed.lost),
        "damaged_after_power": float(full.damaged + mixed.damaged + control.damaged),
        "power_losses": float(full.losses + mixed.losses),
        "control_lost": float(control.lost),
        "control_losses_that_hurt": float(control.hurt),
    }


@contextmanager
def _disk_folder() -> Iterator[Path]:
    """A temporary folder on a disk: in memory a durable append would cost nothing and mean nothing."""
    usual = tempfile.gettempdir()
    where = str(Path.cwd()) if filesystem.caveat(Path(usual)) else usual
    with tempfile.TemporaryDirectory(prefix="workbench-bench-", dir=where) as folder:
        yield Path(folder)
