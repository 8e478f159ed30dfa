"""One update answered: the gate's verdict, the dispatcher's reply, and the words that go back into the chat."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from html import escape

import structlog

from workbench.commands.asked import Viewer
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.grammar import command_of
from workbench.commands.reply import Reply
from workbench.commands.spec import Role, Spec
from workbench.domain.errors import CommandError, LedgerError, WorkbenchError
from workbench.integrations.telegram_api import TelegramApi, drawn
from workbench.integrations.telegram_gate import REGISTER, AsksAccess, Gate, Turned, Verdict, is_halt
from workbench.integrations.telegram_intake import Lane
from workbench.integrations.telegram_live import LIVE, LiveMessages
from workbench.integrations.telegram_once import judged, may_repeat
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page, live_page, pages
from workbench.integrations.telegram_update import Form, Incoming
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain

log = structlog.get_logger(__name__)
SAY_AGAIN = timedelta(minutes=10)
MOST_TOLD = 1000


Watch = Callable[[int, Reply], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering stands on. `watch` hears of each reply, with the number of its update."""

    center: UnifiedCommandCenter
    ledger: SqlLedger
    zone: tzinfo = UTC
    watch: Watch | None = None


class Answers:
    """Carries updates out. Nothing here raises: whatever happens is an outcome in words."""

    def __init__(self, desk: Desk, gate: Gate, api: TelegramApi, outbox: Outbox, live: LiveMessages):
        self._desk, self._gate, self._api, self._outbox, self._live = desk, gate, api, outbox, live
        self._dispatchers: dict[tuple[int, int, Role], Dispatcher] = {}
        self._told_at: dict[tuple[int, str], datetime] = {}
        self._presses: set[asyncio.Task] = set()

    async def gate(self) -> Gate:
        """The gate as of now. Raises LedgerError where it cannot be known who is who: then nobody is let in."""
        known = await asyncio.to_thread(self._desk.ledger.people.all)
        return replace(self._gate, people={each.person: each.standing for each in known})

    def lane(self, came: Incoming) -> Lane:
        """Halts first; what changes something in order; questions side by side."""
        line = self._line_meant(came)
        if is_halt(line):
            return Lane.URGENT
        spec = _spec(line)
        return Lane.FREE if spec is not None and not spec.effect else Lane.ORDERED

    async def act(self, came: Incoming, begun: bool) -> str:
        """Carry `came` out; `begun`: it may have acted before a crash. Returns its outcome."""
        try:
            return await self._act(came, begun)
        except WorkbenchError as error:
            self._say(came, escape(f"⛔ {error}"))
            return f"failed: {error}"
        except Exception as error:  # the supervisor of a chat: one broken answer must not end the others
            log.exception("telegram_answer_failed", update=came.update_id)
            self._say(came, "⛔ That went wrong inside the desk; its log says why.")
            return f"broken: {type(error).__name__}"

    def refuse(self, came: Incoming, verdict: Turned) -> None:
        """Say why, where there is something to say, and not again and again."""
        log.info("telegram_turned", why=verdict.why, chat=came.chat, person=came.person)
        if came.form is Form.PRESS:
            self._rest(came, verdict.say)
        elif verdict.say and self._may_say(came, verdict.why):
            self._say(came, escape(verdict.say))

    async def _act(self, came: Incoming, begun: bool) -> str:
        verdict = await self._verdict(came, begun)
        if isinstance(verdict, Turned):
            self.refuse(came, verdict)
            return f"turned: {verdict.why}"
        if isinstance(verdict, AsksAccess):
            await asyncio.to_thread(self._desk.ledger.people.ask, came.person, plain(came.name, 64))
            self._say(came, "You asked for access. An admin has to approve it first.")
            return "asked for access"
        if verdict.button is not None:
            return await self._pressed(came, verdict.role, verdict.button, begun)
        return await self._line(came, verdict.role, verdict.line, begun)

    async def _verdict(self, came: Incoming, begun: bool) -> Verdict:
        """Age is judged when it acts; what was recorded before a crash may be asked how it ended."""
        recorded = begun and await asyncio.to_thread(self._desk.ledger.command, self._request(came)) is not None
        return judged(await self.gate(), came, datetime.now(UTC), recorded)

    async def _pressed(self, came: Incoming, role: Role, button: tuple[str, str, str], begun: bool) -> str:
        module, action, params = button
        self._rest(came, "")
        if (module, action) == ("ask", "line"):
            return await self._line(came, role, params, begun)
        if (module, action) == ("ask", "drop"):
            self._say(came, "Nothing was done.")
            return "dropped"
        if (module, action) == ("live", "stop"):
            await self._live.end(came.chat, came.message, "stopped")
            return "stopped"
        return f"unknown button {module}:{action}"

    async def _line(self, came: Incoming, role: Role, line: str, begun: bool) -> str:
        line = "/help" if line.split()[0].casefold() in REGISTER else line
        spec = _spec(line)
        if begun and not may_repeat(spec):
            self._say(
                came, f"The desk stopped while it did <code>{escape(line)}</code>: look before you send it again."
            )
            return "interrupted: not done again"
        if spec is not None and spec.words[0] in LIVE:
            await self._live.begin(came.chat, came.thread, lambda: self._fresh(came, line))
            return "live"
        reply = await self._dispatcher(came, role).ask(line, request_id=self._request(came))
        if self._desk.watch:
            self._desk.watch(came.update_id, reply)
        rank = Rank.URGENT if is_halt(line) else Rank.REPLY
        await self._send(came, pages(reply, line, self._desk.zone), rank)
        return "done" if reply.ok else f"failed: {reply.error}"

    async def _fresh(self, came: Incoming, line: str) -> Page | None:
        """A live message's page, for as long as who asked for it may see it."""
        try:
            role = (await self.gate()).role(came.person)
        except LedgerError:
            return None
        if role is None:
            return None
        reply = await self._dispatcher(came, role).ask(line)
        at = datetime.now(UTC).astimezone(self._desk.zone)
        page = live_page(reply, line, self._desk.zone)
        return replace(page, html=f"{page.html}\n<i>{at:%H:%M:%S}</i>")

    async def _send(self, came: Incoming, made: Sequence[Page], rank: Rank) -> None:
        for page in made:
            ready = await drawn(page)
            self._outbox.put(came.chat, rank, partial(self._api.send, came.chat, ready, came.thread))

    def _say(self, came: Incoming, html: str) -> None:
        page = Page(html)
        self._outbox.put(came.chat, Rank.REPLY, lambda: self._api.send(came.chat, page, came.thread))

    def _rest(self, came: Incoming, words: str) -> None:
        task = asyncio.create_task(self._api.answer(came.press, words))
        self._presses.add(task)
        task.add_done_callback(self._presses.discard)

    def _dispatcher(self, came: Incoming, role: Role) -> Dispatcher:
        key = (came.chat, came.person, role)
        if key not in self._dispatchers:
            viewer = Viewer(f"telegram:{came.person}", role, self._desk.zone, f"telegram:{came.chat}")
            self._dispatchers[key] = Dispatcher(self._desk.center, self._desk.ledger, viewer)
        return self._dispatchers[key]

    def _request(self, came: Incoming) -> str:
        return f"telegram-{self._api.number}-{came.update_id}"

    def _line_meant(self, came: Incoming) -> str:
        if came.form is Form.PRESS:
            button = self._gate.signer.read(came.said, came.chat)
            return button[2] if button and button[:2] == ("ask", "line") else ""
        first, space, rest = came.said.strip().partition(" ")
        return f"{first.partition('@')[0]}{space}{rest}"

    def _may_say(self, came: Incoming, why: str) -> bool:
        """The same refusal to the same person once in a while; an old command each time, for it was meant."""
        now, key = datetime.now(UTC), (came.person, why)
        if why != "old" and key in self._told_at and now - self._told_at[key] < SAY_AGAIN:
            return False
        if len(self._told_at) >= MOST_TOLD:
            self._told_at.clear()
        self._told_at[key] = now
        return True


def _spec(line: str) -> Spec | None:
    try:
        return command_of(line, CATALOGUE)
    except CommandError:
        return None
