"""An emergency stop of 1,000 simulated bots that trade on: 10 % hang, 10 % error, 5 % lie, 10 % slow, 65 % good.

confirmed_or_named_s: from the call to the report, in which every bot is confirmed or named. reachable_p99_s: from the
call until 99 of 100 bots that can be reached (good and slow) had cancelled, closed and answered; their own time for
that (20–200 ms, slow ones 0.5–1.5 s) is in it. exposure_after_1s: positions opened later than 1 s after the call by
bots that can be reached. liars_caught: liars named in the report or by the watch, of `liars`; half of them stand flat
until after the report and trade again then. most_effects: the most often that one bot was told under one id after 100
repeats. Real registry, ledger and lease; the venue and the bots are objects in this process, so no network is in it.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from workbench.bench import halt_crashes, halt_syscalls
from workbench.bench.halt_floor import Floor, mixture
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.emergency import EmergencyStop, HaltReport
from workbench.settings import HaltSettings

BOTS = 1000
FLAT_S = 10.0
REPEATS = 100
CRASHES = {True: 6, False: 200}
CALLS = {True: 4, False: 1000}
RESTARTS = {True: 100, False: 1000}


def figures(quick: bool) -> dict[str, float]:
    """What was promised, and what stands behind it."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_halted(Path(folder)))
        swept = asyncio.run(halt_crashes.sweep(CRASHES[quick], Path(folder)))
        found |= asyncio.run(_by_system_call(quick, Path(folder)))
    return found | {
        "crashes": float(swept.crashes),
        "crashes_latched": float(swept.latched),
        "crashes_completed": float(swept.completed),
        "spontaneous_resumes": float(swept.resumed),
    }


async def _by_system_call(quick: bool, folder: Path) -> dict[str, float]:
    """Killed at each write, fsync and send; and a halted desk started again and again. No strace: no such keys."""
    starts, resumed = await halt_syscalls.restarts(RESTARTS[quick], folder)
    found = {"restarts": float(starts), "restarts_resumed": float(resumed)}
    if not halt_syscalls.available():
        return found
    sites, swept = await halt_syscalls.sweep(CALLS[quick], folder)
    return found | {
        "syscall_sites": float(sites),
        "syscall_crashes": float(swept.crashes),
        "syscall_crashes_latched": float(swept.latched),
        "syscall_crashes_completed": float(swept.completed),
        "syscall_resumes": float(swept.resumed),
    }


async def _halted(folder: Path) -> dict[str, float]:
    ledger = open_ledger(folder / "halt.sqlite")
    floor, registry = Floor(mixture(BOTS), flat_s=FLAT_S), BotRegistry()
    random.Random(1).shuffle(order := list(floor.bots))
    for bot_id in order:
        registry.register(bot_id, floor.bots[bot_id])
    stop = EmergencyStop(registry, ledger, [floor.venue], HaltSettings())
    floor.start()
    await asyncio.sleep(0.5)
    try:
        return await _figures(floor, stop, ledger)
    finally:
        await stop.stop()
        await floor.stop()
        ledger.close()


async def _figures(floor: Floor, stop: EmergencyStop, ledger: SqlLedger) -> dict[str, float]:
    began = monotonic()
    report = await stop.halt("all", "bench", "bench")
    took_s = monotonic() - began
    await asyncio.gather(*(stop.halt("all", "again", "bench") for _ in range(REPEATS)))
    liars = set(floor.of("lie open", "lie flat"))
    named = {finding.bot_id for finding in report.findings if not finding.confirmed}
    await _until(lambda: _caught(ledger, liars, named), 20.0)
    reachable = floor.of("good", "slow")
    late = sorted(floor.bots[bot_id].stopped_at - began for bot_id in reachable)
    return {
        "bots": float(len(report.findings)),
        "confirmed_or_named_s": took_s,
        "reachable_p99_s": late[int(0.99 * len(late))],
        "reachable_confirmed": float(sum(f.confirmed for f in report.findings if f.bot_id in set(reachable))),
        "reachable": float(len(reachable)),
        "confirmed_unheard": float(_unheard(floor, report)),
        "exposure_after_1s": float(sum(b in set(reachable) and at > began + 1 for b, at in floor.venue.opened)),
        "liars": float(len(liars)),
        "liars_caught": float(len(liars & (named | _reopened(ledger)))),
        "most_effects": float(max(max(floor.bots[bot_id].acts.values()) for bot_id in reachable)),
    }


def _unheard(floor: Floor, report: HaltReport) -> int:
    """Bots reported as confirmed that hang or fail."""
    bad = set(floor.of("hang", "error"))
    return sum(finding.confirmed and finding.bot_id in bad for finding in report.findings)


def _reopened(ledger: SqlLedger) -> set[str]:
    return {event.payload["bot_id"] for event in ledger.read(limit=10_000, kinds=["HaltReopened"])}


async def _caught(ledger: SqlLedger, liars: set[str], named: set[str]) -> bool:
    return liars <= named | await asyncio.to_thread(_reopened, ledger)


async def _until(true: Callable[[], Awaitable[bool]], within_s: float) -> None:
    until = monotonic() + within_s
    while monotonic() < until and not await true():  # noqa: ASYNC110 - a ledger has no event to set
        await asyncio.sleep(0.1)
