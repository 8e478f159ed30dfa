"""Serves one bot over HTTP: any Python object with the methods of `domain.ports.Bot`, or with some of them.

Everything but GET /v1/health and /openapi.json needs the bearer token. A method the object lacks is answered 501; a
method that is not a coroutine runs in a thread, so that a slow one never holds up the others.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from workbench.bots.api import BotApi, answer
from workbench.bots.memory import Memory
from workbench.bots.protocol import VERSION
from workbench.bots.refusals import NotHere, TooLarge, Unauthorized, refusal_of
from workbench.domain.errors import BotError, StartError

log = structlog.get_logger(__name__)
BODY_LIMIT = 64 * 1024
OPEN_PATHS = ("/v1/health", "/openapi.json")
DEFAULT_HOST = "127.0.0.1"
GRACE_S = 1.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BotServer:
    """The HTTP face of `bot`. `memory` keeps ids and tokens over a restart for an object that has no `gate`."""

    def __init__(self, bot: Any, token: str, *, memory: Memory | None = None, host: str = DEFAULT_HOST):
        if not token:
            raise BotError("a bot server needs a bearer token; set WORKBENCH_BOT_TOKEN")
        self._token, self._host = token.encode(), host
        self._api = BotApi(bot, memory)
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen and return the URL; port 0 takes a free one. Raises StartError where the port is taken."""
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, port)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise StartError(f"port {port} on {self._host} is taken ({error.strerror}); choose another") from error
        return f"http://{self._host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Cancel tunings, finish requests under way for a moment, close. The bot itself is its owner's to stop."""
        await self._api.jobs.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._door], client_max_size=BODY_LIMIT)
        app.add_routes(self._api.routes())
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, then turn every error into the same kind of JSON."""
        try:
            if request.path not in OPEN_PATHS:
                self._check_token(request)
            response = await handler(request)
        except web.HTTPException as error:
            return _refuse(_told(error, request))
        except Exception as error:
            if refusal_of(error)[0] == 500:  # supervisor: the caller hears that it broke, the log has the traceback
                log.exception("bot_request_broke", path=request.path)
            return _refuse(error)
        response.headers["X-Workbench-Protocol"] = VERSION
        return response

    def _check_token(self, request: web.Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            raise Unauthorized("the bearer token is missing or wrong; send Authorization: Bearer <the bot's token>")


def _told(error: web.HTTPException, request: web.Request) -> Exception:
    """aiohttp's own refusals in our words."""
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge(f"the body is larger than {BODY_LIMIT} bytes; no request of this API is")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return NotHere(f"{request.path} has no {error.method}; /openapi.json lists what there is")
    return NotHere(f"nothing is at {request.path}; /openapi.json lists what there is")


def _refuse(error: BaseException) -> web.Response:
    status, body = refusal_of(error)
    response = answer(body, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
