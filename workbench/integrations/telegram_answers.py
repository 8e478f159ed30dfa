"""One update answered: the gate's verdict, the dispatcher's reply, and the words that go back into the chat."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from html import escape

import structlog

from workbench.commands.asked import Viewer
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.grammar import command_of
from workbench.commands.reply import Reply
from workbench.commands.spec import Line, Role, Spec
from workbench.domain.errors import CommandError, LedgerError, WorkbenchError
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_buttons import Signer
from workbench.integrations.telegram_faces import AskedFace, Face
from workbench.integrations.telegram_gate import REGISTER, AsksAccess, Gate, Turned, Verdict, is_halt
from workbench.integrations.telegram_intake import Lane
from workbench.integrations.telegram_live import LIVE, STREAM, LiveMessages, LivePace
from workbench.integrations.telegram_once import judged, may_repeat
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page, live_page, pages
from workbench.integrations.telegram_speech import Speech
from workbench.integrations.telegram_streams import ChartShelf, ChatPictures, StreamedFace
from workbench.integrations.telegram_update import Form, Incoming
from workbench.ledger.live_messages import LiveMessage, LiveMessageTable
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain

log = structlog.get_logger(__name__)


Watch = Callable[[int, Reply], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering stands on. `watch` hears of each reply, with the number of its update."""

    center: UnifiedCommandCenter
    ledger: SqlLedger
    zone: tzinfo = UTC
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class LiveHands:
    """What messages that edit themselves stand on."""

    api: TelegramApi
    outbox: Outbox
    table: LiveMessageTable
    pace: LivePace
    charts: ChartShelf
    pictures: ChatPictures


class Answers:
    """Carries updates out. Nothing here raises: whatever happens is an outcome in words."""

    def __init__(self, desk: Desk, gate: Gate, bot: int, speech: Speech, hands: LiveHands):
        self._desk, self._gate, self._bot, self._speech, self._hands = desk, gate, bot, speech, hands
        self._live = LiveMessages(hands.table, self._may_see, hands.pace)
        self._dispatchers: dict[tuple[int, int, Role], Dispatcher] = {}

    async def gate(self) -> Gate:
        """The gate as of now. Raises LedgerError where it cannot be known who is who: then nobody is let in."""
        known = await asyncio.to_thread(self._desk.ledger.people.all)
        return replace(self._gate, people={each.person: each.standing for each in known})

    async def resume(self) -> None:
        """Take up the messages that an earlier run kept fresh. Raises LedgerError."""
        await self._live.resume(self._face)

    async def stop(self) -> None:
        """Leave the messages that are kept fresh to the next run."""
        await self._live.stop()

    @property
    def blind_gate(self) -> Gate:
        """The gate where the ledger cannot be read: it knows the admins of the settings and nobody else."""
        return self._gate

    def lane(self, came: Incoming) -> Lane:
        """Halts first; what changes something in order; questions side by side."""
        line = _line_meant(came, self._gate.signer)
        if is_halt(line):
            return Lane.URGENT
        spec = _spec(line)
        return Lane.FREE if spec is not None and not spec.effect else Lane.ORDERED

    async def act(self, came: Incoming, begun: bool) -> str:
        """Carry `came` out; `begun`: it may have acted before a crash. Returns its outcome."""
        try:
            return await self._act(came, begun)
        except WorkbenchError as error:
            self._speech.say(came, escape(f"⛔ {error}"))
            return f"failed: {error}"
        except Exception as error:  # the supervisor of a chat: one broken answer must not end the others
            log.exception("telegram_answer_failed", update=came.update_id)
            self._speech.say(came, "⛔ That went wrong inside the desk; its log says why.")
            return f"broken: {type(error).__name__}"

    async def _act(self, came: Incoming, begun: bool) -> str:
        verdict = await self._verdict(came, begun)
        if isinstance(verdict, Turned):
            self._speech.refuse(came, verdict)
            return f"turned: {verdict.why}"
        if isinstance(verdict, AsksAccess):
            await asyncio.to_thread(self._desk.ledger.people.ask, came.person, plain(came.name, 64))
            self._speech.say(came, "You asked for access. An admin has to approve it first.")
            return "asked for access"
        if verdict.button is not None:
            return await self._pressed(came, verdict.role, verdict.button, begun)
        return await self._line(came, verdict.role, verdict.line, begun)

    async def _verdict(self, came: Incoming, begun: bool) -> Verdict:
        """Age is judged when it acts; what was recorded before a crash may be asked how it ended."""
        recorded = begun and await asyncio.to_thread(self._desk.ledger.command, self._request(came)) is not None
        try:
            gate = await self.gate()
        except LedgerError:
            if not is_halt(_line_meant(came, self._gate.signer)):
                raise
            gate = self.blind_gate
        return judged(gate, came, datetime.now(UTC), recorded)

    async def _pressed(self, came: Incoming, role: Role, button: tuple[str, str, str], begun: bool) -> str:
        module, action, params = button
        self._speech.rest(came, "")
        if (module, action) == ("ask", "line"):
            return await self._line(came, role, params, begun)
        if (module, action) == ("ask", "drop"):
            self._speech.say(came, "Nothing was done.")
            return "dropped"
        if (module, action) == ("live", "stop"):
            if not await self._live.end(came.chat, came.message, "stopped"):  # sent, and the desk died before it wrote
                unbutton = self._hands.api.unbutton
                self._hands.outbox.put(came.chat, Rank.LIVE, lambda: unbutton(came.chat, came.message))
            return "stopped"
        return f"unknown button {module}:{action}"

    async def _line(self, came: Incoming, role: Role, line: str, begun: bool) -> str:
        line = "/help" if line.split()[0].casefold() in REGISTER else line
        spec = _spec(line)
        if begun and not may_repeat(spec):
            self._speech.say(
                came, f"The desk stopped while it did <code>{escape(line)}</code>: look before you send it again."
            )
            return "interrupted: not done again"
        if spec is not None and spec.words[0] in LIVE:
            return await self._live_line(came, role, line)
        reply = await self._dispatcher(came.chat, came.person, role).ask(line, request_id=self._request(came))
        if self._desk.watch:
            self._desk.watch(came.update_id, reply)
        rank = Rank.URGENT if is_halt(line) else Rank.REPLY
        await self._speech.send(came, pages(reply, line, self._desk.zone), rank)
        return "done" if reply.ok else f"failed: {reply.error}"

    async def _live_line(self, came: Incoming, role: Role, line: str) -> str:
        understood = await self._dispatcher(came.chat, came.person, role).read(line)
        ends_at = datetime.now(UTC) + self._hands.pace.lasts
        live = LiveMessage(came.chat, came.thread, came.person, came.update_id, _canonical(understood), ends_at)
        return await self._live.begin(live, self._face(live))

    def _face(self, live: LiveMessage) -> Face:
        hands, words = self._hands, live.line.split()
        if words[0] == f"/{STREAM}":
            return StreamedFace(hands.charts, hands.pictures, live, words[1], words[2])
        return AskedFace(hands.api, hands.outbox, live, lambda: self._fresh(live))

    async def _may_see(self, live: LiveMessage) -> bool:
        return (await self.gate()).role(live.person) is not None

    async def _fresh(self, live: LiveMessage) -> Page:
        """A live message's page. Raises LedgerError where who asked is not known now."""
        role = (await self.gate()).role(live.person) or Role.VIEWER
        reply = await self._dispatcher(live.chat, live.person, role).ask(live.line)
        at = datetime.now(UTC).astimezone(self._desk.zone)
        page = live_page(reply, live.line, self._desk.zone)
        return replace(page, html=f"{page.html}\n<i>{at:%H:%M:%S}</i>")

    def _dispatcher(self, chat: int, person: int, role: Role) -> Dispatcher:
        key = (chat, person, role)
        if key not in self._dispatchers:
            viewer = Viewer(f"telegram:{person}", role, self._desk.zone, f"telegram:{chat}")
            self._dispatchers[key] = Dispatcher(self._desk.center, self._desk.ledger, viewer)
        return self._dispatchers[key]

    def _request(self, came: Incoming) -> str:
        return f"telegram-{self._bot}-{came.update_id}"


def _canonical(line: Line) -> str:
    """The line as it is kept: '/stream BTC/USD 30m', however it was typed."""
    return " ".join((line.spec.name, *(str(value) for value in line.values.values())))


def _spec(line: str) -> Spec | None:
    try:
        return command_of(line, CATALOGUE)
    except CommandError:
        return None


def _line_meant(came: Incoming, signer: Signer) -> str:
    if came.form is Form.PRESS:
        button = signer.read(came.said, came.chat)
        return button[2] if button and button[:2] == ("ask", "line") else ""
    first, space, rest = came.said.strip().partition(" ")
    return f"{first.partition('@')[0]}{space}{rest}"
