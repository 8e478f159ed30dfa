"""The collective regime of a market: bars from the venue, the model's reading, the bots' votes, told to all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench.domain.errors import BotError, CandleError
from workbench.domain.market import Timeframe
from workbench.ledger.log import SqlLedger
from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.fan_out import Answered
from workbench.orchestration.regime_votes import Market, VoteRecord, tell_regime, told_regimes, vote_of, vote_record
from workbench.quant.regime_reading import (
    FIRST,
    CollectiveRegime,
    RegimeReading,
    collective_regime,
    read_regime,
    regime_changes,
    regime_path,
    since,
)
from workbench.quant.regimes import Voters
from workbench.quant.volatility import log_returns

BARS, SHOWN = 1500, 480


@dataclass(frozen=True, slots=True, eq=False)
class RegimeView:
    """path : index close times (UTC), columns close, turbulent, regime: as told at each bar. changes : (likely time of
    the change, time of the alarm). held_since : open time of the bar from which the model's regime has held. votes :
    bot → probability of turbulence; silent : bot → why it gave none. record : what past votes were worth. as_of : close
    of the newest bar."""

    symbol: str
    timeframe: Timeframe
    reading: RegimeReading
    together: CollectiveRegime | None
    path: pd.DataFrame
    changes: tuple[tuple[datetime, datetime], ...]
    held_since: datetime
    votes: Mapping[str, float]
    silent: Mapping[str, str]
    record: VoteRecord
    as_of: datetime


async def look_at_regime(
    center: UnifiedCommandCenter, symbol: str, timeframe: str, voters: Voters | None = None
) -> RegimeView:
    """Ask the venue and the bots, and publish what comes of it under the topic 'regimes', once a bar.

    voters : what the voices' past votes were worth; None: as the regimes told in this run of the market say, all alike
    where none is old enough. Raises ExchangeError, CandleError, LedgerError.
    """
    candles, (votes, silent) = await asyncio.gather(
        _candles(center, symbol, timeframe), _votes(center, symbol, timeframe)
    )
    frame = Timeframe.parse(timeframe)
    run_id = center.registry.market.run_id if center.registry.market else ""
    market = Market(run_id, symbol, str(frame))
    record = VoteRecord(voters) if voters else await asyncio.to_thread(_record, center.ledger, market, candles, frame)
    view = await asyncio.to_thread(_view, symbol, frame, candles, votes, silent, record)
    if view.together:
        await tell_regime(center, market, view.as_of, (view.reading, votes, view.together), record)
    return view


def _record(ledger: SqlLedger, market: Market, candles: pd.DataFrame, frame: Timeframe) -> VoteRecord:
    closed = (candles.index + frame.step)[1:].to_pydatetime().tolist()
    return vote_record(told_regimes(ledger), market, closed, log_returns(candles["close"].to_numpy())[1:])


async def _candles(center: UnifiedCommandCenter, symbol: str, timeframe: str) -> pd.DataFrame:
    url = getattr(center.venue, "url", None)
    exchange = open_exchange("binance" if url else center.settings.exchange.source, url=url)
    try:
        tables, failed = await recent_candles(exchange, [symbol], timeframe, BARS)
    finally:
        await exchange.close()
    table = tables.get(symbol)
    if table is None or len(table) <= FIRST + 1:
        why = failed.get(symbol, f"{0 if table is None else len(table)} closed bars, {FIRST + 2} are needed")
        raise CandleError(f"the regime of {symbol} {timeframe} cannot be told: {why}; ask for a shorter bar length")
    return table


async def _votes(center: UnifiedCommandCenter, symbol: str, timeframe: str) -> tuple[dict[str, float], dict[str, str]]:
    """A bot that does not analyse, does not answer or gives no probability has no vote and costs nobody anything."""
    members = center.registered_bots
    asked = [bot for bot, member in members.items() if "analyze" in member.capabilities]
    if not asked:
        return {}, {}
    try:
        args = {"symbol": symbol, "timeframe": timeframe}
        result = await center.execute_cross_bot_command("analyze", args, asked)
    except BotError as error:
        return {}, {"bots": str(error)}
    votes, silent = {}, {}
    for bot, answer in result.answers.items():
        vote = vote_of(answer.value) if isinstance(answer, Answered) else None
        health = center.registry.health(bot)
        if vote is None:
            silent[bot] = "gives no vote" if isinstance(answer, Answered) else answer.words
        elif not health.fresh:
            silent[bot] = f"{health.word}: {health.reason}"
        else:
            votes[bot] = vote
    return votes, silent


def _view(
    symbol: str,
    frame: Timeframe,
    candles: pd.DataFrame,
    votes: dict[str, float],
    silent: dict[str, str],
    record: VoteRecord,
) -> RegimeView:
    returns = log_returns(candles["close"].to_numpy())[1:]
    closed = (candles.index + frame.step)[1:]
    reading = read_regime(returns)
    turbulent, names = regime_path(returns, SHOWN)
    shown = closed[-len(names) :]
    path = pd.DataFrame({"close": candles["close"].to_numpy()[-len(names) :], "turbulent": turbulent}, index=shown)
    alarms = tuple(
        (closed[each.began].to_pydatetime(), closed[each.alarm].to_pydatetime()) for each in regime_changes(returns)
    )
    return RegimeView(
        symbol=symbol,
        timeframe=frame,
        reading=reading,
        together=collective_regime(reading, votes, record.voters),
        path=path.assign(regime=names),
        changes=tuple(pair for pair in alarms if pair[1] >= shown[0].to_pydatetime()),
        held_since=(shown[-since(names)] - frame.step).to_pydatetime(),
        votes=votes,
        silent=silent,
        record=record,
        as_of=closed[-1].to_pydatetime(),
    )
