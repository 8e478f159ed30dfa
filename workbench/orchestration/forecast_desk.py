"""The desk's own round: at every closed bar it asks the bots for forecasts, keeps them, and scores what matured."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.fan_out import FanOut, fan_out
from workbench.orchestration.member import Member
from workbench.orchestration.plain_text import plain
from workbench.orchestration.questions import together
from workbench.orchestration.rounds import Rounds

log = structlog.get_logger(__name__)
LOOK_S = 0.5
HEARD_S = 10.0  # whoever was heard of within this need not be asked again how it is
PLAYABLE = 1e5  # market seconds a wall second: a faster replay is over before anybody has answered


@dataclass(frozen=True, slots=True)
class Question:
    """What a bot is asked: `horizon` bars of `timeframe` ahead."""

    symbol: str
    timeframe: str
    horizon: int


class ForecastDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` ends; `step` is one look.

    A closed bar is asked about once, and not more often than settings say: where a replay outruns that, bars in
    between are left out. Scoring follows the bars too, and first catches up with what matured while no desk ran.
    """

    def __init__(self, center: UnifiedCommandCenter):
        self._center, self._settings = center, center.settings.forecasts
        self._rounds = Rounds(self.step, LOOK_S, "forecasts_not_kept", "forecast_round_failed")
        self._asked_bar: datetime | None = None
        self._scored_bar: datetime | None = None
        self._asked_at = -math.inf

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> None:
        """Ask if a bar has closed, score if one has. Raises LedgerError."""
        market = await self._center.read_clock()
        if market is None:
            return
        bar = Timeframe.parse(market.timeframe).open_of(market.market_time)
        if self._due(market, bar):
            self._asked_bar, self._asked_at = bar, monotonic()
            await self._ask(market)
        if bar != self._scored_bar:
            told = await self._center.intelligence.score_matured(market)
            self._scored_bar = None if told.waiting else bar
            if told.scored or told.unscored:
                log.debug("forecasts_scored", scored=told.scored, unscored=told.unscored, waiting=told.waiting)

    def _due(self, market: MarketClock, bar: datetime) -> bool:
        moving = not (market.paused or market.ended) and market.speed <= PLAYABLE
        rested = monotonic() - self._asked_at >= self._settings.every_s
        return self._settings.ask and moving and rested and bar != self._asked_bar

    async def _ask(self, market: MarketClock) -> None:
        """Each bot is asked one question after another, all bots at once; what came by the deadline is kept."""
        made: list[Forecast] = []
        registry = self._center.registry
        await registry.poll(HEARD_S)
        able = [registry.members[bot_id] for bot_id in registry.capability_map()["forecast"]]
        calls = {
            member.bot_id: _calls(member, questions, made.append)
            for member in able
            if registry.health(member.bot_id).fresh and (questions := self._questions(member, market))
        }
        await fan_out(calls, FanOut(self._center.settings.deadline_s))
        if not made:
            return
        now = await self._center.read_clock()  # after they have spoken: what counts is what lay ahead then
        read_at, intelligence = monotonic(), self._center.intelligence
        collective = await self._together(made)
        await intelligence.record([*made, *collective], now, monotonic() - read_at)

    def _questions(self, member: Member, market: MarketClock) -> list[Question]:
        """Every market of the venue that the bot knows, as far ahead as settings say, in the bot's bars where the
        venue's fit into them."""
        if not member.keeps_market_time and market.mode is MoneyMode.REPLAY and market.speed != 1:
            return []  # it lives by the wall clock, in another year than this replay
        base = Timeframe.parse(market.timeframe)
        own = member.timeframe(market.timeframe)
        bars = own if own.seconds > base.seconds and own.seconds % base.seconds == 0 else base
        known = set(member.symbols) or set(market.symbols)
        ahead = [Timeframe.parse(text).seconds for text in self._settings.ahead]
        horizons = [seconds // bars.seconds for seconds in ahead if seconds % bars.seconds == 0]
        return [Question(s, bars.text, h) for s in market.symbols if s in known for h in horizons]

    async def _together(self, made: list[Forecast]) -> list[Forecast]:
        """The collective forecast of each question, kept and scored like a bot's: whether it is worth its trouble."""
        by_question: Mapping[tuple, dict[str, Forecast]] = defaultdict(dict)
        for one in made:
            by_question[one.symbol, str(one.timeframe), one.horizon, one.seen_at][one.bot_id] = one
        found = []
        for fans in by_question.values():
            if len(fans) > 1:
                collective = together(fans, {}, await self._center.intelligence.weigh(fans)).forecast
                found += [collective] if collective else []
        return found


def _calls(member: Member, questions: list[Question], heard: Callable[[Forecast], None]) -> Callable:
    async def ask() -> None:
        for asked in questions:
            try:
                told = await member.ask(
                    "forecast", symbol=asked.symbol, timeframe=asked.timeframe, horizon=asked.horizon
                )
            except Exception as error:  # one market a bot cannot speak of costs it not the others
                log.debug("no_forecast", bot=member.bot_id, symbol=asked.symbol, reason=plain(error, 200))
                continue
            if (told.symbol, str(told.timeframe), told.horizon) == (asked.symbol, asked.timeframe, asked.horizon):
                heard(told)

    return ask
