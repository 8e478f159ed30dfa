"""A mirror of a "real exchange", which here is another paper exchange in replay: its prices, paper money apart."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import ccxt
import pytest

from tests.market.paper_exchange.builders import (
    HALF_HOUR,
    START,
    TOKEN,
    candles,
    options,
    running,
    trading,
    until,
)
from workbench.domain.errors import ExchangeError, StartError
from workbench.domain.portfolio import MoneyMode
from workbench.market.exchange import open_exchange
from workbench.market.live import CandleFeed
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

BAR_MS = HALF_HOUR.milliseconds


@asynccontextmanager
async def mirrored(url, **more):
    """A mirror of the exchange at `url`: (exchange, venue, its board)."""
    values = {"source": "binance", "source_url": url, "symbols": ("BTC/USD",), "admin_token": TOKEN}
    mirror = PaperExchange(ExchangeOptions(**values | {"timeframe": HALF_HOUR} | more))
    await mirror.start()
    try:
        async with Venue(mirror.url, TOKEN) as venue:
            yield mirror, venue, mirror.venue.floor.boards["BTCUSD"]
    finally:
        await mirror.stop()


async def listening_to(source):
    """The mirror hears trades, the book and bars of its source."""
    await until(lambda: len(list(source.venue.floor.hub.streams)) >= 3, 10)


async def step(source, board):
    """One step of the source, passed on."""
    source.venue.replay.steps.advance()
    await until(lambda: board.now_ms >= source.venue.replay.steps.now_ms)


async def test_bars_prices_and_books_are_those_of_the_source():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (source, there), mirrored(there.url) as (_, here, board):
        await listening_to(source)
        for _ in range(9):
            await step(source, board)
        await until(lambda: board.shelf.closed[-1].opened_ms == int(START.timestamp() * 1000) + 101 * BAR_MS)
        async with trading(there) as original, trading(here) as copy:
            before = await original.fetch_ohlcv("BTC/USD", "30m", limit=50)
            after = await copy.fetch_ohlcv("BTC/USD", "30m", limit=50)
            asked = await original.fetch_order_book("BTC/USD")
            shown = await copy.fetch_order_book("BTC/USD")
            prices = (await original.fetch_ticker("BTC/USD"))["last"], (await copy.fetch_ticker("BTC/USD"))["last"]
            market = copy.market("BTC/USD")

    assert after[:-1] == before[:-1]
    assert after[-1][:5] == before[-1][:5]
    assert (shown["bids"], shown["asks"]) == (asked["bids"], asked["asks"])
    assert prices[0] == prices[1]
    assert market["precision"]["price"] == 0.01


async def test_paper_orders_trade_on_the_live_book_and_resting_ones_on_live_trades():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (source, there), mirrored(there.url) as (_, here, board):
        await listening_to(source)
        await step(source, board)
        async with trading(here) as bot:
            best = (await bot.fetch_order_book("BTC/USD"))["asks"][0][0]
            bought = await bot.create_order("BTC/USD", "market", "buy", 0.1)
            low = round(float(table["low"].iloc[101:110].min()) + 0.5, 2)
            await bot.create_order("BTC/USD", "limit", "buy", 1, low)
            for _ in range(40):
                await step(source, board)
            trades = await bot.fetch_my_trades("BTC/USD")
        spent_there = (await there.snapshot())["accounts"]

    assert bought["average"] == best
    assert [trade["takerOrMaker"] for trade in trades] == ["taker", "maker"]
    assert trades[1]["price"] == low
    assert spent_there == {}


async def test_streams_are_passed_on_to_ccxt_pro():
    async with running() as (source, there), mirrored(there.url) as (_, here, board):
        await listening_to(source)
        async with trading(here, pro=True) as bot:
            watches = [
                asyncio.create_task(watch)
                for watch in (
                    bot.watch_trades("BTC/USD"),
                    bot.watch_ohlcv("BTC/USD", "30m"),
                    bot.watch_order_book("BTC/USD"),
                )
            ]
            await asyncio.sleep(0.3)
            for _ in range(8):
                await step(source, board)
                await asyncio.sleep(0.02)
            async with asyncio.timeout(60):
                trades, bars, book = await asyncio.gather(*watches)
            await until(lambda: len(bot.ohlcvs["BTC/USD"]["30m"]) >= 3)

    assert trades[-1]["price"] > 0
    assert bars[-1][0] % BAR_MS == 0
    assert book["bids"][0][0] < book["asks"][0][0]


@asynccontextmanager
async def reading(url):
    """A reader of closed bars, as bots, charts and recognisers are."""
    exchange = open_exchange("binance", pro=True, url=url)
    feed = CandleFeed(exchange, ["BTC/USD"], "30m", history=20)
    await feed.start()
    try:
        yield feed
    finally:
        await feed.stop()
        await exchange.close()


async def test_however_many_read_the_real_exchange_has_one_listener():
    newest = START + 101 * HALF_HOUR.step
    async with running() as (source, there), mirrored(there.url) as (_, here, board), AsyncExitStack() as stack:
        await listening_to(source)
        connections = source.venue.floor.hub._everyone
        alone = len(connections)
        feeds = [await stack.enter_async_context(reading(here.url)) for _ in range(8)]
        for _ in range(9):
            await step(source, board)
        for feed in feeds:
            await until(lambda feed=feed: feed.closed("BTC/USD").index[-1] == newest, 60)

        assert len(connections) == alone


async def test_silence_is_told_and_nothing_trades_on_a_stale_price():
    async with running() as (source, there), mirrored(there.url, stale_s=3.0) as (_, here, board):
        await listening_to(source)
        await step(source, board)
        fresh = await here.clock()
        await asyncio.sleep(3.2)
        stale = await here.clock()
        async with trading(here) as bot:
            with pytest.raises(ccxt.MarketClosed):
                await bot.create_order("BTC/USD", "market", "buy", 1)
            await step(source, board)
            bought = await bot.create_order("BTC/USD", "market", "buy", 1)

    assert (fresh.mode, fresh.stale) == (MoneyMode.PAPER, "")
    assert fresh.data_age_s < 3.0
    assert "nothing heard of BTC/USD from binance for over 3 s" in stale.stale
    assert bought["status"] == "closed"


async def test_a_lost_source_is_found_again_and_the_bars_in_between_are_filled():
    table = candles()
    state = {"candles": {"BTC/USD": table}}
    first = PaperExchange(options(**state))
    await first.start()
    port = int(first.url.rsplit(":", 1)[1])
    async with mirrored(first.url, stale_s=1.0) as (_, here, board):
        await listening_to(first)
        await step(first, board)
        await first.stop()
        await asyncio.sleep(1.2)
        lost = await here.clock()
        second = PaperExchange(options(**state, start=START + 106 * HALF_HOUR.step))
        await second.start(port)
        try:
            await until(lambda: len(list(second.venue.floor.hub.streams)) >= 3, 40)
            await until(lambda: board.shelf.closed[-1].opened_ms == second.venue.replay.steps.now_ms - BAR_MS, 40)
            await step(second, board)
            found = await here.clock()
            rows = board.bars(0, 10**15)
        finally:
            await second.stop()

    assert "BTC/USD" in lost.stale
    assert found.stale == ""
    opened = [bar.opened_ms for bar in rows]
    assert opened == list(range(opened[0], opened[0] + len(opened) * BAR_MS, BAR_MS))
    assert [float(board.market.price(bar.close)) for bar in rows[100:106]] == table["close"].iloc[100:106].tolist()


async def test_a_source_that_goes_silent_without_a_word_is_connected_to_again():
    async with running() as (source, there), mirrored(there.url, silent_s=0.5) as (mirror, _, board):
        await listening_to(source)
        await step(source, board)
        before = board.now_ms
        await until(lambda: mirror.venue.clock()["reconnects"] >= 2, 10)
        await listening_to(source)
        async with asyncio.timeout(60):
            while board.now_ms == before:
                source.venue.replay.steps.advance()
                await asyncio.sleep(0.05)

    assert board.age_s < 5


async def test_a_mirror_has_no_pause_no_speed_no_seek():
    async with running() as (_, there), mirrored(there.url) as (_, here, _):
        for command in (here.pause(), here.resume(), here.set_speed(2), here.seek(START)):
            with pytest.raises(ExchangeError, match="real market"):
                await command


async def test_what_cannot_be_mirrored_is_told_in_a_sentence():
    async with running() as (_, there):
        with pytest.raises(Exception, match="no market 'NOPE/USD'"):
            async with mirrored(there.url, symbols=("NOPE/USD",)):
                pass
        with pytest.raises(ExchangeError, match="none of the usual markets"):
            async with mirrored(there.url, symbols=()):
                pass


async def test_accounts_of_a_mirror_survive_and_are_not_those_of_a_replay(tmp_path):
    state = tmp_path / "paper.sqlite"
    async with running() as (_, there):
        async with mirrored(there.url, state=state) as (_, here, _), trading(here) as bot:
            await bot.create_order("BTC/USD", "limit", "buy", 1, 500)
        async with mirrored(there.url, state=state) as (_, here, _), trading(here) as bot:
            kept = await bot.fetch_open_orders("BTC/USD")
        with pytest.raises(StartError, match="other candles"):
            await PaperExchange(options(state=state)).start()

    assert [order["price"] for order in kept] == [500]
