"""Ask many bots at once: one deadline, bounded concurrency, and no bot can cost another its answer.

Each call ends as exactly one of `Answered`, `Failed` or `TimedOut`; a call that timed out is *unknown*, never "no".
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.orchestration.plain_text import reason

Call = Callable[[], Awaitable[Any]]
Check = Callable[[str, Any], Any]
CONCURRENCY = 256


@dataclass(frozen=True, slots=True)
class Answered:
    """The bot said `value`."""

    bot_id: str
    value: Any
    latency_ms: float

    @property
    def ok(self) -> bool:
        return True

    @property
    def words(self) -> str:
        return "answered"


@dataclass(frozen=True, slots=True)
class Failed:
    """The bot raised, cancelled itself or talked nonsense; `words` say which, on one line."""

    bot_id: str
    words: str
    latency_ms: float

    @property
    def ok(self) -> bool:
        return False

    @property
    def value(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No answer by the deadline: what the bot did, or will still do, is unknown."""

    bot_id: str
    latency_ms: float

    @property
    def ok(self) -> bool:
        return False

    @property
    def value(self) -> None:
        return None

    @property
    def words(self) -> str:
        return f"no answer within {self.latency_ms / 1000:.3g} s"


Answer = Answered | Failed | TimedOut
_deaf: set[asyncio.Task] = set()  # calls that ignored their cancellation, held so that the loop may still end them


@dataclass(frozen=True, slots=True)
class FanOut:
    """How to ask. `check(bot_id, value)` returns the value to keep or raises where it is not what was asked for.
    `heard` is told each answer as it comes; `concurrency` bounds the calls that are under way and still young."""

    deadline_s: float
    concurrency: int = CONCURRENCY
    check: Check | None = None
    heard: Callable[[Answer], None] | None = None


async def fan_out(calls: Mapping[str, Call], how: FanOut) -> dict[str, Answer]:
    """Make every call of `calls` (bot id → coroutine function) and return an answer for each, by the deadline.

    A call that has run for deadline · concurrency / 2n gives its place up and goes on without one: n / concurrency
    waves of at most that long end at half the deadline, so every call is begun by then, however many hang.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    asking = _Asking(how, len(calls))
    tasks = {bot_id: loop.create_task(asking.ask(bot_id, call)) for bot_id, call in calls.items()}
    try:
        if tasks:
            await asyncio.wait(tasks.values(), timeout=how.deadline_s)
    finally:
        asking.closed = True
        _dismiss(tasks.values())
    late_ms = (loop.time() - began) * 1000
    return {bot_id: _outcome(bot_id, task, late_ms) for bot_id, task in tasks.items()}


class _Asking:
    """The calls of one fan-out, sharing its places."""

    def __init__(self, how: FanOut, count: int):
        self.how, self.closed = how, False
        self._places = asyncio.Semaphore(how.concurrency) if count > how.concurrency else None
        self._patience_s = how.deadline_s * how.concurrency / (2 * max(count, 1))

    async def ask(self, bot_id: str, call: Call) -> Answer:
        if self._places is None:
            return await self._answer(bot_id, call)
        await self._places.acquire()
        place = _Place(self._places)
        timer = asyncio.get_running_loop().call_later(self._patience_s, place.leave)
        try:
            return await self._answer(bot_id, call)
        finally:
            timer.cancel()
            place.leave()

    async def _answer(self, bot_id: str, call: Call) -> Answer:
        clock = asyncio.get_running_loop().time
        began = clock()
        answer: Answer
        try:
            value = await call()
            value = self.how.check(bot_id, value) if self.how.check else value
            answer = Answered(bot_id, value, (clock() - began) * 1000)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            answer = Failed(bot_id, "its call cancelled itself", (clock() - began) * 1000)
        except (
            Exception,
            SystemExit,
        ) as error:  # a supervisor: whatever a bot raises is its answer, and costs no other
            answer = Failed(bot_id, reason(error), (clock() - began) * 1000)
        if self.how.heard and not self.closed:
            self.how.heard(answer)
        return answer


class _Place:
    """A place among the running calls, left once however often one says so."""

    def __init__(self, places: asyncio.Semaphore):
        self._places: asyncio.Semaphore | None = places

    def leave(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None


def _dismiss(tasks) -> None:
    """Cancel what still runs, without waiting: a call may ignore it, and nobody's answer waits for that."""
    for task in tasks:
        if not task.done():
            _deaf.add(task)
            task.add_done_callback(_forget)
            task.cancel()


def _forget(task: asyncio.Task) -> None:
    _deaf.discard(task)
    if not task.cancelled():
        task.exception()  # retrieved, so that the loop does not complain of it at exit


def _outcome(bot_id: str, task: asyncio.Task, late_ms: float) -> Answer:
    if not task.done() or task in _deaf:
        return TimedOut(bot_id, late_ms)
    if task.cancelled():
        return Failed(bot_id, "its call cancelled itself", late_ms)
    return task.result()
