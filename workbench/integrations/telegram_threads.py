"""A thread for each topic in groups that have threads, made on first use and remembered in the ledger."""

import asyncio

from workbench.integrations.telegram_api import TelegramApi
from workbench.ledger.telegram_journal import TelegramJournal

NAMES = {"brief": "Daily brief"}


class Threads:
    """`on` False: no threads anywhere. A group found without threads, or where the bot may make none, has one line."""

    def __init__(self, api: TelegramApi, journal: TelegramJournal, on: bool):
        self._api, self._journal, self._on = api, journal, on
        self._known: dict[tuple[int, str], int] = {}

    def key(self, chat: int, topic: str) -> str:
        """Alerts with the same key are merged: those of a topic where it has a thread, else all of a chat."""
        return topic if chat < 0 and self._on and self._known.get((chat, topic)) != 0 else ""

    async def of(self, chat: int, key: str) -> int:
        """The thread's number; 0 for none. Raises LedgerError."""
        if not key:
            return 0
        if (chat, key) not in self._known:
            name = f"thread:{chat}:{key}"
            known = await asyncio.to_thread(self._journal.mark, name)
            if known is None:
                known = await self._api.topic(chat, NAMES.get(key, key.capitalize()))
                await asyncio.to_thread(self._journal.set_mark, name, known)
            self._known[chat, key] = known
        return self._known[chat, key]
