"""A Bot API server on this machine: what Telegram does to a bot, over real HTTP, with everything written down.

People `say` and `press`; the bot polls or is called at its webhook. Limits of size are kept, rate limits where asked.
"""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import aiohttp
from aiohttp import web

TOKEN = "123456:canary-AAGm2Xh9vQ7sKp"
PNG = b"\x89PNG"
TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote"}


class Refused(Exception):
    """An answer that is not ok."""

    def __init__(self, code, words, **parameters):
        super().__init__(words)
        self.code, self.words, self.parameters = code, words, parameters


@dataclass
class Message:
    """A message as the chat shows it now. `versions`: every text that it has had."""

    chat: int
    number: int
    text: str
    buttons: list = field(default_factory=list)
    photo: bytes = b""
    thread: int = 0
    quiet: bool = False
    versions: list = field(default_factory=list)


class _Markup(HTMLParser):
    """Telegram's HTML: known tags, closed in order. `seen` is what the reader sees."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.seen = [], ""

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            raise Refused(400, f"Bad Request: can't parse entities: Unsupported start tag {tag!r}")
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise Refused(400, f"Bad Request: can't parse entities: unexpected end tag {tag!r}")

    def handle_data(self, data):
        self.seen += data


def seen(text, mode):
    """The text without its markup. Raises Refused where the markup is broken."""
    if mode != "HTML":
        return text
    reader = _Markup()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise Refused(400, f"Bad Request: can't parse entities: Can't find end tag {reader.open[-1]!r}")
    return reader.seen


class TelegramServer:
    """One bot's Telegram. `groups`: chat id → its topics (thread ids); private chats are those of `people`."""

    def __init__(self, people=(1, 2, 3, 4, 5, 6), groups=None, rates=False):
        self.people, self.groups, self.rates = set(people), dict(groups or {}), rates
        self.calls, self.messages, self.answers = [], {}, {}
        self.floods = {}
        self.pending, self.webhook, self.secret = [], "", ""
        self.polls = 0
        self._numbers = iter(range(100, 10**9))
        self._updates = iter(range(7_000_001, 10**9))
        self._news, self._sent_at, self._presses = asyncio.Condition(), {}, set()
        self._pushing = None

    async def start(self):
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def stop(self):
        if self._pushing:
            self._pushing.cancel()
        await self._runner.cleanup()

    # people

    async def say(self, user, text, chat=None, *, thread=0, age_s=0, edited=False, name="Ann", **more):
        """A person writes; the update's id."""
        message = {
            "message_id": next(self._numbers),
            "date": int(time.time() - age_s),
            "chat": self._chat(chat or user),
            "from": self._person(user, name),
            "text": text,
            **more,
        }
        if thread:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if edited:
            return await self.deliver({"edited_message": message | {"edit_date": int(time.time())}})
        return await self.deliver({"message": message})

    async def press(self, user, message, data, name="Ann"):
        """A person presses a button of `message`, or makes a client send `data` that no button has."""
        query = f"q{next(self._numbers)}"
        self._presses.add(query)
        shown = {"message_id": message.number, "date": int(time.time()), "chat": self._chat(message.chat)}
        shown |= {"text": message.text, **({"message_thread_id": message.thread} if message.thread else {})}
        pressed = {"id": query, "from": self._person(user, name), "chat_instance": "7", "data": data}
        return await self.deliver({"callback_query": {**pressed, "message": shown}})

    async def deliver(self, update):
        """Put an update before the bot; one that has an id already is delivered again."""
        update = {"update_id": next(self._updates), **update}
        async with self._news:
            self.pending.append(update)
            self._news.notify_all()
        return update["update_id"]

    def flood(self, chat, seconds):
        """From now on `chat` (0: every chat) answers 429 for so long."""
        self.floods[chat] = time.monotonic() + seconds

    # what came of it

    def shown(self, chat):
        """Messages of a chat, oldest first."""
        return [message for message in self.messages.values() if message.chat == chat]

    async def until(self, true, timeout_s=40.0):
        """Wait until `true()`; its value."""
        async with asyncio.timeout(timeout_s):
            while not (value := true()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return value

    async def heard(self, chat, words, timeout_s=40.0):
        """The newest message of `chat` that shows `words`."""
        found = [None]

        def look():
            found[0] = next((m for m in reversed(self.shown(chat)) if words in m.text), None)
            return found[0]

        try:
            return await self.until(look, timeout_s)
        except TimeoutError:
            raise AssertionError(f"{words!r} is not among {[m.text for m in self.shown(chat)]}") from None

    # the API

    async def _serve(self, request):
        method = request.match_info["method"]
        params = await _params(request)
        self.calls.append((method, params, time.monotonic()))
        try:
            if request.match_info["token"] != TOKEN:
                raise Refused(401, "Unauthorized")
            answer = getattr(self, f"on_{method}", None)
            if answer is None:
                raise Refused(404, "Not Found: method not found")
            return web.json_response({"ok": True, "result": await answer(params)})
        except Refused as error:
            told = {"ok": False, "error_code": error.code, "description": error.words}
            if error.parameters:
                told["parameters"] = error.parameters
            return web.json_response(told, status=error.code)

    async def on_getMe(self, params):
        return {"id": 99, "is_bot": True, "first_name": "Desk", "username": "desk_bot"}

    async def on_setMyCommands(self, params):
        return True

    async def on_getUpdates(self, params):
        if self.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        if self.polls:
            raise Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot runs")
        self.polls += 1
        try:
            return await self._updates_after(params.get("offset") or 0, params.get("timeout") or 0)
        finally:
            self.polls -= 1

    async def _updates_after(self, offset, timeout_s):
        async with self._news:
            self.pending = [each for each in self.pending if each["update_id"] >= offset]
            try:
                async with asyncio.timeout(timeout_s):
                    while not self.pending:
                        await self._news.wait()
            except TimeoutError:
                pass
            return self.pending[:100]

    async def on_setWebhook(self, params):
        if len(params.get("secret_token", "")) > 256:
            raise Refused(400, "Bad Request: secret token is too long")
        self.webhook, self.secret = params["url"], params.get("secret_token", "")
        self._pushing = asyncio.create_task(self._push())
        return True

    async def on_deleteWebhook(self, params):
        if self._pushing:
            self._pushing.cancel()
        self.webhook, self._pushing = "", None
        return True

    async def _push(self):
        """Each update again and again until the bot answers 200."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret}
        async with aiohttp.ClientSession() as session:
            while True:
                async with self._news:
                    while not self.pending:
                        await self._news.wait()
                    update = self.pending[0]
                try:
                    async with session.post(self.webhook, json=update, headers=headers) as answer:
                        done = answer.status == 200
                except aiohttp.ClientError:
                    done = False
                if done:
                    self.pending.remove(update)
                else:
                    await asyncio.sleep(0.05)

    async def on_sendMessage(self, params):
        return self._post(params, params["text"], 4096)

    async def on_sendPhoto(self, params):
        photo = params.get("photo")
        if not isinstance(photo, bytes) or not photo.startswith(PNG):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if len(photo) > 10 * 2**20:
            raise Refused(413, "Request Entity Too Large")
        return self._post(params, params.get("caption", ""), 1024, photo)

    def _post(self, params, text, longest, photo=b""):
        chat, thread = int(params["chat_id"]), int(params.get("message_thread_id") or 0)
        self._may_send(chat)
        if thread and thread not in self.groups.get(chat, ()):
            raise Refused(400, "Bad Request: message thread not found")
        text, buttons = _checked(params, text, longest, bool(photo))
        quiet = bool(params.get("disable_notification"))
        message = Message(chat, next(self._numbers), text, buttons, photo, thread, quiet, [text])
        self.messages[chat, message.number] = message
        return self._told(message)

    def _may_send(self, chat):
        now = time.monotonic()
        if chat not in self.people and chat not in self.groups:
            raise Refused(400, "Bad Request: chat not found")
        until = max(self.floods.get(chat, 0), self.floods.get(0, 0))
        if self.rates and now - self._sent_at.get(chat, -9) < 0.9:
            until = max(until, now + 1)
        if until > now:
            wait_s = int(until - now) + 1
            raise Refused(429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)
        self._sent_at[chat] = now

    async def on_editMessageText(self, params):
        return self._edit(params, params["text"], 4096)

    async def on_editMessageMedia(self, params):
        media = params["media"]
        photo = params[media["media"].removeprefix("attach://")]
        return self._edit(params | {"parse_mode": media.get("parse_mode")}, media.get("caption", ""), 1024, photo)

    async def on_editMessageCaption(self, params):
        return self._edit(params, params.get("caption", ""), 1024)

    async def on_editMessageReplyMarkup(self, params):
        message = self.messages.get((int(params["chat_id"]), int(params["message_id"])))
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        _, message.buttons = _checked(params, "x", 10, True)
        return self._told(message)

    def _edit(self, params, text, longest, photo=b""):
        chat = int(params["chat_id"])
        self._may_send(chat)
        message = self.messages.get((chat, int(params["message_id"])))
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        text, buttons = _checked(params, text, longest, bool(photo))
        if (text, buttons, photo) == (message.text, message.buttons, message.photo):
            raise Refused(400, "Bad Request: message is not modified: specified new message content is the same")
        message.text, message.buttons, message.photo = text, buttons, photo or message.photo
        message.versions.append(text)
        return self._told(message)

    async def on_answerCallbackQuery(self, params):
        if params["callback_query_id"] not in self._presses:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(params.get("text", "")) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answers[params["callback_query_id"]] = params.get("text", "")
        return True

    async def on_createForumTopic(self, params):
        chat = int(params["chat_id"])
        if chat not in self.groups:
            raise Refused(400, "Bad Request: the chat is not a forum")
        thread = next(self._numbers)
        self.groups[chat] = (*self.groups[chat], thread)
        return {"message_thread_id": thread, "name": params["name"], "icon_color": 7322096}

    def _told(self, message):
        told = {"message_id": message.number, "date": int(time.time()), "chat": self._chat(message.chat)}
        return told | {"text": message.text}

    def _chat(self, chat):
        if chat < 0:
            return {"id": chat, "type": "supergroup", "title": "Desk"}
        return {"id": chat, "type": "private", "first_name": "Ann"}

    def _person(self, user, name):
        return {"id": user, "is_bot": False, "first_name": name}


def _checked(params, text, longest, may_be_empty=False):
    shown = seen(text, params.get("parse_mode"))
    if not shown.strip() and not may_be_empty:
        raise Refused(400, "Bad Request: message text is empty")
    if len(shown.encode("utf-16-le")) // 2 > longest:
        raise Refused(400, "Bad Request: message is too long")
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100:
        raise Refused(400, "Bad Request: REPLY_MARKUP_TOO_LONG")
    if any(not 1 <= len(button["callback_data"].encode()) <= 64 for button in buttons):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return shown, buttons


async def _params(request):
    """Form fields with what is JSON read as JSON, files as bytes."""
    given = await request.post()
    read = {}
    for name, value in given.items():
        if isinstance(value, web.FileField):
            read[name] = value.file.read()
        elif name in ("text", "caption", "callback_query_id", "url", "secret_token", "name"):
            read[name] = value
        else:
            try:
                read[name] = json.loads(value)
            except ValueError:
                read[name] = value
    return read


@asynccontextmanager
async def telegram_server(**options):
    server = TelegramServer(**options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
