"""Requests to one Freqtrade API: sends, and judges what an answer proves. What an answer means is decided elsewhere.

Freqtrade says no with 502 and a JSON `error`; it breaks half-way with 500 and plain text. The first has changed
nothing, after the second nobody knows. The same holds for a question that stays open and an effect that does.
"""

import asyncio
import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from workbench.bots.echoes import without
from workbench.bots.http_bot import ANSWER_LIMIT, NOT_SENT, shared_session
from workbench.domain.errors import BotError, BotUnknown, BotUnreachable, CapabilityMissing

API = "/api/v1"
ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password of a Freqtrade API. Never written down by us; `repr` shows neither."""

    username: str = field(repr=False)
    password: str = field(repr=False)


def login_of_run(bot_id: str, token: str) -> Login:
    """Name and password of a Freqtrade that a desk started under the bot token of its run. Each bot gets its own: a
    strategy can read its process's environment, and must not be able to command the others."""
    password = hmac.new(token.encode(), f"freqtrade:{bot_id}".encode(), "sha256").hexdigest()
    return Login("workbench", f"wb-{password}")


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


class FreqtradeLine:
    """`url` without a path, as in http://127.0.0.1:8080."""

    def __init__(self, bot_id: str, url: str, login: Login, session: aiohttp.ClientSession | None = None):
        self.bot_id, self.url = bot_id, url.rstrip("/")
        self._login = login
        self._headers = {"Authorization": _basic(login)}
        self._secrets = login.password, _basic(login).removeprefix("Basic ")
        self._session, self._own = session, session is None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = shared_session(limit=8)
        return self._session

    async def ask(self, path: str, *, body: Any = None, timeout_s: float = ASK_S) -> Any:
        """A question; with `body` a POST. Raises BotUnreachable where no sound answer came: nothing has changed."""
        try:
            return await self._send("GET" if body is None else "POST", path, body, timeout_s)
        except NOT_SENT as error:
            raise self._unreachable(error) from error
        except TimeoutError:
            raise BotUnreachable(f"{self.bot_id}: no answer to {path} within {timeout_s:g} s; ask again") from None
        except _Broke as error:
            raise BotUnreachable(f"{error}; see its log") from error
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from error

    async def act(self, method: str, path: str, body: Any = None, *, timeout_s: float = 10.0) -> Any:
        """An effect. Raises BotUnknown where it was sent and may have happened, BotUnreachable where it never left."""
        try:
            return await self._send(method, path, body, timeout_s)
        except NOT_SENT as error:
            raise self._unreachable(error) from error
        except _Broke as error:
            raise BotUnknown(f"{error}: it may have happened; read its status before anything else") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            why = f"no answer within {timeout_s:g} s" if isinstance(error, TimeoutError) else type(error).__name__
            words = f"{self.bot_id}: {path} was sent, but {why}: it may have happened"
            raise BotUnknown(f"{words}; read its status before anything else") from error

    async def token(self) -> str:
        """A token for the message WebSocket. Raises BotError."""
        said = await self._safe_login()
        token = said.get("access_token") if isinstance(said, Mapping) else None
        if not isinstance(token, str):
            raise BotError(f"{self.bot_id} gave no token for its messages; is {self.url} a Freqtrade?")
        return token

    async def close(self) -> None:
        if self._own and self._session:
            await self._session.close()
            self._session = None

    async def _safe_login(self) -> Any:
        return await self.ask("/token/login", body={})

    async def _send(self, method: str, path: str, body: Any, timeout_s: float) -> Any:
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        data = None if body is None else orjson.dumps(body)
        request = self.session.request
        async with (
            asyncio.timeout(timeout_s),
            request(method, f"{self.url}{API}{path}", data=data, headers=headers, allow_redirects=False) as response,
        ):
            said = await response.content.read(ANSWER_LIMIT + 1)
            while not response.content.at_eof() and len(said) <= ANSWER_LIMIT:
                said += await response.content.read(ANSWER_LIMIT + 1 - len(said))
            if len(said) > ANSWER_LIMIT:
                raise BotError(f"{self.bot_id}: its answer to {path} is larger than {ANSWER_LIMIT} bytes")
            return self._judged(path, response.status, without(said, self._secrets))

    def _judged(self, path: str, status: int, said: bytes) -> Any:
        if status in (404, 405):  # before its words are read: older versions answer it in HTML
            raise CapabilityMissing(f"{self.bot_id}: its version of Freqtrade has no {path}; update it")
        try:
            answer = orjson.loads(said)
        except orjson.JSONDecodeError:
            raise _Broke(f"{self.bot_id}: {path} answered {status} in words that are not JSON") from None
        if status == 401:
            raise BotError(f"{self.bot_id} refuses the name or the password; check the variables that hold them")
        complaint = answer.get("error") if isinstance(answer, Mapping) else None
        if complaint:
            raise BotError(f"{self.bot_id}: {_short(complaint)}")
        if status >= 300:
            detail = answer.get("detail") if isinstance(answer, Mapping) else answer
            if status >= 500:
                raise _Broke(f"{self.bot_id}: {path} answered {status}: {_short(detail)}")
            raise BotError(f"{self.bot_id}: {path} answered {status}: {_short(detail)}")
        return answer

    def _unreachable(self, error: Exception) -> BotUnreachable:
        return BotUnreachable(f"{self.bot_id} does not answer at {self.url} ({type(error).__name__}); is it running?")


class _Broke(Exception):
    """An answer that proves nothing of what was done."""


def _short(words: Any) -> str:
    return " ".join(str(words).split())[:300]
