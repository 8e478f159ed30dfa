"""One command done to several bots: sent in turn, bot by bot, and found out about where no answer came."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.bots.protocol import plain as as_json
from workbench.domain.commands import Command, Lease
from workbench.domain.errors import BotUnknown, CapabilityMissing, WorkbenchError
from workbench.domain.portfolio import BotState
from workbench.domain.ports import Progress
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.fan_out import Answer, Answered, FanOut, TimedOut, fan_out
from workbench.orchestration.plain_text import reason

WANTED: Mapping[str, BotState] = {
    "pause": BotState.PAUSED,
    "resume": BotState.RUNNING,
    "halt": BotState.HALTED,
}
VERIFY_S = 3.0
TUNE_DEADLINE_S = 3600.0
_DONE, _UNKNOWN = "done", "unknown"


class Turns:
    """Effects reach a bot in the order in which their commands were taken, however many run side by side."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Event] = {}

    def tickets(self, bots: Sequence[str]) -> dict[str, "Turn"]:
        """A turn at each of `bots`, behind those given out before. Each must end: see `Turn.over`."""
        return {bot_id: self._ticket(bot_id) for bot_id in bots}

    def _ticket(self, bot_id: str) -> "Turn":
        turn = Turn(self._last.get(bot_id), asyncio.Event())
        self._last[bot_id] = turn.over
        return turn


@dataclass(frozen=True, slots=True)
class Turn:
    before: asyncio.Event | None
    over: asyncio.Event

    async def come(self) -> None:
        if self.before:
            await self.before.wait()


@dataclass(frozen=True, slots=True)
class Deed:
    """A command under way. `may_act` gives the lease to act under or raises LeaseLost; it is asked right before each
    sending. `again`: an earlier holder took this command, and nobody knows how far it came."""

    command: Command
    may_act: Callable[[], Lease]
    turns: Mapping[str, Turn] = field(default_factory=dict)
    deadline_s: float = 10.0
    again: bool = False

    @property
    def bots(self) -> list[str]:
        return [str(bot_id) for bot_id in self.command.args.get("targets", ())]


async def change_state(registry: BotRegistry, deed: Deed) -> dict[str, dict[str, Any]]:
    """Pause, resume or halt the bots of `deed`; returns what became of each."""
    sent: set[str] = set()
    calls = {bot_id: _sending(registry, deed, bot_id, sent) for bot_id in deed.bots}
    answers = await fan_out(calls, FanOut(deed.deadline_s))
    told = {bot_id: _told(answer, bot_id in sent) for bot_id, answer in answers.items()}
    doubtful = [b for b, said in told.items() if not said["ok"] and (said["outcome"] == _UNKNOWN or deed.again)]
    if doubtful:
        looks = {bot_id: _looking(registry, bot_id) for bot_id in doubtful}
        seen = await fan_out(looks, FanOut(VERIFY_S))
        for bot_id in doubtful:
            told[bot_id] = _found_out(told[bot_id], seen[bot_id], WANTED[deed.command.name])
    return told


async def tune(registry: BotRegistry, deed: Deed, progress: Callable[[str, float, str], None]) -> dict[str, Any]:
    """Tune the bots of `deed`, reporting (bot, fraction, words); returns what became of each."""

    def tuning(bot_id: str) -> Callable:
        def report(done: float, words: str = "") -> None:
            progress(bot_id, done, words)

        return lambda: _tune(registry, deed, bot_id, report)

    answers = await fan_out({bot_id: tuning(bot_id) for bot_id in deed.bots}, FanOut(TUNE_DEADLINE_S))
    return {bot_id: _told(answer, True) for bot_id, answer in answers.items()}


async def _tune(registry: BotRegistry, deed: Deed, bot_id: str, progress: Progress) -> Any:
    deed.may_act()
    args = deed.command.args
    return await registry.get(bot_id).ask("tune", args["symbol"], args["timeframe"], progress)


def _sending(registry: BotRegistry, deed: Deed, bot_id: str, sent: set[str]) -> Callable:
    async def send() -> str:
        turn = deed.turns.get(bot_id)
        try:
            if turn:
                await turn.come()
            return await _send(registry, deed, bot_id, sent)
        finally:
            if turn:
                turn.over.set()

    return send


async def _send(registry: BotRegistry, deed: Deed, bot_id: str, sent: set[str]) -> str:
    member, name = registry.get(bot_id), deed.command.name
    if name not in member.capabilities:
        raise CapabilityMissing(f"{bot_id} does not do {name!r}")
    if deed.again and not getattr(member.bot, "idempotent", True):
        sent.add(bot_id)
        return _UNKNOWN  # it would act a second time: only its status may tell
    lease = deed.may_act()
    sent.add(bot_id)
    try:
        await getattr(member.bot, name)(command_id=deed.command.command_id, token=lease.token)
    except BotUnknown:
        return _UNKNOWN
    return _DONE


def _looking(registry: BotRegistry, bot_id: str) -> Callable:
    return lambda: registry.get(bot_id).ask("status")


def _told(answer: Answer, sent: bool) -> dict[str, Any]:
    """An answer as the ledger keeps it: ok, outcome (done, failed, unknown, not sent), words, latency_ms."""
    ms = round(answer.latency_ms, 3)
    if isinstance(answer, TimedOut) and not sent:
        return {
            "ok": False,
            "outcome": "not sent",
            "words": "it has not answered what was sent before",
            "latency_ms": ms,
        }
    if isinstance(answer, TimedOut) or answer.value == _UNKNOWN:
        return {"ok": False, "outcome": _UNKNOWN, "words": "sent, no answer: it may have happened", "latency_ms": ms}
    if not answer.ok:
        return {"ok": False, "outcome": "failed", "words": answer.words, "latency_ms": ms}
    try:
        value = as_json(answer.value)
    except WorkbenchError as error:  # a score that is NaN: JSON has none, and it is no result
        return {"ok": False, "outcome": "failed", "words": reason(error), "latency_ms": ms}
    return {"ok": True, "outcome": _DONE, "words": _DONE, "latency_ms": ms, "value": value}


def _found_out(said: dict[str, Any], seen: Answer, wanted: BotState) -> dict[str, Any]:
    if not isinstance(seen, Answered):
        return {**said, "words": f"{said['words']}; its status cannot be read: {seen.words}"}
    if seen.value.state == wanted:
        return {**said, "ok": True, "outcome": _DONE, "words": f"done: it is {wanted}", "value": _DONE}
    return {**said, "words": f"{said['words']}; it is {seen.value.state}: look at it, then ask again"}
