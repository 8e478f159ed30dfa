"""The live feed on a real paper exchange: at any speed, what the bots see is what was recorded."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.exchange import open_exchange
from workbench.market.live import CandleFeed, FeedLimits
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

HALF = Timeframe.parse("30m")
START = datetime(2018, 6, 5, tzinfo=UTC)  # four coins lack bars at 11:00, 11:30 and 14:00 that day
BARS = 60


@asynccontextmanager
async def replay(speed, symbols=sample.SYMBOLS, history=50):
    candles = {symbol: sample.load(symbol)[: START + BARS * HALF.step] for symbol in symbols}
    server = PaperExchange(
        ExchangeOptions(candles, HALF, start=START, speed=speed, paused=True, admin_token="token of a test")
    )
    url = await server.start()
    exchange, venue, troubles = open_exchange("binance", pro=True, url=url), Venue(url, "token of a test"), []
    limits = FeedLimits(stale_after_s=1.0, grace_s=0.2)
    feed = CandleFeed(exchange, symbols, "30m", history=history, report=troubles.append, limits=limits)
    try:
        await feed.start()
        yield feed, venue, server, troubles
    finally:
        await feed.stop()
        await exchange.close()
        await venue.close()
        await server.stop()


def recorded(symbol, bars=BARS):
    candles = sample.load(symbol)
    return candles[(candles.index >= START) & (candles.index < START + (bars - 1) * HALF.step)]


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("speed", [200_000.0, float("inf")])
async def test_every_recorded_bar_closes_once_in_order_with_its_gaps(speed):
    async with replay(speed) as (feed, venue, _, troubles):
        closes, got = feed.closes(), []
        await venue.resume()
        end = START + (BARS - 1) * HALF.step
        async with asyncio.timeout(30):
            while len(got) < sum(len(recorded(symbol)) for symbol in sample.SYMBOLS):
                close = await anext(closes)
                got += [close] if close.candle.closed_at <= end else []

        for symbol in sample.SYMBOLS:
            mine = [close.candle for close in got if close.symbol == symbol]
            assert [bar.opened_at for bar in mine] == list(recorded(symbol).index)
            same(feed.closed(symbol).loc[START : end - timedelta(milliseconds=1)], recorded(symbol))
        assert feed.state.amended == 0
        assert all("broke" in str(trouble) for trouble in troubles)  # a busy machine may fall behind and be dropped


async def test_history_joins_the_stream_without_seam():
    async with replay(100_000.0, ("BTC/USD",), history=1500) as (feed, venue, _, _):
        assert len(feed.closed("BTC/USD")) >= 1500
        await venue.resume()
        async with asyncio.timeout(60):
            await feed.until(START + 20 * HALF.step)

        found = feed.closed("BTC/USD")
        same(found, sample.load("BTC/USD").loc[found.index[0] : found.index[-1]])
        assert feed.market_time >= START + 20 * HALF.step


async def test_a_paused_replay_is_quiet_and_left_alone():
    async with replay(900.0, ("BTC/USD", "ETH/USD")) as (feed, venue, _, troubles):
        await asyncio.sleep(2.5)

        assert troubles == []
        assert feed.age_s() > 2
        closes, quiet_s = feed.closes(), feed.age_s()
        await venue.set_speed(100_000)
        await venue.resume()
        async with asyncio.timeout(60):
            await anext(closes)
        assert feed.age_s() < quiet_s


async def test_a_restarted_exchange_is_found_again_and_nothing_is_missing():
    async with replay(20_000.0, ("BTC/USD",)) as (feed, venue, server, troubles):
        closes = feed.closes()
        await venue.resume()
        async with asyncio.timeout(60):
            await anext(closes)
        options, port = server.options, int(server.url.rsplit(":", 1)[1])

        await server.stop()
        later = START + 30 * HALF.step
        again = PaperExchange(ExchangeOptions(options.candles, HALF, start=later, speed=50_000.0))
        await again.start(port)
        async with asyncio.timeout(60):
            await feed.until(later + 10 * HALF.step)
        await again.stop()

        same(feed.closed("BTC/USD").loc[START : later + 9 * HALF.step], recorded("BTC/USD", 41))
        assert troubles
