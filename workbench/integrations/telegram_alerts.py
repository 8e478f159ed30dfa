"""Alerts from the ledger to the chats that want them: merged while they wait, silent in quiet hours, never in the way.

What was told is marked, so a restart goes on where it was: an alert may come twice after a crash, none is left out.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path

import structlog

from workbench.domain.errors import LedgerError, TellingError
from workbench.domain.events import Event
from workbench.domain.telling import Message, Severity
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_buttons import Button
from workbench.integrations.telegram_digest import Digest
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_press import Draw, Press
from workbench.integrations.telegram_replies import digest, told
from workbench.integrations.telegram_threads import Threads
from workbench.ledger.alert_choices import AlertChoices
from workbench.ledger.log import SqlLedger
from workbench.ledger.telegram_journal import TelegramJournal
from workbench.orchestration.alerts import KINDS, PICTURED, alert_of
from workbench.orchestration.telling import picture_of

log = structlog.get_logger(__name__)
MARK = "told"
LOOK_S = 2.0
"""Choices and people are read anew this often, and quiet hours end by as much late."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who is told: private chats and groups, those of admins apart, and what each of them has chosen."""

    chats: tuple[int, ...] = ()
    admins: tuple[int, ...] = ()
    choices: Mapping[int, AlertChoices] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertOptions:
    """`usual`: for readers who have chosen nothing. `topics`: a thread for each topic in groups that have threads.
    `draw`: who draws the picture of an event about a market."""

    zone: tzinfo = UTC
    usual: AlertChoices = field(default_factory=AlertChoices)
    topics: bool = True
    pictures: Path = Path()
    draw: Draw | None = None


class Alerts:
    """Follows the ledger; `find` names the readers (blocking)."""

    def __init__(
        self,
        ledger: SqlLedger,
        journal: TelegramJournal,
        api: TelegramApi,
        outbox: Outbox,
        find: Callable[[], Readers],
        options: AlertOptions,
    ):
        self._ledger, self._journal, self._api, self._outbox = ledger, journal, api, outbox
        self._find, self._options = find, options
        self.readers = Readers()
        self._waiting: dict[tuple[int, str], Digest] = {}
        self._threads = Threads(api, journal, options.topics)
        self._press = Press(options.draw, self.offer) if options.draw else None
        self._tasks: list[asyncio.Task] = []
        self._heard = 0

    async def start(self) -> None:
        self.readers = await asyncio.to_thread(self._find)
        after = await asyncio.to_thread(self._journal.mark, MARK)
        self._heard = await asyncio.to_thread(self._ledger.head) if after is None else after
        await asyncio.to_thread(self._journal.set_mark, MARK, self._heard)
        if self._press:
            self._press.start()
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._look())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._press:
            await self._press.stop()

    def offer(self, message: Message) -> int:
        """Let `message` wait for everyone who wants it; returns for how many. What nobody wants is gone."""
        return sum(self._wait(chat, message) for chat in self._told_by(message))

    def _told_by(self, message: Message) -> tuple[int, ...]:
        if message.to:
            chat = int(message.to) if message.to.lstrip("-").isdigit() else 0
            if chat not in self.readers.chats:
                raise TellingError(f"{message.title!r}: {message.to!r} is no chat of this desk; see telegram.chats")
            return (chat,)
        return self.readers.admins if message.topic == "access" else self.readers.chats

    def _wait(self, chat: int, message: Message) -> bool:
        choices = self.readers.choices.get(chat, self._options.usual)
        if not choices.wants(message.topic, message.severity):
            return False
        key = self._threads.key(chat, message.topic)
        waiting = self._waiting.setdefault((chat, key), Digest())
        waiting.add(message if waiting.size == 0 else replace(message, png=None))
        self._send_if_due(chat, key)
        return True

    def _send_if_due(self, chat: int, key: str) -> None:
        waiting = self._waiting[chat, key]
        choices = self.readers.choices.get(chat, self._options.usual)
        critical = waiting.loudest is Severity.CRITICAL
        if critical or not choices.is_quiet(datetime.now(UTC), self._options.zone):
            rank = Rank.REPLY if critical else Rank.ALERT
            self._outbox.put(chat, rank, lambda: self._flush(chat, key), key=f"alerts:{chat}:{key}")

    async def _flush(self, chat: int, key: str) -> None:
        """Tell what waits now; what could not be told waits on."""
        waiting = self._waiting.pop((chat, key), None)
        if waiting is None:
            return
        try:
            thread = await self._threads.of(chat, key)
            for page in digest(waiting)[:3]:
                await self._api.send(chat, page, thread)
        except BaseException:
            later = self._waiting.get((chat, key), Digest())
            self._waiting[chat, key] = waiting.joined(later)
            raise

    async def _follow(self) -> None:
        while True:
            try:
                async with aclosing(self._ledger.tail(self._heard, KINDS)) as tail:
                    async for event in tail:
                        await self._hear(event)
            except LedgerError as error:
                log.warning("telegram_alerts_wait", error=str(error))
            await asyncio.sleep(LOOK_S)

    async def _hear(self, event: Event) -> None:
        self._heard = event.seq
        message = alert_of(event)
        if message is None:
            return
        if event.kind == "AccessAsked":
            self._ask_admins(event, message)
            return
        if event.payload.get("picture"):
            png = await asyncio.to_thread(picture_of, event, self._options.pictures)
            message = replace(message, png=png)
        if self._press and event.kind in PICTURED and self._wanted(message):
            self._press.take(event, message)
            return
        try:
            self.offer(message)
        except TellingError as error:
            log.warning("telegram_alert_lost", error=str(error))

    def _wanted(self, message: Message) -> bool:
        """Whether anybody is told: a picture for nobody is not drawn."""
        usual, choices = self._options.usual, self.readers.choices
        return any(choices.get(chat, usual).wants(message.topic, message.severity) for chat in self._told_by(message))

    def _ask_admins(self, event: Event, message: Message) -> None:
        """Who asks to be let in is told apart, with the answers as buttons."""
        person = int(event.payload.get("person", 0))
        roles = ("viewer", "operator", "admin")
        row = tuple(Button(role.capitalize(), "ask", "line", f"/people approve {person} {role}") for role in roles)
        no = (Button("Refuse", "ask", "line", f"/people refuse {person}"),)
        page = replace(told(message)[0], buttons=(row, no))
        for chat in self.readers.admins:
            self._outbox.put(chat, Rank.REPLY, partial(self._api.send, chat, page), key=f"access:{person}")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.readers = await asyncio.to_thread(self._find)
                for chat, key in list(self._waiting):
                    self._send_if_due(chat, key)
                if not self._waiting and not (self._press and self._press.busy):
                    await asyncio.to_thread(self._journal.set_mark, MARK, self._heard)
            except LedgerError as error:
                log.warning("telegram_alerts_wait", error=str(error))
