"""What the desk hears at closed bars besides forecasts: bots' features, to learn from, and their votes on regimes."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.errors import ExchangeError
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis
from workbench.domain.market import Timeframe
from workbench.ledger.feature_log import tell_features
from workbench.orchestration.bar_rounds import BarTurn, Question, ask_in_turn, markets_of
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.forecast_bars import Closes, VenueBars
from workbench.orchestration.intelligence_sharing import world_of
from workbench.orchestration.member import Member
from workbench.orchestration.rounds import Rounds

if TYPE_CHECKING:
    from workbench.orchestration.regime_votes import Market

log = structlog.get_logger(__name__)
LOOK_S = 1.0
BARS = 1500  # of the regime's length, as `/regime` reads


class LearningDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` ends; `step` is one look."""

    def __init__(self, center: UnifiedCommandCenter):
        self._center, self._settings = center, center.settings.learning
        self._rounds = Rounds(self.step, LOOK_S, "learning_not_kept", "learning_round_failed")
        self._bar, self._regime_bar = BarTurn(self._settings.every_s), BarTurn(self._settings.every_s)
        ask = getattr(center.venue, "market_data", None)
        self._bars = VenueBars(ask) if ask else None

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> None:
        """Ask for features if a bar has closed, for votes if one of the regime's length has. Raises LedgerError."""
        market = await self._center.read_clock() if self._settings.ask else None
        if market is None:
            return
        if self._bar.take(market):
            await self._features(market)
        frame = _regime_bars(self._settings.regime, market)
        if self._bars and self._regime_bar.take(market, frame.text):
            await self._regimes(market, frame, self._bars)

    async def _features(self, market: MarketClock) -> None:
        told: list[BotFeatures] = []
        questions = partial(_questions, market, Timeframe.parse(market.timeframe))
        await ask_in_turn(self._center, "features", questions, told.append)
        now = await self._center.read_clock() if told else None  # after they have spoken: from then on it is known
        if now is not None:
            await asyncio.to_thread(tell_features, self._center.ledger, world_of(now), told, now.market_time)

    async def _regimes(self, market: MarketClock, frame: Timeframe, bars: VenueBars) -> None:
        from workbench.orchestration.regime_votes import Market, told_regimes  # brings numba and scipy

        heard: list[Analysis] = []
        await ask_in_turn(self._center, "analyze", partial(_questions, market, frame), heard.append)
        votes: Mapping[str, dict[str, Analysis]] = defaultdict(dict)
        for one in heard:
            votes[one.symbol][one.bot_id] = one
        said = await asyncio.to_thread(told_regimes, self._center.ledger)
        since = frame.open_of(market.market_time) - BARS * frame.step
        for symbol in market.symbols:
            try:
                closes = await bars.closes(symbol, since, market.market_time, market)
            except ExchangeError as error:  # a market that is silent costs the others nothing
                log.info("regime_not_told", symbol=symbol, reason=str(error))
                continue
            about = Market(market.run_id, symbol, frame.text)
            await self._tell(about, _longer(closes, frame), said, votes[symbol])

    async def _tell(
        self, about: "Market", closes: Closes, told: list[Mapping[str, Any]], votes: Mapping[str, Analysis]
    ) -> None:
        from workbench.orchestration.regime_votes import tell_regime, vote_of, vote_record
        from workbench.quant.regime_reading import collective_regime, read_regime
        from workbench.quant.volatility import log_returns

        closed = [closes.first + row * closes.step.step for row in range(1, len(closes.values))]
        returns = log_returns(closes.values)[1:]
        said = {bot: vote for bot, one in votes.items() if (vote := vote_of(one)) is not None}
        record = await asyncio.to_thread(vote_record, told, about, closed, returns)
        reading = await asyncio.to_thread(read_regime, returns)
        together = collective_regime(reading, said, record.voters)
        if together and closed:
            await tell_regime(self._center, about, closed[-1], (reading, said, together), record)


def _questions(market: MarketClock, frame: Timeframe, member: Member) -> list[Question]:
    return [{"symbol": symbol, "timeframe": frame.text} for symbol in markets_of(member, market)]


def _regime_bars(wanted: str, market: MarketClock) -> Timeframe:
    """The length that settings name, or the venue's where that does not fit into it."""
    asked, base = Timeframe.parse(wanted), Timeframe.parse(market.timeframe)
    return base if asked.seconds < base.seconds or asked.seconds % base.seconds else asked


def _longer(closes: Closes, frame: Timeframe) -> Closes:
    """Closes of bars of `frame` that have ended, from those of shorter bars; the first of both ended together."""
    return Closes(closes.first, frame, closes.values[:: frame.seconds // closes.step.seconds])
