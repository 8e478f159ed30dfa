"""A halt killed with SIGKILL at each of its steps in turn, and taken up by another process that was there all along.

Steps are every writing to the ledger (before it, after it) and every effect sent (before it, after the answer). The
bots live on, in this process, over HTTP; they remember effect ids, as all bots must.
"""

import asyncio
import json
import sys
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.bench.counting import TOKEN
from workbench.bench.halt_process import SETTINGS, Fuse, TellingVenue
from workbench.bots.effects import EffectGate
from workbench.bots.http_bot import HttpBot
from workbench.bots.server import BotServer
from workbench.domain.desk import DeskState
from workbench.domain.portfolio import BotState, BotStatus, MoneyMode, Position
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.emergency import EmergencyStop

BOTS = 3
HEIR_S = 15.0
SIDE_BY_SIDE = 3


@dataclass(frozen=True, slots=True)
class Swept:
    """`completed`: halts that ended with every bot halted, flat and the latch held. `resumed`: bots found running.
    `latched`: crashes that came after the latch; before it there is no halt, and the bots rightly trade on."""

    crashes: int
    latched: int
    completed: int
    resumed: int
    most_effects: int


class RiggedBot:
    """Holds a position until it is halted. Guards itself as research bots do."""

    def __init__(self, bot_id: str):
        self.bot_id, self.gate = bot_id, EffectGate()
        self.state, self.held, self.acts = BotState.RUNNING, 1.0, Counter[str]()

    def capabilities(self):
        told = {"bot_id": self.bot_id, "kind": "rig", "capabilities": ["status", "halt"], "symbols": ["BTC/USD"]}
        return {**told, "timeframe": "30m", "gated": False, "tags": [], "version": "1"}

    def status(self) -> BotStatus:
        now = datetime.now(UTC)
        held = (Position("BTC/USD", self.held, 1.0, 1.0, now),) if self.held else ()
        figures = (None, None, None, None, held, 0, True, now, now, now)
        return BotStatus(self.bot_id, self.state, MoneyMode.REPLAY, False, *figures)

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        async def act() -> None:
            self.acts[command_id] += 1
            self.state, self.held = BotState.HALTED, 0.0

        await self.gate.once("halt", command_id, token, act)


async def sweep(most: int, folder: Path) -> Swept:
    """Kill at the first `most` steps, or spread over all of them where there are more."""
    total = await _steps(folder)
    steps = sorted({1 + round(n * (total - 1) / max(most - 1, 1)) for n in range(min(most, total))})
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def crash(step: int) -> Swept:
        async with places:
            return await _crash(step, folder / f"crash{step}.sqlite")

    told = await asyncio.gather(*(crash(step) for step in steps))
    latched = [each for each in told if each.latched]
    return Swept(
        len(told),
        len(latched),
        sum(each.completed for each in latched),
        sum(each.resumed for each in latched),
        max(each.most_effects for each in told),
    )


async def _steps(folder: Path) -> int:
    """How many steps a halt has that nobody kills."""
    async with served() as (bots, urls):
        said, code = await _halting(folder / "whole.sqlite", urls, 0)
    if code or any(bot.held for bot in bots.values()):
        raise RuntimeError(f"a halt that nobody killed did not end well: {said!r}")
    return int(json.loads(said)["touched"])


async def _crash(step: int, ledger_path: Path) -> Swept:
    async with served() as (bots, urls):
        await _halting(ledger_path, urls, step)
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


@asynccontextmanager
async def heir(ledger, urls):
    """Another process's emergency stop, as a desk that stands by has one."""
    registry = BotRegistry()
    bots = {bot_id: HttpBot(bot_id, url, TOKEN) for bot_id, url in urls.items()}
    for bot_id, bot in bots.items():
        registry.register(bot_id, bot, capabilities=["status", "halt"])
    stop = EmergencyStop(registry, ledger, [TellingVenue(bots, Fuse(0))], SETTINGS)
    stop.start()
    try:
        yield
    finally:
        await stop.stop()
        for bot in bots.values():
            await bot.close()


async def ended(ledger) -> bool:
    until = asyncio.get_running_loop().time() + HEIR_S
    while asyncio.get_running_loop().time() < until:
        if not await asyncio.to_thread(ledger.halts.open):
            return True
        await asyncio.sleep(0.05)
    return False


async def _halting(ledger_path: Path, urls: dict[str, str], step: int) -> tuple[bytes, int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench.bench.halt_process", str(ledger_path), json.dumps(urls), str(step)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    return said, process.returncode or 0


class served:
    """Fresh bots behind servers: ({id: bot}, {id: url})."""

    async def __aenter__(self):
        self._stack = AsyncExitStack()
        bots = {f"rig{n}": RiggedBot(f"rig{n}") for n in range(BOTS)}
        urls = {}
        for bot_id, bot in bots.items():
            server = BotServer(bot, TOKEN)
            urls[bot_id] = await server.start()
            self._stack.push_async_callback(server.stop)
        return bots, urls

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
