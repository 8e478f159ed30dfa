"""A bot that keeps a list of every effect it accepts, and of every one it refuses."""

import resource
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.bots.effects import EffectGate
from workbench.domain.errors import BotFenced
from workbench.domain.portfolio import BotState, BotStatus, MoneyMode

TOKEN = "bench"


def allow_files(count: int) -> None:
    """Let this process hold `count` sockets, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass(frozen=True, slots=True)
class Effect:
    """One accepted effect. `at`: wall clock, UTC."""

    command_id: str
    token: int
    at: datetime


class FencedBot:
    """Guards itself with the gate that every research bot has."""

    bot_id = "counter"

    def __init__(self) -> None:
        self.gate = EffectGate()
        self.accepted: list[Effect] = []
        self.refused = 0
        self.acts = Counter[str]()
        self._state = BotState.RUNNING

    def capabilities(self) -> dict[str, Any]:
        does = ["status", "pause", "resume"]
        told = {"bot_id": self.bot_id, "kind": "counter", "capabilities": does, "symbols": ["BTC/USD"]}
        return {**told, "timeframe": "30m", "gated": False, "tags": [], "version": "1"}

    def status(self) -> BotStatus:
        now = datetime.now(UTC)
        figures = (None, None, None, None, (), 0, True, now, now, now)
        return BotStatus(self.bot_id, self._state, MoneyMode.REPLAY, False, *figures)

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("pause", command_id, token, BotState.PAUSED)

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("resume", command_id, token, BotState.RUNNING)

    async def _effect(self, verb: str, command_id: str, token: int, state: BotState) -> None:
        async def act() -> None:
            self.accepted.append(Effect(command_id, token, datetime.now(UTC)))
            self.acts[command_id] += 1
            self._state = state

        try:
            await self.gate.once(verb, command_id, token, act)
        except BotFenced:
            self.refused += 1
            raise

    def out_of_order(self) -> int:
        """Effects accepted under a token older than one accepted before."""
        newest, found = 0, 0
        for effect in self.accepted:
            found += effect.token < newest
            newest = max(newest, effect.token)
        return found
