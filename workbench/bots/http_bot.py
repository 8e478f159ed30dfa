"""A bot at the other end of HTTP, as an object."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from pydantic import ValidationError

from workbench.bots.echoes import without
from workbench.bots.protocol import VERSION, complaint, decode
from workbench.bots.refusals import error_of
from workbench.bots.wire import (
    AnalysisWire,
    CapabilitiesWire,
    EquityWire,
    FeaturesWire,
    ForecastWire,
    JobWire,
    PlanWire,
    StatusWire,
    TradesWire,
    Wire,
)
from workbench.domain.errors import BotError, BotUnknown, BotUnreachable
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.portfolio import BotStatus, EquityPoint, Trade
from workbench.domain.ports import Progress

ANSWER_LIMIT = 32 * 1024 * 1024
POLL_S = 0.25
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)  # no byte of the request has left


def shared_session(limit: int = 0) -> aiohttp.ClientSession:
    """One connection pool for any number of bots; `limit` connections at once, 0 for no limit. Close it yourself."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit))


class ForeignAnswer(Exception):
    """An error answer in which the bot does not say what was done: a proxy spoke, or the bot broke half-way."""


class Line:
    """Requests to one bot's server: sends, judges the answer, never decides what it means."""

    def __init__(self, bot_id: str, url: str, token: str, timeout_s: float, session: aiohttp.ClientSession | None):
        self.bot_id, self.url, self.timeout_s = bot_id, url.rstrip("/"), timeout_s
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._secrets = (token,)
        self._session, self._own = session, session is None

    async def ask(self, method: str, path: str, body: Any = None, timeout_s: float | None = None) -> bytes:
        """A question. Raises BotUnreachable where no answer came: nothing has changed."""
        try:
            return await self._send(method, path, body, {}, timeout_s or self.timeout_s)
        except ForeignAnswer as error:
            raise BotUnreachable(f"{error}; is {self.url} a bot, and well?") from error
        except NOT_SENT as error:
            raise self._unreachable(error) from error
        except TimeoutError:
            waited = f"no answer to {path} within {timeout_s or self.timeout_s:g} s"
            raise BotUnreachable(f"{self.bot_id}: {waited}; see its log, or ask again") from None
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from error

    async def act(self, path: str, headers: Mapping[str, str]) -> None:
        """An effect. Raises BotUnknown where it was sent and no answer came, BotUnreachable where it never left."""
        try:
            await self._send("POST", path, None, headers, self.timeout_s)
        except ForeignAnswer as error:
            raise BotUnknown(f"{error}: it may have happened; read its status before anything else") from error
        except NOT_SENT as error:
            raise self._unreachable(error) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            why = f"no answer within {self.timeout_s:g} s" if isinstance(error, TimeoutError) else str(error)
            words = f"{self.bot_id}: {path} was sent, but {why or type(error).__name__}: it may have happened"
            raise BotUnknown(f"{words}; read its status before anything else") from error

    async def close(self) -> None:
        if self._own and self._session:
            await self._session.close()
            self._session = None

    async def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str], timeout_s: float) -> bytes:
        if self._session is None:
            self._session = shared_session(limit=8)
        async with (
            asyncio.timeout(timeout_s),
            self._session.request(
                method,
                self.url + path,
                data=None if body is None else orjson.dumps(body),
                headers={**self._headers, **headers},
                allow_redirects=False,
            ) as response,
        ):
            said = without(await self._read(response), self._secrets)
            if response.status >= 300:
                raise self._refused(response.status, path, said)
            return said

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > ANSWER_LIMIT:
                raise BotError(f"{self.bot_id}: its answer is larger than {ANSWER_LIMIT} bytes; it was not read")
            parts.append(part)
        return b"".join(parts)

    def _refused(self, status: int, path: str, said: bytes) -> Exception:
        try:
            told = orjson.loads(said)
            words, following, code = str(told["error"]), str(told.get("next", "")), str(told.get("code", ""))
        except (ValueError, TypeError, KeyError, AttributeError):
            return ForeignAnswer(f"{self.bot_id}: {path} answered {status} in words that are not ours")
        if code == "broken":  # it died in the middle: for an effect that is not a refusal
            return ForeignAnswer(f"{self.bot_id}: {words} in {path}")
        return error_of(self.bot_id, words, following, code)

    def _unreachable(self, error: Exception) -> BotUnreachable:
        return BotUnreachable(f"{self.bot_id} does not answer at {self.url} ({error}); is it running?")


class HttpBot:
    """`domain.ports.Bot` over HTTP. Give thousands of them one `session` (see `shared_session`)."""

    def __init__(
        self,
        bot_id: str,
        url: str,
        token: str,
        *,
        timeout_s: float = 10.0,
        session: aiohttp.ClientSession | None = None,
    ):
        self.bot_id, self.url = bot_id, url
        self._line = Line(bot_id, url, token, timeout_s, session)

    async def capabilities(self) -> Mapping[str, Any]:
        return await self._read("/v1/capabilities", CapabilitiesWire)

    async def status(self) -> BotStatus:
        return await self._read("/v1/status", StatusWire)

    async def trades(self, limit: int = 100) -> tuple[Trade, ...]:
        return await self._read(f"/v1/trades?limit={int(limit)}", TradesWire)

    async def equity(self, since: datetime | None = None) -> tuple[EquityPoint, ...]:
        start = "" if since is None else f"?since={quote(since.astimezone(UTC).isoformat())}"
        return await self._read(f"/v1/equity{start}", EquityWire)

    async def forecast(self, symbol: str, timeframe: str, horizon: int | None = None) -> Forecast:
        question = {"symbol": symbol, "timeframe": str(timeframe), "horizon": horizon}
        return await self._read("/v1/forecast", ForecastWire, question)

    async def plan(self, symbol: str, timeframe: str) -> Plan:
        return await self._read("/v1/plan", PlanWire, {"symbol": symbol, "timeframe": str(timeframe)})

    async def analyze(self, symbol: str, timeframe: str) -> Analysis:
        return await self._read("/v1/analyze", AnalysisWire, {"symbol": symbol, "timeframe": str(timeframe)})

    async def features(self, symbol: str, timeframe: str) -> BotFeatures:
        return await self._read("/v1/features", FeaturesWire, {"symbol": symbol, "timeframe": str(timeframe)})

    async def tune(self, symbol: str, timeframe: str, progress: Progress | None = None) -> TuneResult:
        """Start a tuning and follow it to its end; cancelling this call cancels the tuning."""
        question = {"symbol": symbol, "timeframe": str(timeframe)}
        job = self._job(await self._line.ask("POST", "/v1/tune", question))
        path = f"/v1/tune/{quote(job.job_id, safe='')}"
        try:
            while job.state == "running":
                if progress:
                    progress(job.progress, job.words)
                await asyncio.sleep(POLL_S)
                job = self._job(await self._line.ask("GET", path))
        except asyncio.CancelledError:
            with contextlib.suppress(BotError):  # it ends by itself; the caller has left
                await self._line.ask("DELETE", path)
            raise
        return self._tuned(job, progress)

    def _job(self, said: bytes) -> JobWire:
        try:
            return JobWire.model_validate_json(said)
        except ValidationError as error:
            raise BotError(
                f"{self.bot_id} does not tell its tuning in protocol {VERSION}: {complaint(error)}"
            ) from error

    def _tuned(self, job: JobWire, progress: Progress | None) -> TuneResult:
        if job.state == "cancelled":
            raise BotError(f"{self.bot_id}: the tuning was cancelled by somebody else; start it again if it is wanted")
        if job.state == "failed" or job.result is None:
            raise error_of(self.bot_id, job.error or "the tuning failed", job.next, job.code)
        if progress:
            progress(1.0, job.words)
        return self._mine(job.result.domain())

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("pause", command_id, token)

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("resume", command_id, token)

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("halt", command_id, token)

    async def close(self) -> None:
        """Close the connection, unless it is a shared one."""
        await self._line.close()

    async def _effect(self, verb: str, command_id: str, token: int) -> None:
        headers = {"X-Fencing-Token": str(int(token))}
        if command_id:
            headers["Idempotency-Key"] = command_id
        await self._line.act(f"/v1/{verb}", headers)

    async def _read(self, path: str, kind: type[Wire], question: Mapping[str, Any] | None = None) -> Any:
        said = await self._line.ask("POST" if question else "GET", path, question)
        try:
            return self._mine(decode(kind, said))
        except BotError as error:
            raise BotError(f"{self.bot_id} answers {path} in a way that is not protocol {VERSION}: {error}") from error

    def _mine(self, value: Any) -> Any:
        """Refuse an answer that another bot has signed: two addresses swapped must never trade places."""
        named = value.get("bot_id") if isinstance(value, Mapping) else getattr(value, "bot_id", self.bot_id)
        if named != self.bot_id:
            raise BotError(f"{self.url} is the bot {named!r}, not {self.bot_id!r}; mend the address")
        return value
