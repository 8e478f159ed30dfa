"""Random histories of commands: duplicated, reordered, their desks dying between any two steps; effects are counted.

Real dispatcher, ledger, lease and executor; a bot that counts. A desk "dies" by a fault put between it and the ledger:
from some call on, before it happened or after, everything that process tries raises, as if it were gone.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from workbench.bots.effects import EffectGate
from workbench.commands.dispatcher import Dispatcher
from workbench.domain.commands import CommandState
from workbench.domain.portfolio import BotState, BotStatus, MoneyMode
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.effects import Effects

TTL = timedelta(seconds=5)
STEPS = ("submit", "acquire", "recover", "take", "finish", "settle", "renew", "release", "command")


class Died(BaseException):
    """The process is gone. Not an Exception: nothing in it may catch this and go on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one history came to. `most`: the greatest effect count of one command; `broken`: promises not kept."""

    most: int
    commands: int
    deaths: int
    broken: tuple[str, ...] = ()


class CountingBot:
    """A bot in a process of its own: it outlives the desks. `idempotent`: it knows ids it has seen."""

    def __init__(self, rng: Random, idempotent: bool):
        self.idempotent, self.acts = idempotent, Counter[str]()
        self.gate, self._rng, self._state = EffectGate(), rng, BotState.RUNNING

    def capabilities(self) -> dict[str, Any]:
        return {"capabilities": ["status", "pause", "resume"], "symbols": ["BTC/USD"], "timeframe": "30m"}

    async def status(self) -> BotStatus:
        now = datetime.now(UTC)
        figures = (None, None, None, None, (), 0, True, now, now, now)
        return BotStatus("counter", self._state, MoneyMode.REPLAY, False, *figures)

    async def pause(self, command_id: str, token: int) -> None:
        await self._effect("pause", command_id, token, BotState.PAUSED)

    async def resume(self, command_id: str, token: int) -> None:
        await self._effect("resume", command_id, token, BotState.RUNNING)

    async def _effect(self, verb: str, command_id: str, token: int, state: BotState) -> None:
        async def act() -> None:
            await asyncio.sleep(self._rng.choice((0, 0, 0.002)))
            self.acts[command_id] += 1
            self._state = state

        if self.idempotent:
            await self.gate.once(verb, command_id, token, act)
        else:
            await act()


class MortalLedger:
    """Passes every call on until the `lives`-th of STEPS; that one happens or does not, and then the caller is dead."""

    def __init__(self, ledger: SqlLedger, lives: int, before: bool, died: Callable[[], None]):
        self._ledger, self._lives, self._before, self._died = ledger, lives, before, died
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        return self._counted(found) if name in STEPS else found

    def _counted(self, step: Callable) -> Callable:
        def call(*args: Any, **options: Any) -> Any:
            if self.dead:
                raise Died
            self._lives -= 1
            if self._lives > 0:
                return step(*args, **options)
            self.dead = True
            if not self._before:
                with contextlib.suppress(Exception):  # it happened or failed; its caller never hears which
                    step(*args, **options)
            self._died()
            raise Died

        return call


class _Process:
    """A terminal that asks, and stands in as the desk where there is none. Dies when its ledger says so."""

    def __init__(self, ledger: SqlLedger, bot: CountingBot, lives: int, before: bool):
        self.mortal = MortalLedger(ledger, lives, before, self._died)
        registry = BotRegistry()
        registry.register("counter", bot)
        center = UnifiedCommandCenter(registry, self.mortal)  # type: ignore[arg-type]  # the same calls, until it dies
        center.effects = self.effects = Effects(registry, self.mortal, 2.0, TTL)  # type: ignore[arg-type]
        self.dispatcher = Dispatcher(center, self.mortal)  # type: ignore[arg-type]
        self._ledger, self._loop = ledger, asyncio.get_running_loop()
        self.gone = asyncio.Event()

    def _died(self) -> None:
        self._loop.call_soon_threadsafe(self.gone.set)

    async def ask(self, line: str) -> bool:
        """Whether the line was acknowledged as done. False where the process died on the way."""
        asking = asyncio.create_task(self.dispatcher.ask(line))
        dying = asyncio.create_task(self.gone.wait())
        await asyncio.wait([asking, dying], return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if not asking.done():
            asking.cancel()
        await asyncio.wait([asking])
        if self.mortal.dead:
            self.bury()
        return not asking.cancelled() and asking.exception() is None and asking.result().ok

    def bury(self) -> None:
        """A dead process sends nothing more and its lease runs out: at once here, to save the waiting."""
        stand_in, self.effects._stand_in = self.effects._stand_in, None
        if stand_in:
            keeper, executor, task = stand_in
            for each in (task, *keeper._tasks, *executor._tasks.values()):
                each.cancel()
        lease = self._ledger.holder("desk")
        if lease and lease.holder == self.effects._holder:
            self._ledger.release(lease)


async def history(ledger: SqlLedger, seed: int) -> Outcome:
    """Play one history. Every command must end, have at most one effect, and one if that was acknowledged."""
    rng = Random(seed)
    idempotent = rng.random() < 0.5
    bot = CountingBot(rng, idempotent)
    lines = {f"h{seed}-{n}": rng.choice(("pause", "resume")) for n in range(rng.randint(1, 3))}
    asked = [command_id for command_id in lines for _ in range(rng.randint(1, 3))]
    rng.shuffle(asked)
    processes = [_Process(ledger, bot, rng.randint(2, 25), rng.random() < 0.5) for _ in range(2)]
    acknowledged: set[str] = set()

    async def client(command_id: str, process: _Process, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if not process.mortal.dead and await process.ask(f"/{lines[command_id]} counter --id {command_id}"):
            acknowledged.add(command_id)

    await asyncio.gather(*(client(i, rng.choice(processes), rng.random() * 0.03) for i in asked))
    for process in processes:
        process.mortal.dead = True
        process.bury()
    survivor = _Process(ledger, bot, 10**9, True)
    for command_id, verb in lines.items():
        await survivor.ask(f"/{verb} counter --id {command_id}")
    await survivor.effects.stop()
    deaths = sum(process.gone.is_set() for process in processes)
    broken = _broken(ledger, bot, lines, acknowledged)
    return Outcome(max(bot.acts.values(), default=0), len(lines), deaths, broken)


def _broken(ledger: SqlLedger, bot: CountingBot, lines: dict[str, str], acknowledged: set[str]) -> tuple[str, ...]:
    broken = []
    for command_id in lines:
        record, acts = ledger.command(command_id), bot.acts[command_id]
        if record is None or record.state not in (CommandState.DONE, CommandState.FAILED):
            broken.append(f"{command_id} never ended")
        if acts > 1:
            broken.append(f"{command_id} acted {acts} times")
        if command_id in acknowledged and acts == 0 and bot.idempotent:
            broken.append(f"{command_id} was acknowledged and never acted")
    return tuple(broken)


async def play(count: int, folder: Path, seed: int = 1) -> list[Outcome]:
    """Play `count` histories one after another on one ledger in `folder`."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_quietly)
    ledger = open_ledger(folder / "histories.sqlite")
    try:
        return [await history(ledger, seed * 1_000_000 + number) for number in range(count)]
    finally:
        ledger.close()
        loop.set_exception_handler(None)


def _quietly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tasks of the dead leave their death behind unread; anything else is told as usual."""
    if not isinstance(context.get("exception"), Died):
        loop.default_exception_handler(context)
