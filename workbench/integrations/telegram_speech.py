"""What goes back into a chat where something came from: pages, words, refusals, and a button that rests."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape

import structlog

from workbench.integrations.telegram_api import TelegramApi, drawn
from workbench.integrations.telegram_gate import Turned
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page
from workbench.integrations.telegram_update import Form, Incoming

log = structlog.get_logger(__name__)
SAY_AGAIN = timedelta(minutes=10)
MOST_TOLD = 1000


class Speech:
    """Answers in the chat, and in the thread, that something came from. Waits for nothing but the drawing of charts."""

    def __init__(self, api: TelegramApi, outbox: Outbox):
        self._api, self._outbox = api, outbox
        self._told_at: dict[tuple[int, str], datetime] = {}
        self._presses: set[asyncio.Task] = set()

    def refuse(self, came: Incoming, verdict: Turned) -> None:
        """Say why, where there is something to say, and not again and again."""
        log.info("telegram_turned", why=verdict.why, chat=came.chat, person=came.person)
        if came.form is Form.PRESS:
            self.rest(came, verdict.say)
        elif verdict.say and self._may_say(came, verdict.why):
            self.say(came, escape(verdict.say), Rank.ALERT)

    async def send(self, came: Incoming, made: Sequence[Page], rank: Rank) -> None:
        for page in made:
            ready = await drawn(page)
            self._outbox.put(came.chat, rank, partial(self._api.send, came.chat, ready, came.thread))

    def say(self, came: Incoming, html: str, rank: Rank = Rank.REPLY) -> None:
        page = Page(html)
        self._outbox.put(came.chat, rank, lambda: self._api.send(came.chat, page, came.thread))

    def rest(self, came: Incoming, words: str) -> None:
        task = asyncio.create_task(self._api.answer(came.press, words))
        self._presses.add(task)
        task.add_done_callback(self._presses.discard)

    def _may_say(self, came: Incoming, why: str) -> bool:
        """The same refusal to the same person once in a while; an old command each time, for it was meant."""
        now, key = datetime.now(UTC), (came.person, why)
        if why != "old" and key in self._told_at and now - self._told_at[key] < SAY_AGAIN:
            return False
        if len(self._told_at) >= MOST_TOLD:
            self._told_at.clear()
        self._told_at[key] = now
        return True
