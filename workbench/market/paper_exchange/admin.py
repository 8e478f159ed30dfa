"""The exchange's own requests, under /workbench/v1: its clock, its accounts. All but the clock need the admin token."""

import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import orjson
from aiohttp import web

from workbench.domain.errors import ExchangeError
from workbench.market.paper_exchange.clock import parse_speed
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.rest import FLOOR, answer

_LONGEST_NAME = 64


class Clockwork(Protocol):
    """What drives the market: a replay or a mirror. `mirror`s refuse what only recorded time can do."""

    def clock(self) -> dict[str, Any]: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set_speed(self, speed: float) -> None: ...
    async def seek(self, moment_ms: int) -> int: ...


@dataclass(frozen=True)
class Admin:
    """Who may command, and what is commanded. `token` None: nobody may."""

    clockwork: Clockwork
    lockstep: Lockstep | None
    token: str | None


ADMIN = web.AppKey("admin", Admin)


def _check(request: web.Request) -> None:
    token = request.app[ADMIN].token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        raise _Denied("this exchange was started without WORKBENCH_EXCHANGE_TOKEN, so it takes no commands")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise _Denied("the admin token is missing or wrong")


class _Denied(ExchangeError):
    """Not the admin."""


def _guarded(run):
    async def handle(request: web.Request) -> web.Response:
        try:
            _check(request)
            return answer(await run(request))
        except _Denied as error:
            return answer({"error": str(error)}, 401)
        except ExchangeError as error:
            return answer({"error": str(error)}, 400)

    return handle


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ExchangeError("the body must be a JSON object")
    return body


async def clock(request: web.Request) -> web.Response:
    admin = request.app[ADMIN]
    together = admin.lockstep
    steps = {"lockstep": together.names, "dropped": together.dropped[-20:]} if together else {}
    return answer(admin.clockwork.clock() | steps)


async def pause(request: web.Request) -> Any:
    request.app[ADMIN].clockwork.pause()
    return request.app[ADMIN].clockwork.clock()


async def resume(request: web.Request) -> Any:
    request.app[ADMIN].clockwork.resume()
    return request.app[ADMIN].clockwork.clock()


async def speed(request: web.Request) -> Any:
    request.app[ADMIN].clockwork.set_speed(parse_speed((await _body(request)).get("speed", "")))
    return request.app[ADMIN].clockwork.clock()


async def seek(request: web.Request) -> Any:
    text = str((await _body(request)).get("to", ""))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExchangeError(f"{text!r} is not a time; write it as 2018-05-01 or 2018-05-01T12:30:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    await request.app[ADMIN].clockwork.seek(int(moment.timestamp() * 1000))
    return request.app[ADMIN].clockwork.clock()


async def open_account(request: web.Request) -> Any:
    body = await _body(request)
    name = str(body.get("name", "")).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ExchangeError(f"an account needs a name of 1 to {_LONGEST_NAME} characters, got {name!r}")
    credentials = request.app[FLOOR].open_account(name, _funds(body.get("funds")))
    return {"name": name, "apiKey": credentials.key, "secret": credentials.secret}


def _funds(given: Any) -> Mapping[str, Decimal]:
    try:
        funds = {str(asset).upper(): Decimal(str(amount)) for asset, amount in dict(given or {}).items()}
    except (InvalidOperation, TypeError, ValueError):
        funds = {"": Decimal(-1)}
    if not all(asset and amount.is_finite() and 0 <= amount <= Decimal("1e15") for asset, amount in funds.items()):
        raise ExchangeError('funds must be amounts by asset, from 0 to 1e15, as in {"USD": "10000"}')
    return funds


async def snapshot(request: web.Request) -> Any:
    return {"clock": request.app[ADMIN].clockwork.clock(), "accounts": request.app[FLOOR].snapshot()}


async def join_lockstep(request: web.Request) -> web.StreamResponse:
    """Open, as the clock is: taking part reveals nothing and trades nothing."""
    name = request.query.get("name", "").strip()[:_LONGEST_NAME]
    if not name:
        return answer({"error": "name yourself: /workbench/v1/lockstep?name=BOT"}, 400)
    if "Origin" in request.headers:  # a web page somewhere must not hold up the market
        return answer({"error": "browsers do not take part in a lockstep"}, 403)
    lockstep = request.app[ADMIN].lockstep
    if lockstep is None:
        return answer({"error": "a mirror's time cannot be held up, so there is no lockstep"}, 400)
    socket = web.WebSocketResponse(heartbeat=30.0, compress=False)
    await socket.prepare(request)
    await lockstep.join(name, socket)
    return socket


def iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat()


def shown_speed(speed: float) -> float | str:
    """JSON has no infinity."""
    return "max" if math.isinf(speed) else speed


def routes() -> list[web.RouteDef]:
    commands = {"pause": pause, "resume": resume, "speed": speed, "seek": seek, "accounts": open_account}
    return [
        web.get("/workbench/v1/clock", clock),
        web.get("/workbench/v1/snapshot", _guarded(snapshot)),
        web.get("/workbench/v1/lockstep", join_lockstep),
        *(web.post(f"/workbench/v1/{name}", _guarded(run)) for name, run in commands.items()),
    ]
