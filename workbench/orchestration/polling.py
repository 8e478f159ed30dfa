"""Asking all bots how they are, again and again, in a task that somebody owns."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

import structlog

from workbench.orchestration.fan_out import Answer, FanOut, fan_out
from workbench.orchestration.member import Member

log = structlog.get_logger(__name__)
POLL_EVERY_S = 2.0
POLL_DEADLINE_S = 3.0
DISCOVER_EVERY_S = 5.0


class Poller:
    """Rounds of status questions over `members`, which may change between rounds."""

    def __init__(self, members: Mapping[str, Member], discover: Callable[[], Awaitable[object]]):
        self._members, self._discover = members, discover
        self._task: asyncio.Task | None = None
        self._round: asyncio.Task | None = None
        self._polled_at = self._discovered_at = -1e9

    async def poll(self, max_age_s: float = 0.0) -> None:
        """One round, unless the last ended within `max_age_s`. Whoever asks during a round shares it."""
        if self._round is None or self._round.done():
            if monotonic() - self._polled_at <= max_age_s:
                return
            self._round = asyncio.create_task(self._ask_all())
        await asyncio.shield(self._round)

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        tasks = [task for task in (self._task, self._round) if task and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._task = self._round = None

    async def _watch(self) -> None:
        while True:
            try:
                if monotonic() - self._discovered_at >= DISCOVER_EVERY_S:
                    self._discovered_at = monotonic()
                    await self._discover()
                await self.poll()
            except Exception:  # the supervisor of this task: a fault of one round must not end all rounds unseen
                log.exception("poll_failed")
            await asyncio.sleep(POLL_EVERY_S)

    async def _ask_all(self) -> None:
        calls = {bot_id: member.look for bot_id, member in self._members.items()}
        answers = await fan_out(calls, FanOut(POLL_DEADLINE_S))
        for answer in answers.values():
            self._note(answer)
        self._polled_at = monotonic()

    def _note(self, answer: Answer) -> None:
        member = self._members.get(answer.bot_id)
        if member and not answer.ok:
            member.missed(answer.words)
