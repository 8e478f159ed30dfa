"""Carries commands out, each once, while the lease is held. What an earlier holder left unfinished comes first."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from workbench.domain.commands import Command, CommandState, Lease
from workbench.domain.errors import LeaseLost, LedgerError, WorkbenchError
from workbench.domain.events import NewEvent
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.deeds import WANTED, Deed, Turns, change_state, tune
from workbench.orchestration.plain_text import plain, reason
from workbench.orchestration.trading_states import binding, scopes_over, words_of

log = structlog.get_logger(__name__)
PROGRESSED = "TuneProgressed"
LOOK_S = 0.02
RETRY_S = 0.5
PROGRESS_S = 0.5
TOO_OLD = timedelta(minutes=10)  # what makes bots trade is not done long after it was asked for; stopping always is
SAFE_WHEN_LATE = {"pause", "halt", "cancel"}


class Executor:
    """The hand of the lease holder. `run` ends when the lease is lost; nothing is sent after that.

    Commands run side by side, so that one slow bot holds up nobody else; at one bot they keep their order.
    """

    def __init__(self, registry: BotRegistry, ledger: SqlLedger, keeper: LeaseKeeper, deadline_s: float = 10.0):
        self._registry, self._ledger, self._keeper, self._deadline_s = registry, ledger, keeper, deadline_s
        self._turns, self._tasks, self._cancelled = Turns(), dict[str, asyncio.Task](), set[str]()
        self._token, self._closing, self._took_last = keeper.token, False, asyncio.Event()

    async def run(self) -> None:
        """Recover, then take and do, until the lease is lost."""
        try:
            for record in await asyncio.to_thread(self._ledger.recover, self._lease()):
                self._begin(record.command, again=True)
            while not self._closing:
                await self._step()
            self._took_last.set()
            await asyncio.Event().wait()  # what is under way goes on until somebody cancels us
        except LeaseLost as error:
            log.warning("executor_stopped", reason=str(error))
        finally:
            self._took_last.set()
            for task in self._tasks.values():
                task.cancel()

    async def finish(self, within_s: float = 5.0) -> None:
        """Take nothing more and wait for what is under way; what takes longer is left to the next holder."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._took_last.wait()
                while self._tasks:
                    await asyncio.wait(list(self._tasks.values()))

    async def _step(self) -> None:
        try:
            command = await asyncio.to_thread(self._ledger.take, self._lease())
        except LeaseLost:
            raise
        except LedgerError as error:  # a full disk, a database away: the lease decides how long we go on trying
            log.warning("ledger_fails", error=str(error))
            await asyncio.sleep(RETRY_S)
            return
        if command is None:
            await asyncio.sleep(LOOK_S)
        else:
            self._begin(command)

    def _lease(self) -> Lease:
        """The lease this executor was made for. Raises LeaseLost once it is gone, even if we hold a newer one."""
        lease = self._keeper.lease
        if lease.token != self._token:
            raise LeaseLost(f"token {self._token} is old, the newest is {lease.token}; stop acting")
        return lease

    def _begin(self, command: Command, again: bool = False) -> None:
        targets = [str(bot_id) for bot_id in command.args.get("targets", ())]
        turns = self._turns.tickets(targets) if command.name in WANTED else {}
        deed = Deed(command, self._lease, turns, self._deadline_s, again)
        task = asyncio.create_task(self._carry_out(deed))
        self._tasks[command.command_id] = task
        task.add_done_callback(lambda _: self._ended(deed))

    def _ended(self, deed: Deed) -> None:
        self._tasks.pop(deed.command.command_id, None)
        for turn in deed.turns.values():
            turn.over.set()

    async def _carry_out(self, deed: Deed) -> None:
        command = deed.command
        try:
            ok, result = await self._do(deed)
        except asyncio.CancelledError:
            if command.command_id not in self._cancelled:
                raise
            ok, result = False, {"words": "cancelled", "cancelled": True}
        except WorkbenchError as error:
            ok, result = False, {"words": plain(error)}
        except Exception as error:  # the supervisor of one command: its failure is recorded and must not end the rest
            log.exception("command_failed", command=command.name)
            ok, result = False, {"words": reason(error)}
        await self._record(deed, ok, {"did": command.name, **result})

    async def _do(self, deed: Deed) -> tuple[bool, dict[str, Any]]:
        command = deed.command
        if command.name == "cancel":
            return self._cancel(str(command.args.get("command_id", "")))
        if command.name not in SAFE_WHEN_LATE and datetime.now(UTC) - command.issued_at > TOO_OLD:
            return False, {
                "words": f"refused: it was asked for at {command.issued_at:%Y-%m-%d %H:%M} UTC, too long ago"
            }
        if set(deed.bots) - set(self._registry.members):
            await self._registry.discover()
        if command.name in WANTED:
            refused = await self._held(deed) if command.name == "resume" else {}
            bots = refused | await change_state(self._registry, _without(deed, refused))
        elif command.name == "tune" and not deed.again:
            bots = await self._tune(deed)
        elif command.name == "tune":
            return False, {"words": "the desk stopped during this tuning; start it again"}
        else:
            return False, {"words": f"no such effect: {plain(command.name, 40)}; this desk may be older than the asker"}
        return all(said["ok"] for said in bots.values()), {"bots": bots}

    async def _held(self, deed: Deed) -> dict[str, dict[str, Any]]:
        """Bots of `deed` that may not trade, each with the reason: a halt ends by a person's release, by nothing else.
        Raises LedgerError where the ledger cannot say: then nobody is resumed."""
        standings = await asyncio.to_thread(self._ledger.states.all)
        found = {}
        for bot_id in deed.bots:
            member = self._registry.members.get(bot_id)
            standing = binding(standings, scopes_over(bot_id, member.tags if member else ()))
            if standing:
                said = {"ok": False, "outcome": "refused", "words": words_of(standing), "latency_ms": 0.0}
                found[bot_id] = said
        return found

    def _cancel(self, command_id: str) -> tuple[bool, dict[str, Any]]:
        task = self._tasks.get(command_id)
        if task is None:
            return False, {"words": f"{plain(command_id, 64)} is not running"}
        self._cancelled.add(command_id)
        task.cancel()
        return True, {"words": "cancelled"}

    async def _tune(self, deed: Deed) -> dict[str, Any]:
        latest: dict[str, tuple[float, str]] = {}

        def note(bot_id: str, done: float, words: str) -> None:
            latest[bot_id] = (done, words)

        teller = asyncio.create_task(self._tell(deed.command.command_id, latest))
        try:
            return await tune(self._registry, deed, note)
        finally:
            teller.cancel()

    async def _tell(self, command_id: str, latest: dict[str, tuple[float, str]]) -> None:
        """Put progress where every process can see it, at most twice a second and only what has moved."""
        told: dict[str, tuple[float, str]] = {}
        while True:
            await asyncio.sleep(PROGRESS_S)
            news = {bot_id: said for bot_id, said in latest.items() if told.get(bot_id) != said}
            events = [_progress(command_id, bot_id, *said) for bot_id, said in news.items()]
            told |= news
            try:
                await asyncio.to_thread(self._ledger.append, events, durable=False)
            except LedgerError as error:  # progress is a comfort; the tuning goes on without it
                log.warning("progress_not_told", error=str(error))

    async def _record(self, deed: Deed, ok: bool, result: dict[str, Any]) -> None:
        """Record the outcome. Once the lease is gone that is for the next holder to find out, not for us to say."""
        record = self._ledger.settle if deed.again else self._ledger.finish
        while True:
            try:
                return await asyncio.to_thread(record, self._lease(), deed.command.command_id, ok, result)
            except LeaseLost as error:
                log.warning("outcome_left_to_next_holder", command=deed.command.command_id, reason=str(error))
                return None
            except LedgerError as error:
                log.warning("outcome_not_recorded", command=deed.command.command_id, error=str(error))
                await asyncio.sleep(RETRY_S)
                if await self._is_recorded(deed.command.command_id):
                    return None

    async def _is_recorded(self, command_id: str) -> bool:
        try:
            record = await asyncio.to_thread(self._ledger.command, command_id)
        except LedgerError:
            return False
        return record is None or record.state in (CommandState.DONE, CommandState.FAILED)


def _without(deed: Deed, refused: dict[str, Any]) -> Deed:
    if not refused:
        return deed
    left = [bot_id for bot_id in deed.bots if bot_id not in refused]
    return replace(deed, command=replace(deed.command, args={**deed.command.args, "targets": left}))


def _progress(command_id: str, bot_id: str, done: float, words: str) -> NewEvent:
    now = datetime.now(UTC)
    share = min(max(float(done), 0.0), 1.0) if done == done else 0.0
    payload = {"command_id": command_id, "bot_id": bot_id, "done": share, "words": plain(words)}
    return NewEvent(PROGRESSED, bot_id, payload, f"progress:{command_id}:{bot_id}:{now.timestamp():.6f}", now)
