"""The finished trades of every bot, kept in step by asking only those that have closed more since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.domain.portfolio import Trade
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.fan_out import Answer, Answered, Call, FanOut, fan_out

MOST = 5_000  # of one bot; older ones are said to be missing
OVERLAP = 5
DEADLINE_S = 5.0


class Asks(Protocol):
    """The part of a command center that the book needs."""

    @property
    def registry(self) -> BotRegistry: ...


@dataclass(frozen=True, slots=True)
class BotTrades:
    """The finished trades of one bot, oldest first. `unknown`: '' or why newer ones may be missing."""

    bot_id: str
    trades: tuple[Trade, ...]
    unknown: str = ""


@dataclass(slots=True)
class _Known:
    count: int = -1  # what the bot's status said when it was asked; -1: never answered
    trades: tuple[Trade, ...] = ()
    unknown: str = ""


class TradeBook:
    """`read` gives every bot's finished trades of the current run. A bot that does not answer keeps what it told, with
    the reason."""

    def __init__(self, center: Asks):
        self._registry = center.registry
        self._run_id = ""
        self._known: dict[str, _Known] = {}

    async def read(self) -> list[BotTrades]:
        """By bot, those gone from the registry left out. Health and counts are as last heard (see `center.look`)."""
        run_id = self._registry.market.run_id if self._registry.market else self._run_id
        if run_id != self._run_id:
            self._run_id, self._known = run_id, {}
        bots = self._registry.capability_map()["trades"]
        self._known = {bot_id: self._known.get(bot_id) or _Known() for bot_id in bots}
        counts = {bot_id: count for bot_id in bots if (count := self._count(bot_id)) is not None}
        await self._ask({bot_id: n for bot_id, n in counts.items() if n != self._known[bot_id].count})
        for bot_id in set(bots) - set(counts):
            self._known[bot_id].unknown = "not heard from"
        return [BotTrades(bot_id, known.trades, known.unknown) for bot_id, known in self._known.items()]

    def _count(self, bot_id: str) -> int | None:
        """How many trades the bot says it has made; None where it says nothing now."""
        status = self._registry.get(bot_id).pulse.status
        return status.trade_count if status and self._registry.health(bot_id).live else None

    async def _ask(self, counts: Mapping[str, int]) -> None:
        """Those of `counts` for what is newer than known; a bot whose answer does not join on, for everything."""
        answers = await self._told({bot_id: self._newer(bot_id, count) for bot_id, count in counts.items()})
        joined = [answer for answer in answers if self._joins(answer)]
        apart = [answer.bot_id for answer in answers if not self._joins(answer)]
        for answer in joined:
            self._take(answer, counts, self._known[answer.bot_id].trades)
        for answer in await self._told(dict.fromkeys(apart, MOST)):
            self._take(answer, counts, ())

    async def _told(self, limits: Mapping[str, int]) -> list[Answer]:
        calls = {bot_id: self._call(bot_id, limit) for bot_id, limit in limits.items()}
        return list((await fan_out(calls, FanOut(DEADLINE_S))).values())

    def _call(self, bot_id: str, limit: int) -> Call:
        return lambda: self._registry.get(bot_id).ask("trades", limit=limit)

    def _newer(self, bot_id: str, count: int) -> int:
        known = self._known[bot_id]
        return MOST if not known.trades else min(MOST, max(0, count - known.count) + OVERLAP)

    def _joins(self, answer: Answer) -> bool:
        """Whether nothing can be missing between what is known and what was told."""
        known = self._known[answer.bot_id].trades
        return not (known and isinstance(answer, Answered)) or bool(set(known[-OVERLAP:]) & set(answer.value))

    def _take(self, answer: Answer, counts: Mapping[str, int], before: Sequence[Trade]) -> None:
        known = self._known[answer.bot_id]
        if not isinstance(answer, Answered):
            known.unknown = answer.words
            return
        found = {*before, *answer.value}
        known.trades = tuple(sorted(found, key=lambda trade: (trade.closed_at, trade.opened_at))[-MOST:])
        known.count = counts[answer.bot_id]
        untold = known.count - self._held(answer.bot_id) - len(known.trades)
        known.unknown = f"it does not tell its oldest {untold:,}" if untold > 0 else ""

    def _held(self, bot_id: str) -> int:
        """Open positions: a Freqtrade counts them as trades."""
        status = self._registry.get(bot_id).pulse.status
        return len(status.positions) if status else 0
