"""Effects happen once, and only under the newest token."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from workbench.bots.memory import Memory
from workbench.domain.errors import BotError, BotFenced

log = structlog.get_logger(__name__)
SAFER = (
    "pause",
    "halt",
)  # these go ahead even where nothing can be remembered: a full disk must not keep a bot trading
Act = Callable[[], Awaitable[None]]


class EffectGate:
    """Guards what changes a bot.

    An id seen before is answered as it was then, without acting again, also after a restart where `memory` has a file.
    A token older than the newest seen is refused. A bot that holds its gate as attribute `gate` guards itself; the
    server guards any other.
    """

    def __init__(self, memory: Memory | None = None):
        self._memory = memory or Memory()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._anonymous: set[asyncio.Task[None]] = set()
        self._fence = asyncio.Lock()  # tokens pass one at a time, or an old one could be written over a new one

    @property
    def newest_token(self) -> int:
        return int(self._memory.get("fence", 0))

    async def once(self, verb: str, command_id: str, token: int, act: Act) -> None:
        """Do `act`, unless `command_id` was done. Raises BotFenced, or the BotError of the first time."""
        if command_id and (running := self._running.get(command_id)):
            return await asyncio.shield(running)
        if command_id and (known := self._memory.get(f"effect:{command_id}")):
            return _answer_again(verb, command_id, known)
        task = asyncio.create_task(self._first_time(verb, command_id, token, act))
        self._keep(command_id, task)
        return await asyncio.shield(task)  # a caller who leaves does not undo half an effect

    def _keep(self, command_id: str, task: asyncio.Task[None]) -> None:
        if command_id:
            self._running[command_id] = task
            task.add_done_callback(lambda _: self._running.pop(command_id, None))
        else:
            self._anonymous.add(task)
            task.add_done_callback(self._anonymous.discard)

    async def _first_time(self, verb: str, command_id: str, token: int, act: Act) -> None:
        async with self._fence:
            await self._pass_fence(verb, token)
        await self._note(command_id, verb, "begun", "")
        try:
            await act()
        except Exception as error:
            await self._note(command_id, verb, "failed", str(error) or type(error).__name__)
            raise
        await self._note(command_id, verb, "done", "")

    async def _pass_fence(self, verb: str, token: int) -> None:
        newest = self.newest_token
        if token < newest:
            raise BotFenced(
                f"{verb} came under token {token}, but {newest} has been seen: another desk has taken over; "
                "read who holds the lease, and ask there"
            )
        if token > newest:
            await self._remember(verb, "fence", token)

    async def _note(self, command_id: str, verb: str, outcome: str, words: str) -> None:
        if command_id:
            await self._remember(verb, f"effect:{command_id}", [verb, outcome, words])

    async def _remember(self, verb: str, key: str, value: Any) -> None:
        try:
            await asyncio.to_thread(self._memory.put, key, value)
        except OSError as error:
            log.error("effect_not_remembered", verb=verb, key=key, error=str(error))
            if verb not in SAFER:
                raise BotError(f"{verb} is refused: it cannot be remembered ({error}); free the disk first") from error


def _answer_again(verb: str, command_id: str, known: list[str]) -> None:
    first_verb, outcome, words = known
    if first_verb != verb:
        raise BotError(f"id {command_id!r} was a {first_verb}, now a {verb}; give every command an id of its own")
    if outcome == "failed":
        raise BotError(words)
    if outcome == "begun":
        raise BotError(
            f"the bot died while it did {verb} {command_id!r}; read its status, then send the {verb} under a new id"
        )
