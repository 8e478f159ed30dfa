"""Messages that go on editing themselves: the answer to a question asked again and again, while somebody may look."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from workbench.integrations.telegram_api import TelegramApi, drawn
from workbench.integrations.telegram_buttons import Button
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page

log = structlog.get_logger(__name__)
LIVE = ("dashboard", "stream")
MOST_A_CHAT = 3
GROUP_EVERY_S = 6.0
"""Twenty messages a minute are all that a group may get: half of them are left to answers and alerts."""
PICTURE_TIMES = 3
"""A picture takes about a second to draw, so it is drawn that many times more seldom."""
Ask = Callable[[], Awaitable[Page | None]]
"""The page as it is now; None where whoever asked may not see it any more."""


@dataclass(slots=True)
class _Live:
    chat: int
    message: int
    ask: Ask
    shown: Page
    task: asyncio.Task | None = field(default=None)


class LiveMessages:
    """At most three a chat: a fourth ends the oldest. Each ends by its button, by time, or with the right to see it."""

    def __init__(self, api: TelegramApi, outbox: Outbox, every_s: float, lasts: timedelta):
        self._api, self._outbox, self._every_s, self._lasts = api, outbox, every_s, lasts
        self._live: dict[tuple[int, int], _Live] = {}

    async def begin(self, chat: int, thread: int, ask: Ask, quiet: bool = False) -> None:
        """Send the first page and keep it fresh."""
        page = await ask()
        if page is None:
            return
        first = await drawn(_with_stop(page))
        message = await self._outbox.put(chat, Rank.REPLY, lambda: self._api.send(chat, first, thread, quiet))
        if message is None:
            return
        of_chat = [key for key in self._live if key[0] == chat]
        if len(of_chat) >= MOST_A_CHAT:
            await self.end(*of_chat[0], "another one was begun")
        live = _Live(chat, message, ask, page)
        self._live[chat, message] = live
        live.task = asyncio.create_task(self._keep_fresh(live))
        live.task.add_done_callback(lambda task: _told(task, chat))

    async def end(self, chat: int, message: int, why: str) -> bool:
        """Stop editing; False where this message does not live."""
        live = self._live.pop((chat, message), None)
        if live is None:
            return False
        if live.task and live.task is not asyncio.current_task():
            live.task.cancel()
        self._put(live, Page(f"{live.shown.html}\n<i>ended: {why}</i>", live.shown.chart))
        return True

    async def stop(self) -> None:
        for live in list(self._live.values()):
            if live.task:
                live.task.cancel()
                with suppress(asyncio.CancelledError):
                    await live.task
        self._live.clear()

    async def _keep_fresh(self, live: _Live) -> None:
        every_s = self._every_s * (PICTURE_TIMES if live.shown.pictured else 1)
        every_s = max(every_s, GROUP_EVERY_S) if live.chat < 0 else every_s
        until = asyncio.get_running_loop().time() + self._lasts.total_seconds()
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(every_s)
            page = await live.ask()
            if page is None:
                await self.end(live.chat, live.message, "not allowed any more")
                return
            if page != live.shown:
                live.shown = page
                self._put(live, _with_stop(page))
        minutes = self._lasts.total_seconds() / 60
        await self.end(live.chat, live.message, f"{minutes:.0f} minutes are over")

    def _put(self, live: _Live, page: Page) -> None:
        async def send() -> None:
            await self._api.edit(live.chat, live.message, await drawn(page))

        self._outbox.put(live.chat, Rank.LIVE, send, key=f"live:{live.chat}:{live.message}")


def _with_stop(page: Page) -> Page:
    return Page(page.html, page.chart, page.png, (*page.buttons, (Button("Stop", "live", "stop"),)))


def _told(task: asyncio.Task, chat: int) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("telegram_live_failed", chat=chat, error=f"{type(error).__name__}: {error}")
