"""Replay: how fast recorded bars go through the exchange, alone, heard, and traded on; the same fills at any speed."""

import asyncio
import json
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pandas as pd

from workbench.bench.venue_process import fills_of, listening, served, trading_bots
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue

BAR = Timeframe.parse(sample.TIMEFRAME).step
ALONE_BARS = 20_000
HEARD_BARS = {True: 1_000, False: 10_000}
TRADED_BARS = {True: 40, False: 960}
HISTORY_BARS = 2_000  # before the first traded bar
_STARTED_S, _ENDED_S = 120.0, 1800.0


def figures(quick: bool = False) -> dict[str, float]:
    """bars_per_s: bars of each of five markets a second with nobody there. bars_per_s_with_subscriber: one WebSocket
    hears every kline of all five. bars_per_s_with_bots: four research bots trade in lockstep at full speed."""
    return asyncio.run(_measure(quick))


async def _measure(quick: bool) -> dict[str, float]:
    found = {"bars_per_s": await _alone(), "bars_per_s_with_subscriber": await _heard(HEARD_BARS[quick])}
    return found | await _traded(TRADED_BARS[quick])


async def _alone() -> float:
    async with served("--speed", "max", "--paused") as venue:
        return await _seek(venue, ALONE_BARS)


async def _heard(bars: int) -> float:
    """Every message must arrive, or the figure is void."""
    names = [f"{symbol.replace('/', '').lower()}@kline_{sample.TIMEFRAME}" for symbol in sample.SYMBOLS]
    async with served("--speed", "max", "--paused") as venue, listening(venue, names) as socket:
        counting = asyncio.create_task(_closed_bars(socket, bars))
        rate = await _seek(venue, bars)
        heard = await counting
    return rate if heard >= bars - 5 else 0.0  # a handful of bars are missing in the recording itself


async def _closed_bars(socket: aiohttp.ClientWebSocketResponse, bars: int) -> int:
    """How many closed bars of the first market arrived, up to the last one that is due."""
    last = int((sample.REPLAY_START + (bars - 1) * BAR).timestamp() * 1000)
    heard, first = 0, f'"{sample.SYMBOLS[0].replace("/", "")}"'
    async for message in socket:
        if '"x":true' in message.data and first in message.data:
            heard += 1
            if json.loads(message.data)["k"]["t"] >= last:
                break
    return heard


async def _seek(venue: Venue, bars: int) -> float:
    began = time.perf_counter()
    await venue.seek(sample.REPLAY_START + bars * BAR)
    return bars / (time.perf_counter() - began)


async def _traded(bars: int) -> dict[str, float]:
    """Two runs of the four bots over the same bars: at full speed, and slower than that."""
    with tempfile.TemporaryDirectory() as folder:
        candles = _cut(Path(folder) / "bars.parquet", sample.REPLAY_START + bars * BAR)
        fast, rate = await _run(candles, "max", bars)
        slow, _ = await _run(candles, str(max(1.0, rate / 1.3 * BAR.total_seconds())), bars)
    count = sum(len(trades) for trades in fast)
    same = count > 0 and json.dumps(fast) == json.dumps(slow)
    return {"bars_per_s_with_bots": rate, "fills": float(count), "identical_fills": float(same)}


def _cut(path: Path, end: datetime) -> str:
    """The sample from enough history on up to `end`, so that both runs stop at the same bar."""
    first = sample.REPLAY_START - HISTORY_BARS * BAR
    held = sample.load_all().items()
    tables = [table[first : end - timedelta(seconds=1)].assign(symbol=symbol) for symbol, table in held]
    pd.concat(tables).reset_index(names="ts").to_parquet(path)
    return str(path)


async def _run(candles: str, speed: str, bars: int) -> tuple[list[list[dict]], float]:
    args = ("--candles", candles, "--from", sample.REPLAY_START.isoformat(), "--lockstep", "4", "--speed", speed)
    async with served(*args) as venue, trading_bots(venue) as keys:
        await _until(venue, sample.REPLAY_START + BAR, _STARTED_S)
        began = time.perf_counter()
        await _until(venue, sample.REPLAY_START + bars * BAR, _ENDED_S)
        rate = (bars - 1) / (time.perf_counter() - began)
        return await fills_of(venue, keys, sample.SYMBOLS), rate


async def _until(venue: Venue, moment: datetime, seconds: float) -> None:
    """Wait for a market moment; the last one of a replay is released to the bots before it is over."""
    async with asyncio.timeout(seconds):
        while (await venue.clock()).market_time < moment:  # noqa: ASYNC110  # it is another process's clock
            await asyncio.sleep(0.02)
