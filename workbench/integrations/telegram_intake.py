"""From what Telegram delivered to what is done about it: recorded before it is acknowledged, begun once, ended once.

`accept` returns when the disk has the updates, and only then may they be acknowledged. After a crash `recover` takes up
those that have not ended; one that had begun is told so, for it may have acted already.

Commands that change something keep their order within a chat; questions do not wait for each other; the emergency stop
waits for nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import structlog

from workbench.domain.errors import LedgerError
from workbench.integrations.telegram_update import Incoming, from_body
from workbench.ledger.telegram_journal import Journalled

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 16
FIRST_WAIT_S, MOST_WAIT_S = 0.5, 30.0
PATIENCE_S = 12.0
"""After this long the next command of a chat waits no longer for the one before, which goes on: tuning takes hours."""


class Lane(StrEnum):
    """How an update is carried out beside others."""

    URGENT = "urgent"
    ORDERED = "ordered"
    FREE = "free"


class Journal(Protocol):
    """The part of `TelegramJournal` that is needed here."""

    def receive(self, bodies: Mapping[int, Mapping[str, Any]]) -> list[int]: ...
    def begin(self, update_id: int) -> bool: ...
    def finish(self, update_id: int, outcome: str) -> None: ...
    def open(self) -> list[Journalled]: ...


Act = Callable[[Incoming, bool], Awaitable[str]]
"""Carries one update out and returns its outcome in words; hears whether it had begun before a crash. Never raises."""
Run = Callable[..., Awaitable[Any]]


class Intake:
    """One journal, and the tasks that carry its updates out."""

    def __init__(self, journal: Journal, act: Act, lane: Callable[[Incoming], Lane], run: Run = asyncio.to_thread):
        self._journal, self._act, self._lane, self._run = journal, act, lane, run
        self._tasks: set[asyncio.Task] = set()
        self._last: dict[int, asyncio.Task] = {}
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._urged: set[int] = set()

    async def accept(self, updates: Sequence[Incoming]) -> list[int]:
        """Record what is new and start on it; returns the new ids. Raises LedgerError, and then nothing may be
        acknowledged."""
        by_id = {each.update_id: each for each in updates}
        try:
            fresh = await self._run(self._journal.receive, {number: each.body() for number, each in by_id.items()})
        except LedgerError:
            self.urge(updates)
            raise
        for number in fresh:
            if number not in self._urged:
                self._start(by_id[number], False)
        return list(fresh)

    def urge(self, updates: Sequence[Incoming]) -> None:
        """Carry out the emergency stops among `updates` though nothing can be written down: a stop that comes twice is
        one stop, and one that does not come is none."""
        for came in updates:
            if self._lane(came) is Lane.URGENT and came.update_id not in self._urged:
                self._urged.add(came.update_id)
                self._keep(asyncio.create_task(self._unrecorded(came)))

    async def recover(self) -> int:
        """Take up what an earlier process received and did not end; returns how many."""
        left = await self._run(self._journal.open)
        for each in left:
            self._start(from_body(each.body), each.begun)
        return len(left)

    async def idle(self) -> None:
        """Until everything received so far has ended."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Give up what goes on: it is in the journal, and the next start takes it up."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, came: Incoming, begun: bool) -> None:
        lane = self._lane(came)
        before = self._last.get(came.chat) if lane is Lane.ORDERED else None
        task = asyncio.create_task(self._in_lane(lane, before, came, begun))
        self._keep(task)
        if lane is Lane.ORDERED:
            self._last[came.chat] = task

    def _keep(self, task: asyncio.Task) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _in_lane(self, lane: Lane, before: asyncio.Task | None, came: Incoming, begun: bool) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before], timeout=PATIENCE_S)
        if lane is Lane.FREE:
            async with self._slots:
                await self._carry_out(came, begun)
        else:
            await self._carry_out(came, begun)

    async def _carry_out(self, came: Incoming, begun: bool) -> None:
        if begun or await _written(self._run, self._journal.begin, came.update_id):
            outcome = await self._act(came, begun)
            await _written(self._run, self._journal.finish, came.update_id, outcome)

    async def _unrecorded(self, came: Incoming) -> None:
        outcome = await self._act(came, False)
        log.error("telegram_urgent_unrecorded", update=came.update_id, outcome=outcome)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        self._last = {chat: last for chat, last in self._last.items() if last is not task}
        if not task.cancelled() and (error := task.exception()):
            log.error("telegram_update_failed", error=f"{type(error).__name__}: {error}")


async def _written(run: Run, call: Callable[..., Any], *args: Any) -> Any:
    """What was acknowledged is not given up because the ledger is away for a while."""
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await run(call, *args)
        except LedgerError as error:
            log.error("telegram_journal_waits", error=str(error), again_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, MOST_WAIT_S)
