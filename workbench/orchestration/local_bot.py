"""A plain Python object as a bot: what it can do is read off it, and what it lacks of the protocol is supplied here."""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.bots.effects import EffectGate
from workbench.domain.errors import BotError, CapabilityMissing
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.portfolio import BotStatus, EquityPoint, Trade
from workbench.domain.ports import CAPABILITIES, Progress

THREADS = 8  # calls of one bot that may block at once; more are refused, so that a hanging bot costs a few threads only


def able(instance: object) -> tuple[str, ...]:
    """The capabilities whose methods `instance` has, in the order of `ports.CAPABILITIES`."""
    return tuple(name for name in CAPABILITIES if callable(getattr(instance, name, None)))


class LocalBot:
    """Adapts `instance` to `domain.ports.Bot`. Its methods may be plain or `async`, and may take fewer arguments.

    A plain method runs in a thread of its own: blocking there costs nobody. An `async` one runs on our loop and must
    not block. Effects are guarded here: the same `command_id` acts once, a token older than the newest seen is refused.
    """

    def __init__(self, bot_id: str, instance: object):
        self.bot_id, self.instance = bot_id, instance
        self._gate, self._threads = EffectGate(), 0

    @property
    def idempotent(self) -> bool:
        """Whether a command sent a second time is known not to act again; the gate here sees to that."""
        return bool(getattr(self.instance, "idempotent", True))

    async def capabilities(self) -> Mapping[str, Any]:
        told = await self._call("capabilities") if callable(getattr(self.instance, "capabilities", None)) else {}
        if not isinstance(told, Mapping):
            raise BotError(f"{self.bot_id}: capabilities() must return a mapping, got {type(told).__name__}")
        own = {"bot_id": self.bot_id, "kind": type(self.instance).__name__, "capabilities": list(able(self.instance))}
        return {**own, **told}

    async def status(self) -> BotStatus:
        return await self._call("status")

    async def forecast(self, symbol: str, timeframe: str, horizon: int | None = None) -> Forecast:
        return await self._call("forecast", symbol, timeframe, horizon=horizon)

    async def plan(self, symbol: str, timeframe: str) -> Plan:
        return await self._call("plan", symbol, timeframe)

    async def tune(self, symbol: str, timeframe: str, progress: Progress | None = None) -> TuneResult:
        """A plain `tune` in its thread is told of a cancellation when it next reports progress."""
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def report(done: float, words: str = "") -> None:
            if stopped.is_set():
                raise asyncio.CancelledError
            if progress:
                loop.call_soon_threadsafe(progress, done, words)

        try:
            return await self._call("tune", symbol, timeframe, progress=report)
        finally:
            stopped.set()

    async def analyze(self, symbol: str, timeframe: str) -> Analysis:
        return await self._call("analyze", symbol, timeframe)

    async def features(self, symbol: str, timeframe: str) -> BotFeatures:
        return await self._call("features", symbol, timeframe)

    async def trades(self, limit: int = 100) -> Sequence[Trade]:
        return await self._call("trades", limit=limit)

    async def equity(self, since: datetime | None = None) -> Sequence[EquityPoint]:
        return await self._call("equity", since=since)

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("pause", command_id, token)

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("resume", command_id, token)

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("halt", command_id, token)

    async def _effect(self, name: str, command_id: str, token: int) -> None:
        def act() -> Awaitable[Any]:
            return self._call(name, command_id=command_id, token=token)

        if getattr(self.instance, "gate", None) is None:
            await self._gate.once(name, command_id, token, act)
        else:  # it guards itself
            await act()

    async def _call(self, name: str, *args: Any, **options: Any) -> Any:
        method = getattr(self.instance, name, None)
        if not callable(method):
            raise CapabilityMissing(f"{self.bot_id} does not do {name!r}; it does {', '.join(able(self.instance))}")
        taken = accepted(method, options)
        if inspect.iscoroutinefunction(method):
            return await method(*args, **taken)
        if self._threads >= THREADS:
            raise BotError(f"{self.bot_id} is busy: {THREADS} calls have not returned")
        self._threads += 1
        value = await in_thread(lambda: method(*args, **taken), self._left)
        return await value if inspect.isawaitable(value) else value

    def _left(self) -> None:
        self._threads -= 1


def accepted(method: Callable, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `options` that `method` has a parameter for."""
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):  # a builtin without a signature: give it nothing extra
        return {}
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return dict(options)
    return {name: value for name, value in options.items() if name in parameters}


async def in_thread(work: Callable[[], Any], left: Callable[[], None] | None = None) -> Any:
    """Run `work` in a daemon thread of its own and await its outcome; `left` is called on the loop when it returns.

    The shared pool would do, but for its size: a few hanging bots would take it from everyone, the ledger included.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if left:
            left()
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(value)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as raised:  # handed over to whoever awaits; a thread must not die unseen
            error = _raisable(raised)
        with contextlib.suppress(RuntimeError):  # the loop has closed; nobody waits any more
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, daemon=True, name="workbench-local-bot").start()
    return await outcome


def _raisable(error: BaseException) -> BaseException:
    """A future refuses StopIteration, and ours must not end the loop or look like a cancellation."""
    return error if isinstance(error, Exception) and not isinstance(error, StopIteration) else BotError(repr(error))
