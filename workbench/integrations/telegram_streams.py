"""Live charts in chats: one picture a message, edited as its market moves; charts shared by all who look at them."""

import asyncio
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from workbench.domain.errors import TellingError
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_faces import STOP
from workbench.integrations.telegram_outbox import Outbox, Rank
from workbench.integrations.telegram_replies import Page, Rows
from workbench.ledger.live_messages import LiveMessage
from workbench.visual.telegram_pictures import PictureGone

if TYPE_CHECKING:  # ccxt takes a second, which is for those who stream something
    from workbench.visual.live_streaming import LiveChartStreamer, LiveStream

LONGEST = 900


class ChatPictures:
    """`visual.telegram_pictures.PictureSender` through the outbox: a chat's pictures keep the chat's pace, and each has
    its Stop button. A chat is its number, or 'number/thread' for a topic of a group."""

    def __init__(self, api: TelegramApi, outbox: Outbox):
        self._api, self._outbox = api, outbox

    async def send(self, chat_id: int | str, png: bytes, caption: str) -> int:
        """The new message's number. Raises TellingError where the chat cannot be reached."""
        (chat, thread), page = _read(chat_id), _page(png, caption)
        sent = await self._outbox.put(chat, Rank.REPLY, lambda: self._api.send(chat, page, thread))
        if sent is None:
            raise TellingError(f"no picture can be sent to chat {chat}; was the bot let in there?")
        return sent

    async def edit(self, chat_id: int | str, message_id: int, png: bytes, caption: str) -> bool:
        """True also where a newer picture replaced this one on its way. Raises PictureGone."""
        (chat, _), page = _read(chat_id), _page(png, caption)
        key = f"live:{chat}:{message_id}"
        if await self._outbox.put(chat, Rank.LIVE, lambda: self._api.edit(chat, message_id, page), key) is False:
            raise PictureGone(f"message {message_id} of chat {chat} is gone")
        return True

    async def say(self, chat: int, message_id: int, html: str, rows: Rows) -> None:
        """Other words below the picture that is there."""
        key = f"live:{chat}:{message_id}"
        await self._outbox.put(chat, Rank.LIVE, lambda: self._api.recaption(chat, message_id, html, rows), key)


class ChartShelf:
    """Charts by market and bar length: begun with the first who looks, freed with the last. `make`: at first use."""

    def __init__(self, make: "Callable[[], LiveChartStreamer]"):
        self._make = make
        self._made: LiveChartStreamer | None = None
        self._looking: dict[tuple[str, str], int] = {}
        self._streams: dict[tuple[str, str], LiveStream] = {}
        self._turn = asyncio.Lock()

    @property
    def streamer(self) -> "LiveChartStreamer":
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def open(self) -> int:
        """How many charts are live."""
        return len(self._streams)

    async def take(self, symbol: str, timeframe: str) -> "LiveStream":
        """Raises SymbolError, TimeframeError or ExchangeError; then nothing stays open."""
        key = symbol, timeframe
        async with self._turn:
            if key not in self._streams:
                self._streams[key] = await self.streamer.start_streaming(symbol, timeframe)
            self._looking[key] = self._looking.get(key, 0) + 1
            return self._streams[key]

    async def give_back(self, symbol: str, timeframe: str) -> None:
        key = symbol, timeframe
        async with self._turn:
            self._looking[key] -= 1
            if not self._looking[key]:
                del self._looking[key]
                await self.streamer.stop_streaming(self._streams.pop(key))


class StreamedFace:
    """One chart in one message, by `LiveChartStreamer.stream_to_telegram`."""

    def __init__(self, shelf: ChartShelf, pictures: ChatPictures, live: LiveMessage, symbol: str, timeframe: str):
        self._shelf, self._pictures, self._live = shelf, pictures, live
        self._market = symbol, timeframe
        self._address = f"{live.chat}/{live.thread}"
        self._stream: LiveStream | None = None

    async def open(self) -> int | None:
        return await self._shown(None)

    async def show(self, message: int) -> bool:
        try:
            return await self._shown(message) is not None
        except PictureGone:
            return False

    async def say(self, message: int, words: str, rows: Rows) -> None:
        html = f"<b>{escape(' '.join(self._market))}</b>\n<i>{escape(words)}</i>"
        await self._pictures.say(self._live.chat, message, html, rows)

    async def free(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            self._shelf.streamer.adopt_telegram_message(self._address, stream, None)
            await self._shelf.give_back(*self._market)

    async def _shown(self, message: int | None) -> int | None:
        """Show the chart in `message`, None: in a new one; returns its number."""
        streamer = self._shelf.streamer
        if self._stream is None:
            self._stream = await self._shelf.take(*self._market)
            streamer.adopt_telegram_message(self._address, self._stream, message)
        await streamer.stream_to_telegram(self._address, self._stream)
        return streamer.telegram_message(self._address, self._stream)


def _page(png: bytes, caption: str) -> Page:
    return Page(escape(caption[:LONGEST]), png=png, buttons=STOP)


def _read(chat_id: int | str) -> tuple[int, int]:
    chat, _, thread = str(chat_id).partition("/")
    return int(chat), int(thread or 0)
