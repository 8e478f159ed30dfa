"""The live feed on exchanges whose stream never says that a bar is over: plain ccxt.pro, one watch or one a symbol."""

import asyncio
from contextlib import asynccontextmanager

import ccxt.pro
import pytest

from tests.support.tiny_venue import STEP, TinyVenue, bar, forming
from workbench.market.exchange import open_exchange
from workbench.market.live import CandleFeed, FeedLimits

SYMBOLS = ("BTC/USD", "ETH/USD")


@asynccontextmanager
async def playing(together):
    venue, troubles = TinyVenue(SYMBOLS), []
    url = await venue.start()
    for symbol in SYMBOLS:
        for n in range(1, 20):
            venue.close_bar(symbol, bar(n))
    opened = open_exchange("binance", pro=True, url=url)
    told = {name: opened.options[name] for name in ("fetchMarkets", "fetchMargins", "fetchCurrencies", "workbenchUrl")}
    exchange = ccxt.pro.binance({"enableRateLimit": False, "urls": {"api": opened.urls["api"]}, "options": told})
    exchange.has["watchOHLCVForSymbols"] = together
    limits = FeedLimits(stale_after_s=0.5, grace_s=0.05)
    feed = CandleFeed(exchange, SYMBOLS, "1m", history=5, report=troubles.append, limits=limits)
    try:
        await feed.start()
        await venue.subscribed()
        yield venue, feed, troubles
    finally:
        await feed.stop()
        await exchange.close()
        await venue.stop()


@pytest.fixture(params=[True, False], ids=["one socket for all", "a watch for each"])
def together(request):
    return request.param


async def settled(feed, symbol, last):
    async with asyncio.timeout(60):
        while (  # noqa: ASYNC110
            feed.closed(symbol).index[-1].timestamp() * 1000 < last * STEP or feed.state.lanes[symbol].watch.need()
        ):
            await asyncio.sleep(0.02)


def rows(feed, symbol):
    table = feed.closed(symbol)
    return [[at.timestamp() * 1000, *row] for at, row in zip(table.index, table.to_numpy().tolist(), strict=True)]


async def test_a_bar_is_over_when_a_newer_one_appears_and_then_read_again(together):
    async with playing(together) as (venue, feed, troubles):
        closes = feed.closes()
        for symbol in SYMBOLS:
            await venue.play(symbol, range(20, 30))
            await venue.say(symbol, forming(30, 0.1), False)
            venue.now_row[symbol] = forming(30, 0.1)
        for symbol in SYMBOLS:
            await settled(feed, symbol, 29)

        async with asyncio.timeout(60):
            got = [await anext(closes) for _ in range(20)]
        assert {close.candle.opened_at.timestamp() // 60 for close in got} == set(range(20, 30))
        for symbol in SYMBOLS:
            assert rows(feed, symbol)[-10:] == [bar(n) for n in range(20, 30)]
        assert troubles == []


async def test_a_last_word_that_never_came_is_put_right(together):
    async with playing(together) as (venue, feed, _):
        await venue.say("BTC/USD", forming(20, 0.6), False)
        venue.close_bar("BTC/USD", bar(20))  # its last trades are not streamed
        venue.now_row["BTC/USD"] = forming(21, 0.1)
        await venue.say("BTC/USD", forming(21, 0.1), False)
        await settled(feed, "BTC/USD", 20)

        assert rows(feed, "BTC/USD")[-1] == bar(20)
        assert feed.state.amended <= 1


async def test_a_broken_connection_leaves_no_partial_bar(together):
    async with playing(together) as (venue, feed, troubles):
        await venue.say("BTC/USD", forming(20, 0.6), False)
        await venue.break_connections()
        for n in range(20, 25):
            venue.close_bar("BTC/USD", bar(n))
        venue.now_row["BTC/USD"] = forming(25, 0.1)
        await venue.subscribed()
        await venue.say("BTC/USD", forming(25, 0.1), False)
        await settled(feed, "BTC/USD", 24)

        assert rows(feed, "BTC/USD")[-5:] == [bar(n) for n in range(20, 25)]
        assert troubles
