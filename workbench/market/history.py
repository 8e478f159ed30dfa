"""The newest closed bars of several markets, asked of a venue at once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.domain.candles import empty_candles
from workbench.domain.errors import ExchangeError, WorkbenchError
from workbench.domain.market import Timeframe
from workbench.market.exchange import fetch_candles, load_market, settled_now

AT_ONCE = 4


async def recent_candles(
    exchange: Any, symbols: Sequence[str], timeframe: str, bars: int
) -> tuple[dict[str, pd.DataFrame], Mapping[str, str]]:
    """(candle tables by symbol, reasons by symbol that failed): up to `bars` closed bars before the market's now.

    A market that cannot be read costs the others nothing. Raises ExchangeError where the venue does not tell its time
    or no market can be read.
    """
    frame = Timeframe.parse(timeframe)
    now = await settled_now(exchange)
    if now is None:
        raise ExchangeError("the venue does not tell its time, so nobody knows which bars are over; is it running?")
    since = now // frame.milliseconds * frame.milliseconds - bars * frame.milliseconds
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(symbol: str) -> pd.DataFrame:
        async with gate:
            name = await load_market(exchange, symbol, frame)
            pages = [page async for page, _ in fetch_candles(exchange, name, frame, since)]
            return pd.concat(pages) if pages else empty_candles()

    found = await asyncio.gather(*(one(symbol) for symbol in symbols), return_exceptions=True)
    candles, failed = {}, {}
    for symbol, answer in zip(symbols, found, strict=True):
        if isinstance(answer, WorkbenchError):
            failed[symbol] = str(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            candles[symbol] = answer
    if not candles:
        raise ExchangeError("; ".join(failed.values()) or "no market was asked for")
    return candles, failed
