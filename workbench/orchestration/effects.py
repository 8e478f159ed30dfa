"""Effects asked for anywhere: into the ledger with an id, done once by whoever holds the lease, awaited here."""

import asyncio
import contextlib
import getpass
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from workbench.domain.commands import Command, CommandRecord, CommandState
from workbench.domain.errors import BotError, CommandError
from workbench.domain.forecasts import TuneResult
from workbench.domain.market import Timeframe
from workbench.domain.ports import Progress
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.executor import PROGRESSED, Executor
from workbench.orchestration.fan_out import Answer, Answered, Failed
from workbench.orchestration.questions import Asking, CrossBotResult, checked_args

log = structlog.get_logger(__name__)
EFFECTS: Mapping[str, Mapping[str, bool]] = {
    "pause": {},
    "resume": {},
    "halt": {},
    "tune": {"symbol": True, "timeframe": True},
}
LEASE = "desk"
TTL = timedelta(seconds=6)
LOOK_S = 0.02
GRACE_S = 2 * TTL.total_seconds()  # a dead holder's lease runs out, and somebody takes over, within this
ENDED = (CommandState.DONE, CommandState.FAILED)


def process_name() -> str:
    """A name for this process as a lease holder: readable, and never shared with another."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def issuer() -> str:
    """Who is at the keyboard, for the record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a user name
        return "unknown"


class Effects:
    """Submits commands and waits for their end. Where nobody holds the lease, this process takes it for the while."""

    def __init__(self, registry: BotRegistry, ledger: SqlLedger, deadline_s: float = 10.0, ttl: timedelta = TTL):
        self._registry, self._ledger, self._deadline_s, self._ttl = registry, ledger, deadline_s, ttl
        self._holder, self._issuer = process_name(), issuer()
        self._stand_in: tuple[LeaseKeeper, Executor, asyncio.Task] | None = None
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def carry_out(
        self, name: str, args: Mapping[str, Any], bots: Sequence[str], command_id: str | None, how: Asking
    ) -> CrossBotResult:
        """Have `name` done to `bots`, once, and return what the ledger says of it.

        Cancelling the wait for a tuning cancels the tuning; any other effect goes on. Raises LedgerError where
        `command_id` was another command's.
        """
        given = checked_args(name, args, EFFECTS[name])
        if not bots:
            raise CommandError(f"{name} needs a bot; none is registered")
        await self._check_reach(name, bots)
        by, id_ = how.by or self._issuer, command_id or secrets.token_hex(8)
        command = Command(id_, name, {"targets": list(bots), **given}, by, datetime.now(UTC))
        await asyncio.to_thread(self._ledger.submit, command)
        async with self._someone_acts() as ensure_holder:
            try:
                return result_of(await self._ended(command, how, ensure_holder))
            except asyncio.CancelledError:
                if name == "tune":
                    await asyncio.shield(self.cancel(command.command_id))
                raise

    async def cancel(self, command_id: str, within_s: float = 3.0) -> None:
        """Ask whoever runs the tuning `command_id` to end it, and wait a little until that is done."""
        args = {"command_id": command_id}
        command = Command(f"cancel:{command_id}", "cancel", args, self._issuer, datetime.now(UTC))
        await asyncio.to_thread(self._ledger.submit, command)
        until = asyncio.get_running_loop().time() + within_s
        while asyncio.get_running_loop().time() < until:
            record = await asyncio.to_thread(self._ledger.command, command_id)
            if record is None or record.state in ENDED:
                return
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        """Hand back the lease, if this process holds it for a while."""
        async with self._turn:
            await self._step_down()

    async def _check_reach(self, name: str, bots: Sequence[str]) -> None:
        """Objects of this process cannot be reached by a desk elsewhere: say so before anything is recorded."""
        local = [bot_id for bot_id in bots if self._registry.get(bot_id).local]
        if not local:
            return
        lease = await asyncio.to_thread(self._ledger.holder, LEASE)
        here = f"{socket.gethostname()}:{os.getpid()}:"
        if lease and not lease.holder.startswith(here):
            raise BotError(
                f"cannot {name} {', '.join(local)}: it lives in this process only, and effects are done by the desk "
                f"({lease.holder}); serve it with workbench.bots.server.BotServer and register its address"
            )

    async def _ended(
        self, command: Command, how: Asking, ensure_holder: Callable[[], Awaitable[None]]
    ) -> CommandRecord:
        """Wait for the end, progress reported; after the deadline return what is known so far."""
        loop = asyncio.get_running_loop()
        patience_s = 86400.0 if command.name == "tune" else how.deadline_s + GRACE_S
        until, seen = loop.time() + patience_s, await asyncio.to_thread(self._ledger.head)
        while True:
            record = await asyncio.to_thread(self._ledger.command, command.command_id)
            if record is None:  # it was submitted: only a ledger put back from a copy forgets it
                raise CommandError(f"the ledger no longer knows command {command.command_id!r}; was it restored?")
            if how.progress and command.name == "tune":
                seen = await self._tell_progress(command.command_id, seen, how.progress)
            if record.state in ENDED or loop.time() > until:
                return record
            await ensure_holder()
            await asyncio.sleep(LOOK_S)

    async def _tell_progress(self, command_id: str, after: int, progress: Progress) -> int:
        for event in await asyncio.to_thread(self._ledger.read, after, 1000, [PROGRESSED]):
            after = event.seq
            if event.payload["command_id"] == command_id:
                progress(event.payload["done"], event.payload["words"])
        return after

    @contextlib.asynccontextmanager
    async def _someone_acts(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """While inside, calling what is yielded makes sure that somebody holds the lease, at worst this process."""
        self._waiting += 1
        try:
            yield self._ensure_holder
        finally:
            self._waiting -= 1
            if self._waiting == 0:
                await asyncio.shield(self.stop())

    async def _ensure_holder(self) -> None:
        async with self._turn:
            if self._stand_in and not self._stand_in[2].done():
                return
            await self._step_down()
            if await asyncio.to_thread(self._ledger.holder, LEASE):
                return
            keeper = LeaseKeeper(self._ledger, LEASE, self._holder, self._ttl, lambda why: None)
            if await keeper.start() is None:
                return
            executor = Executor(self._registry, self._ledger, keeper, self._deadline_s)
            self._stand_in = (keeper, executor, asyncio.create_task(executor.run()))

    async def _step_down(self) -> None:
        stand_in, self._stand_in = self._stand_in, None
        if stand_in:
            keeper, executor, task = stand_in
            await executor.finish()
            task.cancel()
            await asyncio.wait([task])
            await keeper.stop()


def result_of(record: CommandRecord) -> CrossBotResult:
    """A command's record, bot by bot."""
    told = record.result.get("bots", {})
    answers: dict[str, Answer] = {}
    for bot_id in record.command.args.get("targets", ()):
        said = told.get(bot_id)
        if said is None:
            words = str(record.result.get("words", "")) or f"{record.state}: nobody has carried it out yet"
            answers[bot_id] = Failed(bot_id, words, 0.0)
        elif said["ok"]:
            value = said.get("value", "done")
            value = tuned(value) if record.command.name == "tune" else value
            answers[bot_id] = Answered(bot_id, value, said["latency_ms"])
        else:
            answers[bot_id] = Failed(bot_id, said["words"], said["latency_ms"])
    return CrossBotResult(record.command.name, answers, record=record)


def tuned(said: Mapping[str, Any]) -> TuneResult:
    """A tuning's result as the ledger keeps it, read back."""
    moment = datetime.fromisoformat(said["seen_at"])
    return TuneResult(**{**said, "timeframe": Timeframe.parse(said["timeframe"]), "seen_at": moment})
