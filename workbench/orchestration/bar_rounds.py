"""A closed bar is a turn: every bot is asked about it once, and those that do not answer cost the others nothing."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.fan_out import FanOut, fan_out
from workbench.orchestration.member import Member
from workbench.orchestration.plain_text import plain

log = structlog.get_logger(__name__)
HEARD_S = 10.0  # whoever was heard of within this need not be asked again how it is
PLAYABLE = 1e5  # market seconds a wall second: a faster replay is over before anybody has answered
Question = Mapping[str, Any]


class BarTurn:
    """Each closed bar once, of every bar length by itself, and not more often than every `every_s` wall seconds: where
    a replay outruns that, bars in between are left out. No turn in a market that races, nor in one that stands still,
    unless `standing`: whoever looks back at what has closed need not wait for it to move."""

    def __init__(self, every_s: float = 0.0, standing: bool = False):
        self._every_s, self._standing = every_s, standing
        self._taken: dict[str, tuple[datetime, float]] = {}

    def take(self, market: MarketClock, timeframe: str = "") -> bool:
        """Whether a bar of `timeframe` ('' the market's) waits to be asked about; it then counts as asked about."""
        length = timeframe or market.timeframe
        bar = Timeframe.parse(length).open_of(market.market_time)
        before, at = self._taken.get(length, (None, -math.inf))
        moving = self._standing or not (market.paused or market.ended)
        if not moving or market.speed > PLAYABLE or bar == before or monotonic() - at < self._every_s:
            return False
        self._taken[length] = bar, monotonic()
        return True


def markets_of(member: Member, market: MarketClock) -> list[str]:
    """The venue's markets that a bot knows; none where it lives by the wall clock, in another year than the replay."""
    if not member.keeps_market_time and market.mode is MoneyMode.REPLAY and market.speed != 1:
        return []
    known = set(member.symbols) or set(market.symbols)
    return [symbol for symbol in market.symbols if symbol in known]


async def ask_in_turn(
    center: UnifiedCommandCenter,
    capability: str,
    questions: Callable[[Member], Sequence[Question]],
    heard: Callable[[Any], None],
) -> None:
    """Ask every bot whose data is fresh its `questions` one after another, all bots at once; `heard` gets what came by
    the deadline and speaks of what was asked."""
    registry = center.registry
    await registry.poll(HEARD_S)
    able = [registry.members[bot_id] for bot_id in registry.capability_map()[capability]]
    calls = {
        member.bot_id: _calls(member, capability, asked, heard)
        for member in able
        if registry.health(member.bot_id).fresh and (asked := questions(member))
    }
    await fan_out(calls, FanOut(center.settings.deadline_s))


def _calls(member: Member, capability: str, questions: Sequence[Question], heard: Callable[[Any], None]) -> Callable:
    async def ask() -> None:
        for asked in questions:
            try:
                told = await member.ask(capability, **asked)
            except Exception as error:  # one market a bot cannot speak of costs it not the others
                log.debug("no_answer", what=capability, bot=member.bot_id, reason=plain(error, 200), **asked)
                continue
            if all(str(getattr(told, name)) == str(value) for name, value in asked.items()):
                heard(told)

    return ask
