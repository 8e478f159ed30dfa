"""The research bots walked forward over recorded candles: asked, kept, weighed and scored as a desk does, without one.

At every origin a bot sees closed bars up to it and no later one; what learns has learnt from closed bars only. It all
goes through the same book, in a ledger of its own, so that its figures are a desk's figures.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.bots.research.kinds import KINDS, strategy
from workbench.bots.research.strategy import LEVELS, Strategy
from workbench.domain.desk import MarketClock
from workbench.domain.errors import CandleError
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.forecast_bars import Closes
from workbench.orchestration.intelligence_sharing import IntelligenceSharing
from workbench.orchestration.questions import together

WORLD = "walk"


@dataclass(frozen=True, slots=True)
class Walk:
    """What to ask: `kinds` of bots, `ahead` and `every` as bar lengths, over the last `days` days of the candles. What
    learns learns anew every `relearn_days`."""

    kinds: tuple[str, ...] = tuple(KINDS)
    timeframe: str = "30m"
    ahead: str = "24h"
    every: str = "6h"
    days: int = 90
    relearn_days: int = 30


@dataclass(frozen=True, slots=True)
class Walked:
    """The accuracy database after a walk. Close it when done."""

    intelligence: IntelligenceSharing
    ledger: SqlLedger
    scored: int

    def close(self) -> None:
        self.ledger.close()


class RecordedBars:
    """Candle tables by market as a source of closes; none that had not closed on the market's clock."""

    def __init__(self, candles: Mapping[str, pd.DataFrame], timeframe: Timeframe):
        self._step = timeframe
        self._grids = {symbol: _grid(table, timeframe) for symbol, table in candles.items()}

    async def closes(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes:
        begin, values = self._grids[symbol]
        first = max(0, -(-(since - begin) // self._step.step))
        last = (min(until, market.market_time) - begin) // self._step.step
        return Closes(begin + first * self._step.step, self._step, values[first : max(first, last + 1)])


async def walk_forward(
    candles: Mapping[str, pd.DataFrame], walk: Walk, folder: Path, progress: Callable[[float], None] | None = None
) -> Walked:
    """Walk over `candles` (closed bars of `walk.timeframe` by market) with a new ledger in `folder`.

    Raises CandleError where the candles are shorter than the walk.
    """
    step = Timeframe.parse(walk.timeframe)
    last = min(table.index[-1] for table in candles.values()).to_pydatetime() + step.step
    first = max(table.index[0] for table in candles.values()).to_pydatetime()
    start = Timeframe.parse("1d").open_of(last - timedelta(days=walk.days))
    if start <= first + timedelta(days=walk.relearn_days):
        raise CandleError(
            f"the candles begin {first:%Y-%m-%d}: too late to walk {walk.days} days with a past to learn from"
        )
    ledger = await asyncio.to_thread(open_ledger, folder / "walk.sqlite")
    shared = IntelligenceSharing(ledger, RecordedBars(candles, step), patience_s=0.0)
    minds = {kind: strategy(kind) for kind in walk.kinds}
    scored, learnt = 0, start - timedelta(days=walk.relearn_days)
    origins = [
        start + n * Timeframe.parse(walk.every).step for n in range((last - start) // Timeframe.parse(walk.every).step)
    ]
    for number, now in enumerate(origins):
        clock = _clock(now, walk, tuple(candles))
        if now - learnt >= timedelta(days=walk.relearn_days):
            learnt, minds = now, await asyncio.to_thread(_learnt, minds, candles, now, step)
        scored += (await shared.score_matured(clock)).scored
        made = await asyncio.to_thread(_asked, minds, candles, walk, now)
        await shared.record([*made, *await _collective(shared, made)], clock)
        if progress:
            progress((number + 1) / len(origins))
    scored += (await shared.score_matured(_clock(last, walk, tuple(candles)))).scored
    return Walked(shared, ledger, scored)


def _clock(now: datetime, walk: Walk, symbols: tuple[str, ...]) -> MarketClock:
    return MarketClock(MoneyMode.REPLAY, now, 1.0, True, WORLD, "recorded", walk.timeframe, symbols)


def _past(table: pd.DataFrame, now: datetime, step: Timeframe, bars: int) -> pd.DataFrame:
    """The newest `bars` bars that had closed by `now`."""
    end = table.index.searchsorted(pd.Timestamp(now) - step.step, side="right")
    return table.iloc[max(0, end - bars) : end]


def _learnt(
    minds: Mapping[str, Strategy], candles: Mapping[str, pd.DataFrame], now: datetime, step: Timeframe
) -> dict[str, Strategy]:
    return {
        kind: mind.fitted({symbol: _past(table, now, step, mind.history) for symbol, table in candles.items()})
        for kind, mind in minds.items()
    }


def _asked(
    minds: Mapping[str, Strategy], candles: Mapping[str, pd.DataFrame], walk: Walk, now: datetime
) -> list[Forecast]:
    step = Timeframe.parse(walk.timeframe)
    horizon, made = Timeframe.parse(walk.ahead).seconds // step.seconds, []
    for symbol, table in candles.items():
        for kind, mind in minds.items():
            past = _past(table, now, step, min(mind.history, 1000))
            if not len(past) or past.index[-1] + step.step != pd.Timestamp(now):
                continue  # the bar that would have just closed is missing: nothing was seen to speak of
            try:
                values, volatility = mind.fan(past, horizon), mind.volatility(past, horizon)
            except ValueError:  # history is too short for this bot, as a bot would say
                continue
            close = float(past["close"].iloc[-1])
            made.append(Forecast(kind, symbol, step, horizon, LEVELS, values, close, now, mind.version, volatility))
    return made


async def _collective(shared: IntelligenceSharing, made: Sequence[Forecast]) -> list[Forecast]:
    found = []
    for symbol in dict.fromkeys(one.symbol for one in made):
        fans = {one.bot_id: one for one in made if one.symbol == symbol}
        forecast = together(fans, {}, await shared.weigh(fans)).forecast if len(fans) > 1 else None
        found += [forecast] if forecast else []
    return found


def _grid(table: pd.DataFrame, step: Timeframe) -> tuple[datetime, np.ndarray]:
    """(end of the first bar, closes on a full grid with NaN where a bar is missing)."""
    opened = table.index.as_unit("ms").asi8
    rows = (opened - opened[0]) // step.milliseconds
    values = np.full(int(rows[-1]) + 1, np.nan)
    values[rows] = table["close"].to_numpy(float)
    return table.index[0].to_pydatetime() + step.step, values
