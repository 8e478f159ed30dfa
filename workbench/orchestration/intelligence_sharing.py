"""What the bots have learnt of the market, and the desk of the bots: forecasts kept, scored, compared and weighed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.errors import CommandError, ExchangeError
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.forecast_book import ForecastBook, Recorded, Round
from workbench.ledger.forecast_sums import Filter
from workbench.ledger.log import SqlLedger
from workbench.orchestration import league_reading
from workbench.orchestration.forecast_bars import Bars, Closes
from workbench.orchestration.weighing import Weighing, standing, weigh

if TYPE_CHECKING:
    from workbench.quant.league import LeagueRow, Skill

log = structlog.get_logger(__name__)
PATIENCE_S = 120.0  # wall seconds that missing bars are waited for: a venue that has just started may still fetch them
LOOKS = 50


@dataclass(frozen=True, slots=True)
class Scoring:
    """What one look scored. waiting : rounds whose bars are not there yet."""

    scored: int = 0
    unscored: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class League:
    """A league table. world : the replay or exchange it is about, '' where nothing was ever kept. waiting : forecasts
    whose outcome is not known yet. took_ms : how long the ledger took."""

    world: str
    rows: tuple["LeagueRow", ...]
    waiting: int
    took_ms: float


class IntelligenceSharing:
    """The accuracy database of a ledger: any process may `record`, read the `league` and ask for `trust`; the desk
    scores. `bars`: where outcomes are read; without it nothing can be scored here.

    A `world` is what outcomes belong to: one replay (each run is another), or a real exchange. Without one the world
    of the venue last seen is meant, else the newest of the ledger.
    """

    def __init__(self, ledger: SqlLedger, bars: Bars | None = None, patience_s: float = PATIENCE_S):
        self._book: ForecastBook = ledger.forecasts
        self._bars, self._patience_s = bars, patience_s
        self._world = ""
        self._missed: dict[Round, float] = {}
        self._turn = asyncio.Lock()

    def seen(self, market: MarketClock | None) -> str:
        """The world of `market`, which is meant from now on where none is named."""
        if market is not None:
            self._world = world_of(market)
        return self._world

    async def record(self, forecasts: Sequence[Forecast], market: MarketClock | None, age_s: float = 0.0) -> Recorded:
        """Keep what bots said, each forecast once. `market`: the venue's clock, read after they had said it and
        `age_s` wall seconds ago: what comes after its moment is marked and never scored. Without a clock nobody can
        say that the outcome lay ahead, so nothing is kept."""
        if market is None or not forecasts:
            return Recorded(0, 0)
        passed = 0.0 if market.paused or market.ended else age_s * market.speed
        try:
            now = market.market_time + timedelta(seconds=passed)
        except OverflowError:  # a replay as fast as it can: everything has matured by now
            now = datetime.max.replace(tzinfo=market.market_time.tzinfo)
        return await asyncio.to_thread(self._book.record, self.seen(market), list(forecasts), now)

    async def score_matured(self, market: MarketClock | None) -> Scoring:
        """Score every forecast whose moment has passed on `market`'s clock, also those of a time when no desk ran.

        Each is scored once, whoever else scores. Where a bar is missing a round waits, and is given up with its reason
        when the venue has not had it for a while. Raises LedgerError.
        """
        if market is None or self._bars is None:
            return Scoring()
        async with self._turn:
            total = Scoring()
            for _ in range(LOOKS):
                done, more = await self._score_some(self.seen(market), market)
                total = Scoring(total.scored + done.scored, total.unscored + done.unscored, done.waiting)
                if not more:
                    break
            return total

    async def league(
        self, by: Sequence[str] = league_reading.BY, wanted: Filter | None = None, world: str = ""
    ) -> League:
        """The league table divided by any of bot, symbol, timeframe, horizon, regime and month, best first in each
        group. Diebold–Mariano is told where the table is divided by bot and not by regime or month. Raises CommandError
        for a division that is none, LedgerError."""
        columns = league_reading.columns(by)
        began = monotonic()
        named = world or self._world or await asyncio.to_thread(self._newest)
        if not named:
            return League("", (), 0, 0.0)
        rows = await asyncio.to_thread(league_reading.read, self._book.sums, named, columns, wanted or Filter())
        waiting = await asyncio.to_thread(self._book.waiting, named)
        return League(named, tuple(rows), waiting, (monotonic() - began) * 1000)

    async def skill_over_time(self, wanted: Filter | None = None, days: int = 14, world: str = "") -> list["Skill"]:
        """Skill against the naive forecast over the last `days` days, day by day and bot by bot."""
        named = world or self._world or await asyncio.to_thread(self._newest)
        return await asyncio.to_thread(league_reading.course, self._book.sums, named, wanted or Filter(), days)

    async def trust(
        self, symbol: str, timeframe: str, horizon: int, bots: Sequence[str] = (), world: str = ""
    ) -> Weighing:
        """How much each of `bots` (without: all that were ever scored there) would be heard now of `symbol`, `horizon`
        bars of `timeframe` ahead, and why. A forecast 24 hours ahead is the same question in bars of any length."""
        if horizon < 1:
            raise CommandError(f"horizon must be 1 bar or more, got {horizon}")
        ahead_s = horizon * Timeframe.parse(timeframe).seconds
        return await asyncio.to_thread(self._trust, world or self._world, symbol, ahead_s, tuple(bots))

    async def weigh(self, forecasts: Mapping[str, Forecast]) -> Weighing:
        """Weights for a collective forecast of `forecasts`, by bot."""
        return await asyncio.to_thread(self._weigh, forecasts)

    def _weigh(self, forecasts: Mapping[str, Forecast]) -> Weighing:
        return weigh(self._book, self._world or self._newest(), forecasts)

    def _trust(self, world: str, symbol: str, ahead_s: int, bots: tuple[str, ...]) -> Weighing:
        return standing(self._book, world or self._newest(), (symbol, ahead_s), bots)

    def _newest(self) -> str:
        found = self._book.worlds()
        return found[-1] if found else ""

    async def _score_some(self, world: str, market: MarketClock) -> tuple[Scoring, bool]:
        """One batch; and whether another may follow."""
        from workbench.orchestration.forecast_scoring import judge, reach

        rounds = await asyncio.to_thread(self._book.matured, world, market.market_time)
        if not rounds:
            self._missed.clear()
            return Scoring(), False
        spans = reach(rounds, Timeframe.parse(market.timeframe).seconds)
        read = await asyncio.gather(*(self._read(symbol, *span, market) for symbol, span in spans.items()))
        closes = {symbol: found for symbol, found in zip(spans, read, strict=True) if found is not None}
        final = partial(self._given_up, closes)
        judged = await asyncio.to_thread(judge, rounds, closes, partial(self._book.trust, world), final)
        self._missed = {one: self._missed.get(one, monotonic()) for one in judged.waiting}
        if not judged.settled.scores:
            return Scoring(waiting=len(judged.waiting)), False
        done = await asyncio.to_thread(self._book.settle, world, judged.settled)
        counts = Scoring(judged.scored, judged.unscored) if done else Scoring()
        return Scoring(counts.scored, counts.unscored, len(judged.waiting)), True

    async def _read(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes | None:
        assert self._bars
        try:
            return await self._bars.closes(symbol, since, until, market)
        except ExchangeError as error:
            log.info("no_bars_to_score", symbol=symbol, error=str(error))
            return None

    def _given_up(self, closes: Mapping[str, Closes], one: Round) -> bool:
        """Never while the venue does not answer: then nothing is known of its bars."""
        now = monotonic()
        return one.symbol in closes and now - self._missed.get(one, now) >= self._patience_s


def world_of(market: MarketClock) -> str:
    """One replay's outcomes are another's future: runs are kept apart. A real exchange is one world for ever."""
    return market.run_id if market.mode is MoneyMode.REPLAY else market.source
