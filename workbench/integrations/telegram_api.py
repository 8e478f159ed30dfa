"""The Bot API through python-telegram-bot: pages out, raw updates in. No other module knows the library's calls."""

import asyncio
import warnings
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBUserWarning

from workbench.domain.errors import TellingError, ValueRefused
from workbench.integrations.telegram_buttons import Signer
from workbench.integrations.telegram_replies import Page, Rows
from workbench.integrations.telegram_token import TOKEN_VARIABLE

ALLOWED = ("message", "edited_message", "callback_query")
POLL_S = 25
WIRE_S = 15.0
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "chat not found")
_SAME = "not modified"
_PENS = ThreadPoolExecutor(2, "telegram-chart")
"""Drawing has threads of its own: those of the loop are for the ledger, for which the emergency stop waits."""
warnings.filterwarnings("ignore", "Please use 'Bot.getUpdates'", PTBUserWarning)
"""One update that the library cannot read would lose the whole batch, so updates are fetched as they are."""


class TelegramApi:
    """One bot. Sending may raise the library's errors, which the outbox knows; nothing here waits for a pace."""

    def __init__(self, token: str, url: str, signer: Signer):
        self._signer = signer
        waits: dict[str, Any] = {f"{what}_timeout": WIRE_S for what in ("read", "write", "connect", "pool")}
        plain: dict[str, Any] = {} if url.startswith("https:") else {"verify": False}  # certificates take 0.3 s to read
        requests = [HTTPXRequest(size, httpx_kwargs=plain, **waits) for size in (1, 16)]
        self._bot = Bot(token, base_url=f"{url}/bot", get_updates_request=requests[0], request=requests[1])
        self.username, self.number = "", 0

    async def start(self) -> None:
        """Ask who we are. Raises TellingError for a token that is refused, the library's errors for a wire that is
        down."""
        try:
            await self._bot.initialize()
        except InvalidToken:
            await self._bot.shutdown()
            raise TellingError(
                f"Telegram refuses the token; set {TOKEN_VARIABLE} to the one that BotFather gave"
            ) from None
        self.username, self.number = self._bot.username, self._bot.id

    async def stop(self) -> None:
        await self._bot.shutdown()

    async def offer(self, commands: Sequence[tuple[str, str]]) -> None:
        """The menu of commands."""
        await self._bot.set_my_commands([BotCommand(name, words[:256]) for name, words in commands])

    async def updates(self, offset: int, timeout_s: int = POLL_S) -> list[dict[str, Any]]:
        """What arrived, raw; everything before `offset` is acknowledged by asking."""
        asked = {"offset": offset, "timeout": timeout_s, "allowed_updates": list(ALLOWED)}
        told = await self._bot.do_api_request("getUpdates", api_kwargs=asked, read_timeout=timeout_s + WIRE_S)
        return told if isinstance(told, list) else []

    async def call_at(self, url: str, secret: str) -> None:
        """Be called at `url` from now on."""
        await self._bot.set_webhook(url, secret_token=secret, allowed_updates=list(ALLOWED))

    async def poll_from_now(self) -> None:
        """Be called no more; what waits is kept for polling."""
        await self._bot.delete_webhook(drop_pending_updates=False)

    async def send(self, chat: int, page: Page, thread: int = 0, quiet: bool = False) -> int:
        """Send a page; the message's number. `quiet`: without a sound."""
        where: dict[str, Any] = {"chat_id": chat, "disable_notification": quiet, "parse_mode": "HTML"}
        where |= {"message_thread_id": thread} if thread else {}
        where |= {"reply_markup": self._keyboard(page.buttons, chat)} if page.buttons else {}
        if page.png is not None:
            sent = await self._bot.send_photo(photo=page.png, caption=page.html, **where)
        else:
            sent = await self._bot.send_message(text=page.html, disable_web_page_preview=True, **where)
        return sent.message_id

    async def edit(self, chat: int, message: int, page: Page) -> bool:
        """Let a message show `page`, a picture staying one and a text too; False where it is gone."""
        where = self._place(chat, message, page.buttons)
        if page.png is not None:
            media = InputMediaPhoto(page.png, caption=page.html, parse_mode="HTML")
            return await _still_there(self._bot.edit_message_media(media, **where))
        where |= {"parse_mode": "HTML", "disable_web_page_preview": True}
        return await _still_there(self._bot.edit_message_text(page.html, **where))

    async def recaption(self, chat: int, message: int, html: str, rows: Rows = ()) -> bool:
        """Other words and buttons below a picture that stays; False where it is gone."""
        where = self._place(chat, message, rows)
        return await _still_there(self._bot.edit_message_caption(caption=html, parse_mode="HTML", **where))

    async def unbutton(self, chat: int, message: int) -> bool:
        """Take a message's buttons away; False where it is gone."""
        return await _still_there(self._bot.edit_message_reply_markup(chat_id=chat, message_id=message))

    async def answer(self, press: str, words: str = "") -> None:
        """Let a pressed button rest. One pressed long ago no longer waits for that: no matter."""
        try:
            await self._bot.answer_callback_query(press, words[:200] or None)
        except TelegramError:
            return

    async def topic(self, chat: int, name: str) -> int:
        """A new thread in a group that has threads; 0 where it has none or the bot may not."""
        try:
            return (await self._bot.create_forum_topic(chat, name[:128])).message_thread_id
        except TelegramError:
            return 0

    def _place(self, chat: int, message: int, rows: Rows) -> dict[str, Any]:
        return {"chat_id": chat, "message_id": message, "reply_markup": self._keyboard(rows, chat)}

    def _keyboard(self, rows: Rows, chat: int) -> InlineKeyboardMarkup | None:
        """Buttons signed for this chat; one whose line is too long for a button is left out: it can be typed."""
        keyboard = []
        for row in rows:
            signed = [(button.label, self._signer.data(button, chat)) for button in row]
            keyboard.append([InlineKeyboardButton(label, callback_data=data) for label, data in signed if data])
        keyboard = [row for row in keyboard if row]
        return InlineKeyboardMarkup(keyboard) if keyboard else None


async def _still_there(edit: Awaitable[Any]) -> bool:
    """Whether a message could be edited; an edit that changes nothing counts. Raises what else the library raises."""
    try:
        await edit
    except Forbidden:
        return False
    except BadRequest as error:
        said = str(error).casefold()
        if not any(words in said for words in (*_GONE, _SAME)):
            raise
        return _SAME in said
    return True


async def drawn(page: Page) -> Page:
    """`page` with its chart as a picture; its words alone where the chart cannot be drawn."""
    if page.chart is None:
        return page
    from workbench.visual.picture import png  # Altair and vl-convert cost seconds that a start need not pay

    try:
        return Page(
            page.html,
            png=await asyncio.get_running_loop().run_in_executor(_PENS, png, page.chart, "dark", 2.0),
            buttons=page.buttons,
        )
    except ValueRefused as error:
        return Page(f"{page.html}\n({type(error).__name__})", buttons=page.buttons)
