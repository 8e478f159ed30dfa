"""The desk in Telegram: the same commands, asked of the same dispatcher, behind one gate.

    telegram = UnifiedTelegram(desk.center, desk.ledger, settings, token)
    await telegram.start()          # polls, or listens where settings.telegram.webhook_url is set
    await telegram.tell(Message("Backup done", topic="jobs"))
    await telegram.stop()

In, an update passes the gate, is journalled, acknowledged, and then acts. Out, everything waits in the outbox, the
emergency stop's answer first and alerts, merged, last; nothing that is carried out ever waits for something to be sent.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from telegram.error import TelegramError

from workbench.commands.catalogue import CATALOGUE
from workbench.domain.errors import LedgerError, TellingError
from workbench.domain.telling import Message
from workbench.integrations.event_pictures import EventPictures
from workbench.integrations.telegram_alerts import AlertOptions, Alerts, Readers
from workbench.integrations.telegram_answers import Answers, Desk, LiveHands, Watch
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_buttons import secret_for, signer_for
from workbench.integrations.telegram_gate import ROLES, Gate, Turned
from workbench.integrations.telegram_intake import Intake
from workbench.integrations.telegram_live import LivePace
from workbench.integrations.telegram_outbox import Outbox
from workbench.integrations.telegram_speech import Speech
from workbench.integrations.telegram_streams import ChartShelf, ChatPictures
from workbench.integrations.telegram_update import Incoming, read_update
from workbench.integrations.telegram_wire import Polling, Webhook, Wire
from workbench.ledger.alert_choices import AlertChoices
from workbench.ledger.log import SqlLedger
from workbench.ledger.telegram_people import Standing
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.telling import pictures_of
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.visual.live_streaming import LiveChartStreamer

log = structlog.get_logger(__name__)
HOST = "127.0.0.1"


class UnifiedTelegram:
    """One bot of one desk. Two processes with one token do not share it: Telegram refuses the second."""

    def __init__(
        self,
        center: UnifiedCommandCenter,
        ledger: SqlLedger,
        settings: Settings,
        token: str,
        watch: Watch | None = None,
    ):
        self._ledger, self._settings, own = ledger, settings, settings.telegram
        self._token, signer = token, signer_for(token)
        zone = ZoneInfo(own.zone)
        self.api = TelegramApi(token, own.api_url.rstrip("/"), signer)
        self.outbox = Outbox()
        self._charts = ChartShelf(self._streamer)
        self._gate = Gate(
            username="",
            signer=signer,
            admins=frozenset(own.admins),
            chats=frozenset(own.chats),
            longest_age=timedelta(seconds=own.command_age_s),
        )
        self._desk = Desk(center, ledger, zone, watch)
        usual, draw = AlertChoices(quiet=own.quiet), EventPictures(center, ledger).draw
        self._options = AlertOptions(zone, usual, own.topics, pictures_of(settings.home), draw)
        self.wire: Wire | None = None

    async def start(self) -> None:
        """Take up what an earlier run left, then listen. Raises TellingError for a token that is refused, StartError
        for a port that is taken, and the library's error where Telegram cannot be reached."""
        await self.api.start()
        gate = replace(self._gate, username=self.api.username)
        self.journal = self._ledger.telegram(self.api.number)
        speech = self._speech = Speech(self.api, self.outbox)
        self._answers = Answers(self._desk, gate, self.api.number, speech, self._live_hands())
        self.intake = Intake(self.journal, self._answers.act, self._answers.lane)
        self.alerts = Alerts(self._ledger, self.journal, self.api, self.outbox, self._readers, self._options)
        self.outbox.start()
        await self._answers.resume()
        await self.intake.recover()
        self.journal.prune()
        await self._menu()
        await self.alerts.start()
        self.wire = self._wire()
        await self.wire.start()

    async def stop(self) -> None:
        """Listen no more, send what may go at once, and leave the rest to the journal."""
        if self.wire:
            await self.wire.stop()
            await self.alerts.stop()
            await self.intake.stop()
            await self._answers.stop()
            await self.outbox.stop()
        await self.api.stop()

    async def take(self, raw: Sequence[dict[str, Any]]) -> None:
        """Updates as they came: those that the gate lets through are journalled, and start. Raises LedgerError, and
        then none of them may be acknowledged."""
        came = [each for each in map(_read, raw) if each is not None]
        if not came:
            return
        now = datetime.now(UTC)
        try:
            gate = await self._answers.gate()
        except LedgerError:  # an admin's emergency stop waits for no ledger; all the rest comes again
            blind = self._answers.blind_gate
            self.intake.urge([each for each in came if not isinstance(blind.admit(each, now), Turned)])
            raise
        heard = []
        for each in came:
            verdict = gate.admit(each, now)
            if isinstance(verdict, Turned):
                self._speech.refuse(each, verdict)
            else:
                heard.append(each)
        await self.intake.accept(heard)

    async def tell(self, message: Message) -> None:
        """Tell everyone who wants to hear of this topic, or the one chat that `message.to` names. Returns at once: it
        waits in the outbox. Raises TellingError where there is nobody."""
        if not self.alerts.readers.chats:
            raise TellingError(f"{message.title!r}: nobody in Telegram; set telegram.admins or telegram.chats")
        self.alerts.offer(message)

    def pictures(self) -> ChatPictures:
        """What `LiveChartStreamer` sends its pictures by."""
        return ChatPictures(self.api, self.outbox)

    def _live_hands(self) -> LiveHands:
        """What messages that edit themselves stand on; this run is their editor from now on."""
        own = self._settings.telegram
        table = self._ledger.live_messages(self.api.number, f"telegram-{uuid4()}")
        pace = LivePace(own.live_every_s, timedelta(seconds=own.live_for_s))
        return LiveHands(self.api, self.outbox, table, pace, self._charts, self.pictures())

    def _streamer(self) -> "LiveChartStreamer":
        """Live charts of the venue that the desk trades at, or of the exchange in the settings."""
        from workbench.visual.desk_outlook import DeskOutlook  # these bring ccxt, pandas and numba
        from workbench.visual.desk_trades import DeskTrades
        from workbench.visual.live_streaming import LiveChartStreamer, StreamSettings, VenueAddress, WebSocketManager

        center = self._desk.center
        url = getattr(center.venue, "url", None)
        venue = VenueAddress("binance" if url else self._settings.exchange.source, url)
        settings = StreamSettings(picture_every_s=0.0)  # the outbox keeps Telegram's pace
        trades = DeskTrades(self._ledger, center)
        return LiveChartStreamer(WebSocketManager(), venue, DeskOutlook(center), settings, self.pictures(), trades)

    def _wire(self) -> Wire:
        own = self._settings.telegram
        if not own.webhook_url:
            return Polling(self.api, self.take)
        secret = secret_for(self._token, own.webhook_url)
        return Webhook(self.api, self.take, own.webhook_url, secret, HOST, own.webhook_port)

    def _readers(self) -> Readers:
        """Everybody let in, in private, and the groups of the settings, with what each has chosen."""
        people, own = self._ledger.people.all(), self._settings.telegram
        private = {each.person: each.standing for each in people if each.standing in ROLES}
        private |= dict.fromkeys(own.admins, Standing.ADMIN)
        chats = (*private, *own.chats)
        choices = {chat: self._ledger.alerts.get(f"telegram:{chat}", self._options.usual) for chat in chats}
        return Readers(chats, tuple(p for p, standing in private.items() if standing is Standing.ADMIN), choices)

    async def _menu(self) -> None:
        """The commands that Telegram offers while typing: first words only, for it knows no second ones."""
        first = {spec.words[0]: spec.help for spec in reversed(CATALOGUE)}
        try:
            await self.api.offer(sorted(first.items()))
        except TelegramError as error:
            log.warning("telegram_menu_failed", error=str(error))


def _read(raw: dict[str, Any]) -> Incoming | None:
    try:
        return read_update(raw)
    except ValueError as error:
        log.warning("telegram_update_unreadable", error=str(error))
        return None
