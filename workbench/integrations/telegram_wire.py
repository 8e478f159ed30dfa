"""How updates come in: by asking (polling), or by being called (webhook).

Either way they are in the journal before they are acknowledged; where they cannot be written down, they are not
acknowledged, and Telegram delivers them again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from aiohttp import web
from telegram.error import Conflict

from workbench.domain.errors import LedgerError, StartError
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_buttons import same_secret
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
Take = Callable[[Sequence[dict[str, Any]]], Awaitable[None]]
"""Journals raw updates; they may be acknowledged when it returns. Raises LedgerError."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATH = "/telegram"
LONGEST_BODY = 2**20
MOST_WAIT_S = 30.0


class Wire(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Polling:
    """Asks again and again, acknowledging what the journal has."""

    def __init__(self, api: TelegramApi, take: Take):
        self._api, self._take = api, take
        self._task = OwnedTask(self._ask, "telegram polling")

    async def start(self) -> None:
        await self._api.poll_from_now()
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def _ask(self) -> None:
        offset, wait_s = 0, 0.5
        while True:
            try:
                raw = await self._api.updates(offset)
                await self._take(raw)
            except Exception as error:  # the supervisor: whatever broke is told, and commands are listened for again
                log.warning("telegram_poll_failed", error=_words(error), again_in_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, MOST_WAIT_S)
                continue
            # An empty answer means that all is acknowledged; ids may start anew below the last one after a quiet week.
            offset = max((_number(each) for each in raw), default=-1) + 1
            wait_s = 0.5


class Webhook:
    """Listens on this machine; a proxy with a certificate passes calls on. Without the secret none counts."""

    def __init__(self, api: TelegramApi, take: Take, url: str, secret: str, host: str, port: int):
        self._api, self._take, self._url, self._secret = api, take, url.rstrip("/"), secret
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self) -> None:
        """Raises StartError where the port is taken."""
        app = web.Application(client_max_size=LONGEST_BODY)
        app.router.add_post(PATH, self._called)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            raise StartError(f"telegram.webhook_port {self._port} cannot be used: {error.strerror}") from error
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}{PATH}"
        await self._api.call_at(f"{self._url or self.address.removesuffix(PATH)}{PATH}", self._secret)

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _called(self, request: web.Request) -> web.Response:
        if not same_secret(request.headers.get(SECRET_HEADER), self._secret):
            log.warning("telegram_webhook_refused", why="wrong secret")
            return web.Response(status=401)
        try:
            raw = await request.json()
        except (ValueError, UnicodeDecodeError):
            return web.Response(status=400)
        if not isinstance(raw, dict):
            return web.Response(status=400)
        try:
            await self._take([raw])
        except LedgerError as error:
            log.warning("telegram_update_not_recorded", error=str(error))
            return web.Response(status=503)  # not acknowledged: it comes again
        return web.Response()


def _number(raw: Any) -> int:
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else -1


def _words(error: Exception) -> str:
    if isinstance(error, Conflict):
        return "another process polls with this token"
    return str(error) or type(error).__name__
