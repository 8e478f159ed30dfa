"""What joint training learns from: the venue's newest closed bars and the scores that are set up."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.domain.errors import ExchangeError
from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.market.score_sources import load_rows
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.quant.scores import Scores

_LEAST = 100


async def training_bars(
    center: UnifiedCommandCenter, timeframe: str, bars: int, markets: int
) -> tuple[dict[str, pd.DataFrame], Mapping[str, str], dict[str, list[Scores]]]:
    """(candle tables by symbol, why others are missing, scores by source) of the venue's first `markets` markets.

    Raises ExchangeError where the venue tells no market, SettingsError where a source of scores cannot be read.
    """
    clock = center.registry.market
    symbols = clock.symbols[:markets] if clock else ()
    if not symbols:
        raise ExchangeError("no market is known to learn from; is the exchange running?")
    url = getattr(center.venue, "url", None)
    exchange = open_exchange("binance" if url else center.settings.exchange.source, url=url)
    try:
        candles, failed = await recent_candles(exchange, symbols, timeframe, bars)
    finally:
        await exchange.close()
    found = {symbol: table for symbol, table in candles.items() if len(table) >= _LEAST}
    if not found:
        raise ExchangeError(f"no market has {_LEAST} closed {timeframe} bars to learn from; ask for a shorter length")
    return found, failed, await asyncio.to_thread(scores_of, center.settings.scores, tuple(found))


def scores_of(files: Mapping[str, Path], symbols: Sequence[str]) -> dict[str, list[Scores]]:
    """The scores of every source that is set up or installed, by its name. Raises SettingsError."""
    found = {}
    for name, tables in load_rows(files, symbols).items():
        found[name] = [
            Scores(name, symbol, np.array([row[1].timestamp() for row in rows]), np.array([row[2] for row in rows]))
            for symbol, rows in tables.items()
        ]
    return found
