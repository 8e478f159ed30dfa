"""The desk's own round: at every closed bar it asks the bots for forecasts, keeps them, and scores what matured."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from time import monotonic

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.forecasts import Forecast, forecast_json
from workbench.domain.market import Timeframe
from workbench.orchestration.bar_rounds import BarTurn, Question, ask_in_turn, markets_of
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.member import Member
from workbench.orchestration.memory import forecast_key
from workbench.orchestration.questions import together
from workbench.orchestration.rounds import Rounds

log = structlog.get_logger(__name__)
LOOK_S = 0.5


class ForecastDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` ends; `step` is one look.

    Scoring follows the bars, and first catches up with what matured while no desk ran.
    """

    def __init__(self, center: UnifiedCommandCenter):
        self._center, self._settings = center, center.settings.forecasts
        self._rounds = Rounds(self.step, LOOK_S, "forecasts_not_kept", "forecast_round_failed")
        self._turn = BarTurn(self._settings.every_s)
        self._scored_bar: datetime | None = None

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> None:
        """Ask if a bar has closed, score if one has. Raises LedgerError."""
        market = await self._center.read_clock()
        if market is None:
            return
        if self._settings.ask and self._turn.take(market):
            await self._ask(market)
        bar = Timeframe.parse(market.timeframe).open_of(market.market_time)
        if bar != self._scored_bar:
            told = await self._center.intelligence.score_matured(market)
            self._scored_bar = None if told.waiting else bar
            if told.scored or told.unscored:
                log.debug("forecasts_scored", scored=told.scored, unscored=told.unscored, waiting=told.waiting)

    async def _ask(self, market: MarketClock) -> None:
        made: list[Forecast] = []
        await ask_in_turn(self._center, "forecast", partial(self._questions, market), made.append)
        if not made:
            return
        now = await self._center.read_clock()  # after they have spoken: what counts is what lay ahead then
        read_at, intelligence = monotonic(), self._center.intelligence
        collective = await self._together(made)
        await intelligence.record([*made, *collective], now, monotonic() - read_at)
        if collective:
            run = market.run_id
            told = {forecast_key(one, run): {"run_id": run, **forecast_json(one)} for one in collective}
            await self._center.data_sync.publish_many("forecasts", told, durable=False)

    def _questions(self, market: MarketClock, member: Member) -> list[Question]:
        """Every market of the venue that the bot knows, as far ahead as settings say, in the bot's bars where the
        venue's fit into them."""
        base = Timeframe.parse(market.timeframe)
        own = member.timeframe(market.timeframe)
        bars = own if own.seconds > base.seconds and own.seconds % base.seconds == 0 else base
        ahead = [Timeframe.parse(text).seconds for text in self._settings.ahead]
        horizons = [seconds // bars.seconds for seconds in ahead if seconds % bars.seconds == 0]
        return [
            {"symbol": symbol, "timeframe": bars.text, "horizon": bars_ahead}
            for symbol in markets_of(member, market)
            for bars_ahead in horizons
        ]

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
