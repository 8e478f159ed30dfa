"""Bars for a correlation, from the desk's venue when one runs and from the recorded sample when none does."""

import asyncio
from collections.abc import Mapping, Sequence

from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.market.sample import TIMEFRAME, load
from workbench.market.timeframes import Timeframe, resample
from workbench.visual.multi_asset_correlation import MultiAssetCorrelation


async def assets_now(
    symbols: Sequence[str],
    timeframe: str,
    window: int,
    bars: int,
    url: str | None = None,
    sectors: Mapping[str, str] | None = None,
) -> tuple[MultiAssetCorrelation, str]:
    """(the markets, where their bars came from in words). url : a paper exchange, None for the recorded sample.

    Raises ExchangeError where the venue does not answer, SymbolError where the sample has no such market.
    """
    if url is None:
        target = Timeframe.parse(timeframe)
        tables = {s: resample(load(s), Timeframe.parse(TIMEFRAME), target).iloc[-bars:] for s in symbols}
        return MultiAssetCorrelation(tables, timeframe, window, sectors), "no desk runs: the recorded sample"
    exchange = open_exchange("binance", url=url)
    try:
        tables, failed = await recent_candles(exchange, symbols, timeframe, bars)
    finally:
        await exchange.close()
    lacking = "".join(f"; {symbol}: {why}" for symbol, why in failed.items())
    made = await asyncio.to_thread(MultiAssetCorrelation, tables, timeframe, window, sectors)
    return made, f"closed bars of the desk's venue{lacking}"
