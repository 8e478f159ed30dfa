"""A halt killed with SIGKILL as it enters each write, fsync and send in turn, by the kernel's own hand.

`strace` counts the system calls of a halt that nobody kills, then kills one halt at each of them (at the n-th of a kind
in any thread). Another process's emergency stop, as a desk that stands by has one, takes up what is left. And a halted
desk started again and again: nothing resumes by itself.
"""

import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from workbench.bench.halt_crashes import RiggedBot, Swept, ended, heir, served
from workbench.domain.desk import DeskState
from workbench.domain.portfolio import BotState
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.desk import Desk

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "sendto", "sendmsg")
LINE = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)")
SIDE_BY_SIDE = 2
LONGEST_S = 60.0


def available() -> bool:
    """Whether this machine can trace: strace is there and allowed to."""
    return shutil.which("strace") is not None


async def sweep(most: int, folder: Path) -> tuple[int, Swept]:
    """(sites, what became of those tried): at most `most` of them, spread over all."""
    sites = await _sites(folder)
    tried = sites if len(sites) <= most else [sites[round(n * (len(sites) - 1) / (most - 1))] for n in range(most)]
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def crash(call: str, count: int) -> Swept:
        async with places:
            return await _crash(call, count, folder / f"{call}{count}.sqlite")

    told = await asyncio.gather(*(crash(*site) for site in tried))
    latched = [each for each in told if each.latched]
    completed, resumed = sum(each.completed for each in latched), sum(each.resumed for each in latched)
    return len(sites), Swept(len(told), len(latched), completed, resumed, max(each.most_effects for each in told))


async def restarts(times: int, folder: Path) -> tuple[int, int]:
    """(starts, how many found a bot running or the latch gone afterwards) of a whole desk on one halted ledger."""
    bot, path = RiggedBot("rig0"), folder / "restarts.sqlite"
    ledger = open_ledger(path)
    ledger.states.tighten("desk", DeskState.HALTED, "bench", "bench")
    ledger.close()
    bot.state, bot.held = BotState.HALTED, 0.0
    resumed = 0
    for _ in range(times):
        ledger, registry = open_ledger(path), BotRegistry()
        registry.register("rig0", bot, capabilities=["status", "halt"])
        desk = Desk(UnifiedCommandCenter(registry, ledger), ledger)
        await desk.start()
        while desk.lease is None:  # noqa: ASYNC110 - a desk tells of its lease by having one
            await asyncio.sleep(0.005)
        await desk.stop()
        held = ledger.states.all().get("desk")
        resumed += bot.state is not BotState.HALTED or held is None or held.state is not DeskState.HALTED
        ledger.close()
    return times, resumed


async def _sites(folder: Path) -> list[tuple[str, int]]:
    """(call, n) for every n up to the most that any thread of a whole halt makes of it."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".trace") as trace:
        async with served() as (bots, urls):
            code = await _traced(["-o", trace.name, "-e", f"trace={','.join(CALLS)}"], folder / "whole.sqlite", urls)
            if code or any(bot.held for bot in bots.values()):
                raise RuntimeError("a halt that nobody killed did not end well under strace; may this process trace?")
        lines = (await asyncio.to_thread(Path(trace.name).read_text, errors="replace")).splitlines()
    made = Counter(match.groups() for line in lines if "resumed>" not in line and (match := LINE.match(line)))
    most = {call: max((n for (_, name), n in made.items() if name == call), default=0) for call in CALLS}
    return [(call, n) for call in CALLS for n in range(1, most[call] + 1)]


async def _crash(call: str, count: int, ledger_path: Path) -> Swept:
    async with served() as (bots, urls):
        how = f"inject={call}:signal=SIGKILL:when={count}"
        await _traced(["-o", "/dev/null", "-e", f"trace={call}", "-e", how], ledger_path, urls)
        ledger = open_ledger(ledger_path)
        latched = "desk" in ledger.states.all()
        async with heir(ledger, urls):
            done = latched and await ended(ledger)
            held = ledger.states.all().get("desk")
        ledger.close()
        running = sum(bot.state is not BotState.HALTED for bot in bots.values())
        flat = not any(bot.held for bot in bots.values())
        good = bool(done and flat and not running and held and held.state is DeskState.HALTED)
        effects = max(max(bot.acts.values(), default=0) for bot in bots.values())
        return Swept(1, int(latched), int(good), running if latched else 0, effects)


async def _traced(options: list[str], ledger_path: Path, urls: dict[str, str]) -> int:
    halting = (sys.executable, "-m", "workbench.bench.halt_process", str(ledger_path), json.dumps(urls), "0")
    process = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-qq", *options, *halting),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise RuntimeError("a traced halt did not end within a minute") from None
