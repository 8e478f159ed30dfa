"""Messages that go on editing themselves while somebody may look: /dashboard, and the pictures of /stream.

Each is in the ledger from its first edit to its last word, so a restart takes it up; and before each edit its editor
asks whether it still has it, so that two desks never edit one message.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from workbench.domain.errors import WorkbenchError
from workbench.integrations.telegram_buttons import Button
from workbench.integrations.telegram_faces import STOP, Face
from workbench.integrations.telegram_replies import Rows
from workbench.ledger.live_messages import LiveMessage, LiveMessageTable

log = structlog.get_logger(__name__)
DASHBOARD, STREAM = "dashboard", "stream"
LIVE = (DASHBOARD, STREAM)
MOST_A_CHAT = 3
GROUP_EVERY_S = 6.0
"""Twenty messages a minute are all that a group may get: half of them are left to answers and alerts."""
PARTING_S = 3.0
PICTURE_TIMES = 3
"""A picture takes about a third of a second to draw, so it is drawn that many times more seldom."""
May = Callable[[LiveMessage], Awaitable[bool]]
"""Whether who asked may still see it. Raises LedgerError where that is not known now."""


@dataclass(frozen=True, slots=True)
class LivePace:
    """How often a message is edited, and for how long."""

    every_s: float
    lasts: timedelta

    def wait_s(self, live: LiveMessage) -> float:
        every_s = self.every_s * (PICTURE_TIMES if live.line.startswith(f"/{STREAM}") else 1)
        return max(every_s, GROUP_EVERY_S) if live.chat < 0 else every_s


@dataclass(slots=True)
class _Held:
    live: LiveMessage
    face: Face
    task: asyncio.Task | None = field(default=None)


class LiveMessages:
    """At most three a chat: a fourth ends the oldest. Each ends by its button, by time, with the right to see it, or
    when it was deleted."""

    def __init__(self, table: LiveMessageTable, may: May, pace: LivePace):
        self._table, self._may, self._pace = table, may, pace
        self._held: dict[tuple[int, int], _Held] = {}

    async def begin(self, live: LiveMessage, face: Face) -> str:
        """Send the first page and keep it fresh; the outcome in words. Raises WorkbenchError where there is none."""
        if await asyncio.to_thread(self._table.begun, live.update_id):
            return "live already"
        for same in [held.live for held in self._of(live.chat) if held.live.line == live.line]:
            await self.end(same.chat, same.message, "it goes on below")
        kept = False
        try:
            number = await face.open()
            if number is None:
                return "not sent"
            crowd = self._of(live.chat)
            if len(crowd) >= MOST_A_CHAT:
                await self.end(live.chat, crowd[0].live.message, "another one was begun")
            sent = replace(live, message=number)
            await asyncio.to_thread(self._table.begin, sent)
            self._keep(sent, face)
            kept = True
        finally:
            if not kept:
                await face.free()
        return "live"

    async def resume(self, face_of: Callable[[LiveMessage], Face]) -> int:
        """Take up what an earlier run left; returns how many go on. Those whose time is over get their last word."""
        for live in await asyncio.to_thread(self._table.take):
            self._keep(live, face_of(live))
        return len(self._held)

    async def end(self, chat: int, message: int, why: str, rows: Rows = ()) -> bool:
        """Stop editing; False where this message does not live."""
        held = self._held.pop((chat, message), None)
        if held is None:
            return False
        await _cancelled(held.task)
        try:
            if await asyncio.to_thread(self._table.end, held.live):
                await held.face.say(message, f"ended: {why}", rows)
        finally:
            await held.face.free()
        return True

    async def stop(self) -> None:
        """Leave them to the next run, and say so where the outbox still has the time."""
        left, self._held = list(self._held.values()), {}
        for held in left:
            await _cancelled(held.task)
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING_S):
                await asyncio.gather(*(self._leave(held) for held in left), return_exceptions=True)
        for held in left:
            await held.face.free()

    async def _leave(self, held: _Held) -> None:
        if await asyncio.to_thread(self._table.held, held.live):
            await held.face.say(held.live.message, "the desk is off; this goes on when it is back", STOP)

    def _of(self, chat: int) -> list[_Held]:
        return [held for held in self._held.values() if held.live.chat == chat]

    def _keep(self, live: LiveMessage, face: Face) -> None:
        held = self._held[live.chat, live.message] = _Held(live, face)
        held.task = asyncio.create_task(self._keep_fresh(held))
        held.task.add_done_callback(lambda task: _told(task, live.chat))

    async def _keep_fresh(self, held: _Held) -> None:
        live = held.live
        while datetime.now(UTC) < live.ends_at:
            await asyncio.sleep(self._pace.wait_s(live))
            try:
                if not await asyncio.to_thread(self._table.held, live):
                    return await self._forget(held)
                if not await self._may(live):
                    await self.end(live.chat, live.message, "not allowed any more")
                    return None
                if not await held.face.show(live.message):
                    await asyncio.to_thread(self._table.end, live)
                    return await self._forget(held)
            except WorkbenchError as error:  # ledger, venue or bot is away: the picture stays, and is tried again
                log.info("telegram_live_waits", chat=live.chat, error=str(error))
        minutes = self._pace.lasts.total_seconds() / 60
        again = ((Button("Go on", "ask", "line", live.line),),)
        await self.end(live.chat, live.message, f"{minutes:,.0f} minutes are over", again)
        return None

    async def _forget(self, held: _Held) -> None:
        """It is gone, or somebody else's: not a word to it."""
        self._held.pop((held.live.chat, held.live.message), None)
        await held.face.free()


async def _cancelled(task: asyncio.Task | None) -> None:
    if task is not None and task is not asyncio.current_task() and not task.done():
        task.cancel()
        await asyncio.wait([task])


def _told(task: asyncio.Task, chat: int) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("telegram_live_failed", chat=chat, error=f"{type(error).__name__}: {error}")
