"""What waits to go out, the urgent first, within Telegram's pace. Whoever puts something here waits for no wire."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from time import monotonic
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from workbench.integrations.telegram_pace import Pace

log = structlog.get_logger(__name__)
MOST_WAITING = 200
MOST_TRIES = 4
TOGETHER = 8


class Rank(IntEnum):
    """Who goes first."""

    URGENT = 0  # what the emergency stop answers
    REPLY = 1
    LIVE = 2
    ALERT = 3


@dataclass(order=True, slots=True)
class Job:
    """One call of the Bot API. A `key` that waits already is replaced: of two edits only the newer matters.

    `send` is made when the turn has come, so it tells the newest; None from it means that there is nothing to say.
    """

    rank: Rank
    number: int = field(default=0)
    chat: int = field(default=0, compare=False)
    send: Callable[[], Awaitable[Any]] = field(default=None, compare=False)  # type: ignore[assignment]
    key: str = field(default="", compare=False)
    tries: int = field(default=0, compare=False)
    done: asyncio.Future | None = field(default=None, compare=False)


class Outbox:
    """A line of jobs for each chat, one at a time on the wire for each."""

    def __init__(self, pace: Pace | None = None, clock: Callable[[], float] = monotonic):
        self._pace, self._clock = pace or Pace(), clock
        self._waiting: dict[int, list[Job]] = {}
        self._busy: set[int] = set()
        self._sending: set[asyncio.Task] = set()
        self._numbers = itertools.count()
        self._news = asyncio.Event()
        self._task: asyncio.Task | None = None
        self.dropped: deque[str] = deque(maxlen=100)

    def put(self, chat: int, rank: Rank, send: Callable[[], Awaitable[Any]], key: str = "") -> "asyncio.Future[Any]":
        """Let `send` be called when its turn comes. The future has what it returned, None where it never could. A line
        that is too long loses its least important."""
        line = self._waiting.setdefault(chat, [])
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        for job in line:
            if key and job.key == key:
                job.send, job.rank = send, min(rank, job.rank)
                _end(job, None)
                job.done = done
                return done
        line.append(Job(rank, next(self._numbers), chat, send, key, done=done))
        if len(line) > MOST_WAITING:
            lost = max(line)
            line.remove(lost)
            self._lose(lost, "too much waits for this chat")
        self._news.set()
        return done

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, within_s: float = 3.0) -> None:
        """Send what may go at once, then leave the rest unsent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._sending or self._ready()[0]:  # noqa: ASYNC110 (the loop below is what empties it)
                    await asyncio.sleep(0.02)
        for task in [*self._sending, *([self._task] if self._task else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for job in [job for line in self._waiting.values() for job in line]:
            _end(job, None)

    def waiting(self, chat: int) -> int:
        return len(self._waiting.get(chat, ()))

    async def _run(self) -> None:
        while True:
            self._news.clear()
            job, wait_s = self._ready()
            if job is not None:
                self._begin(job)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()

    def _ready(self) -> tuple[Job | None, float | None]:
        """The most important job that may go now; else how long until one may."""
        now, soonest = self._clock(), None
        if len(self._sending) >= TOGETHER:
            return None, None
        best: Job | None = None
        for chat, line in self._waiting.items():
            if not line or chat in self._busy:
                continue
            wait_s = self._pace.wait_s(chat, now)
            if wait_s <= 0:
                best = min(line) if best is None else min(best, min(line))
            else:
                soonest = wait_s if soonest is None else min(soonest, wait_s)
        return best, soonest

    def _begin(self, job: Job) -> None:
        self._waiting[job.chat].remove(job)
        self._busy.add(job.chat)
        self._pace.sent(job.chat, self._clock())
        task = asyncio.create_task(self._send(job))
        self._sending.add(task)
        task.add_done_callback(lambda done: self._freed(done, job.chat))

    def _freed(self, task: asyncio.Task, chat: int) -> None:
        self._sending.discard(task)
        self._busy.discard(chat)
        if not self._waiting.get(chat):
            self._waiting.pop(chat, None)
        self._news.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("telegram_send_failed", chat=chat, error=f"{type(error).__name__}: {error}")

    async def _send(self, job: Job) -> None:
        try:
            _end(job, await job.send())
        except RetryAfter as error:
            self._pace.refused(job.chat, _seconds(error), self._clock())
            self._again(job)
        except (BadRequest, Forbidden) as error:  # asking again would be refused again
            if "not modified" in str(error).casefold():
                _end(job, None)
            else:
                self._lose(job, str(error))
        except NetworkError as error:
            job.tries += 1
            self._pace.refused(job.chat, min(2.0**job.tries, 30.0) / 2, self._clock())
            if job.tries < MOST_TRIES:
                self._again(job)
            else:
                self._lose(job, str(error))
        except TelegramError as error:
            self._lose(job, str(error))

    def _again(self, job: Job) -> None:
        line = self._waiting.setdefault(job.chat, [])
        newer = next((each for each in line if job.key and each.key == job.key), None)
        if newer is not None:
            newer.rank = min(newer.rank, job.rank)
            _end(job, None)
        else:
            line.append(job)

    def _lose(self, job: Job, why: str) -> None:
        self.dropped.append(why)
        log.warning("telegram_message_lost", chat=job.chat, rank=job.rank.name, why=why)
        _end(job, None)


def _end(job: Job, value: Any) -> None:
    if job.done is not None and not job.done.done():
        job.done.set_result(value)


def _seconds(error: RetryAfter) -> float:
    """The library's public attribute is about to change its type and warns of it at each reading."""
    value: Any = getattr(error, "_retry_after", None) or error.retry_after
    return float(value.total_seconds() if hasattr(value, "total_seconds") else value)
