"""What a message that edits itself shows: here the answer to a question, asked again and again."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Protocol

from workbench.integrations.telegram_api import TelegramApi, drawn
from workbench.integrations.telegram_buttons import Button
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page, Rows
from workbench.ledger.live_messages import LiveMessage

STOP: Rows = ((Button("Stop", "live", "stop"),),)
Ask = Callable[[], Awaitable[Page]]


class Face(Protocol):
    """One live message as it looks. `message`: its number, once it is sent."""

    async def open(self) -> int | None:
        """Send it; its number, None where it cannot be sent. Raises WorkbenchError where there is nothing to show."""

    async def show(self, message: int) -> bool:
        """Bring it up to date; False where it is gone. Raises WorkbenchError where that is not possible now."""

    async def say(self, message: int, words: str, rows: Rows) -> None:
        """Leave it as it is, with these words below and these buttons."""

    async def free(self) -> None:
        """Let go of what it stands on."""


class AskedFace:
    """A page of text, or of one picture, that `ask` makes anew each time."""

    def __init__(self, api: TelegramApi, outbox: Outbox, live: LiveMessage, ask: Ask):
        self._api, self._outbox, self._live, self._ask = api, outbox, live, ask
        self._shown: Page | None = None

    async def open(self) -> int | None:
        self._shown = await self._ask()
        page, live = await drawn(_with(self._shown, STOP)), self._live
        return await self._outbox.put(live.chat, Rank.REPLY, lambda: self._api.send(live.chat, page, live.thread))

    async def show(self, message: int) -> bool:
        page = await self._ask()
        if page == self._shown:
            return True
        self._shown = page
        return await self._edit(message, _with(page, STOP))

    async def say(self, message: int, words: str, rows: Rows) -> None:
        shown = self._shown or Page(escape(self._live.line))
        await self._edit(message, _with(Page(f"{shown.html}\n<i>{escape(words)}</i>", shown.chart), rows))

    async def free(self) -> None:
        """Nothing to let go of."""

    async def _edit(self, message: int, page: Page) -> bool:
        """False where the message is gone; an edit that a newer one replaced, or that was lost, is no sign of that."""
        chat = self._live.chat

        async def send() -> bool:
            return await self._api.edit(chat, message, await drawn(page))

        return await self._outbox.put(chat, Rank.LIVE, send, key=f"live:{chat}:{message}") is not False


def _with(page: Page, rows: Rows) -> Page:
    return Page(page.html, page.chart, page.png, (*page.buttons, *rows))
