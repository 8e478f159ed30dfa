"""What a bot's server does with each request: read it strictly, ask the bot, answer in the protocol's shapes."""

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from workbench.bots.effects import EffectGate
from workbench.bots.jobs import Job, TuneJobs, job_data
from workbench.bots.memory import Memory
from workbench.bots.openapi import document
from workbench.bots.protocol import VERSION, complaint, encode
from workbench.bots.refusals import BadRequest, NotHere, refusal_of
from workbench.bots.wire import Asked, ForecastQuestion, SymbolQuestion
from workbench.domain.errors import CapabilityMissing
from workbench.domain.ports import Progress

EFFECTS = ("pause", "resume", "halt")


class BotApi:
    """The handlers for one bot. An object without a `gate` of its own is guarded by one that keeps `memory`."""

    def __init__(self, bot: Any, memory: Memory | None = None):
        self._bot = bot
        self._gate: EffectGate | None = None if hasattr(bot, "gate") else EffectGate(memory)
        self.jobs = TuneJobs()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/openapi.json", self._openapi),
            web.get("/v1/health", self._health),
            web.get("/v1/capabilities", partial(self._read, "capabilities")),
            web.get("/v1/status", partial(self._read, "status")),
            web.get("/v1/trades", self._trades),
            web.get("/v1/equity", self._equity),
            web.post("/v1/forecast", partial(self._ask, "forecast", ForecastQuestion)),
            web.post("/v1/plan", partial(self._ask, "plan", SymbolQuestion)),
            web.post("/v1/analyze", partial(self._ask, "analyze", SymbolQuestion)),
            web.post("/v1/features", partial(self._ask, "features", SymbolQuestion)),
            web.post("/v1/tune", self._tune),
            web.get("/v1/tune/{job_id}", self._job),
            web.delete("/v1/tune/{job_id}", self._job),
            *(web.post(f"/v1/{verb}", partial(self._effect, verb)) for verb in EFFECTS),
        ]

    async def _openapi(self, request: web.Request) -> web.Response:
        return answer(document(str(self._bot.bot_id)))

    async def _health(self, request: web.Request) -> web.Response:
        """The loop ticks. Whether the bot is ready and its data fresh is told by its status."""
        return answer({"bot_id": self._bot.bot_id, "live": True, "protocol": VERSION})

    async def _read(self, name: str, request: web.Request) -> web.Response:
        return answer(await self._call(name))

    async def _trades(self, request: web.Request) -> web.Response:
        return answer({"trades": await self._call("trades", limit=_whole(request, "limit", 100))})

    async def _equity(self, request: web.Request) -> web.Response:
        return answer({"points": await self._call("equity", since=_moment(request, "since"))})

    async def _ask(self, name: str, kind: type[Asked], request: web.Request) -> web.Response:
        question = await _body(request, kind)
        return answer(await self._call(name, **question.model_dump()))

    async def _tune(self, request: web.Request) -> web.Response:
        question = await _body(request, SymbolQuestion)
        method(self._bot, "tune")

        async def work(progress: Progress) -> Any:
            return await self._call("tune", **question.model_dump(), progress=progress)

        return answer(_said(self.jobs.start(work, _id(request))), status=202)

    async def _job(self, request: web.Request) -> web.Response:
        """Read a job, or (DELETE) cancel it."""
        job = self.jobs.get(request.match_info["job_id"])
        if job is None:
            raise NotHere(f"no tuning {request.match_info['job_id']!r} is known; it ended long ago or never began")
        if request.method == "DELETE":
            await self.jobs.cancel(job)
        return answer(_said(job))

    async def _effect(self, verb: str, request: web.Request) -> web.Response:
        method(self._bot, verb)
        command_id, token = _id(request), _token(request)
        act = partial(self._call, verb, command_id=command_id, token=token)
        await (act() if self._gate is None else self._gate.once(verb, command_id, token, act))
        return answer({"done": verb, "command_id": command_id})

    async def _call(self, name: str, **args: Any) -> Any:
        """Call the bot with the arguments it takes; in a thread unless it is a coroutine."""
        found = method(self._bot, name)
        taken = inspect.signature(found).parameters
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
            args = {key: value for key, value in args.items() if key in taken}
        if inspect.iscoroutinefunction(found):
            return await found(**args)
        said = await asyncio.to_thread(found, **args)
        return await said if inspect.isawaitable(said) else said


def method(bot: Any, name: str) -> Callable[..., Any]:
    """The bot's method `name`. Raises CapabilityMissing."""
    found = getattr(bot, name, None)
    if not callable(found):
        raise CapabilityMissing(f"{bot.bot_id} does not {name}; /v1/capabilities lists what it does")
    return found


def answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=encode(value), status=status, content_type="application/json")


def _said(job: Job) -> dict[str, Any]:
    return job_data(job, lambda error: refusal_of(error)[1])


async def _body(request: web.Request, kind: type[Asked]) -> Asked:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        raise BadRequest(f"{request.path}: {complaint(error)}; /openapi.json has the shape") from error


def _id(request: web.Request) -> str:
    command_id = request.headers.get("Idempotency-Key", "")
    if len(command_id) > 64:
        raise BadRequest("Idempotency-Key is longer than 64 characters; a UUID is enough")
    return command_id


def _token(request: web.Request) -> int:
    text = request.headers.get("X-Fencing-Token", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest(f"X-Fencing-Token must be a whole number, got {text[:40]!r}; send the lease's token")
    return int(text)


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 6):
        raise BadRequest(f"{name} must be a whole number up to 999999, got {text[:40]!r}; leave it out for {default}")
    return int(text)


def _moment(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name} is not a time: {text[:40]!r}; write ISO 8601, as in 2019-05-01T00:00:00Z") from None
    if at.tzinfo is None:
        raise BadRequest(f"{name} has no zone: {text[:40]!r}; end it with Z for UTC")
    return at.astimezone(UTC)
