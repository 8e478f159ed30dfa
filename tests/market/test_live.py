"""The live feed against a real server: every bar once, whole and in order, whatever breaks."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.support.tiny_venue import TinyVenue, bar, forming
from workbench.domain.candles import as_candles
from workbench.domain.errors import ExchangeError, SymbolError, TimeframeError
from workbench.market.exchange import open_exchange
from workbench.market.live import CandleFeed, FeedLimits

SOON = FeedLimits(stale_after_s=0.5, grace_s=0.05)


@asynccontextmanager
async def playing(history=5, symbols=("BTC/USD",), limits=SOON, before=20, **options):
    venue = TinyVenue(**options)
    url = await venue.start()
    for symbol in venue.symbols:
        for n in range(before):
            venue.close_bar(symbol, bar(n))
        venue.now_row[symbol] = forming(before, 0.1)
    exchange = open_exchange("binance", pro=True, url=url)
    troubles = []
    feed = CandleFeed(exchange, symbols, "1m", history=history, report=troubles.append, limits=limits)
    try:
        await feed.start()
        yield venue, feed, troubles
    finally:
        await feed.stop()
        await exchange.close()
        await venue.stop()


async def take(closes, count, patience=8):
    async with asyncio.timeout(patience):
        return [await anext(closes) for _ in range(count)]


async def soon(true):
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def opened(closes):
    return [int(close.candle.opened_at.timestamp() // 60) for close in closes]


def whole(feed, symbol, first, last, missing=()):
    table = feed.closed(symbol)
    expected = [bar(n) for n in range(first, last + 1) if n not in missing]
    assert as_candles(table).equals(table)
    assert [
        [t.timestamp() * 1000, *row] for t, row in zip(table.index, table.to_numpy().tolist(), strict=True)
    ] == expected


async def test_history_is_there_at_once_and_holds_closed_bars_only():
    async with playing(history=5) as (_, feed, _):
        assert len(feed.closed("BTC/USD")) in (5, 6)
        whole(feed, "BTC/USD", 20 - len(feed.closed("BTC/USD")), 19)


async def test_bars_close_once_and_in_order():
    async with playing(symbols=("BTC/USD", "ETH/USD")) as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()

        await asyncio.gather(venue.play("BTC/USD", range(20, 40)), venue.play("ETH/USD", range(20, 40)))
        got = await take(closes, 40)

        assert opened(c for c in got if c.symbol == "BTC/USD") == list(range(20, 40))
        assert opened(c for c in got if c.symbol == "ETH/USD") == list(range(20, 40))
        assert feed.age_s() < 60
        assert feed.market_time == got[-1].candle.closed_at
        assert troubles == []
        whole(feed, "ETH/USD", 14, 39)


async def test_a_bar_is_not_closed_before_the_venue_says_so():
    async with playing() as (venue, feed, _):
        closes = feed.closes()
        await venue.subscribed()

        await venue.say("BTC/USD", forming(20, 0.5), False)
        await asyncio.sleep(0.3)

        assert int(feed.closed("BTC/USD").index[-1].timestamp() // 60) == 19
        await venue.play("BTC/USD", [20])
        assert opened(await take(closes, 1)) == [20]


async def test_a_lost_final_word_is_asked_for():
    async with playing() as (venue, feed, _):
        closes = feed.closes()
        await venue.subscribed()

        await venue.say("BTC/USD", forming(20, 0.5), False)
        venue.close_bar("BTC/USD", bar(20))  # nobody says so
        await venue.play("BTC/USD", [21])
        await take(closes, 2)

        whole(feed, "BTC/USD", 14, 21)


async def test_bars_missed_while_the_connection_was_broken_are_filled():
    async with playing() as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()
        await venue.play("BTC/USD", [20])

        await venue.say("BTC/USD", forming(21, 0.5), False)
        await venue.break_connections()
        for n in range(21, 30):
            venue.close_bar("BTC/USD", bar(n))
        await venue.subscribed()
        await venue.play("BTC/USD", range(30, 33))
        got = await take(closes, 13)

        assert opened(got) == list(range(20, 33))
        whole(feed, "BTC/USD", 14, 32)
        assert troubles


async def test_a_gap_of_the_venue_stays_a_gap():
    async with playing() as (venue, feed, _):
        closes = feed.closes()
        await venue.subscribed()

        await venue.play("BTC/USD", [20, 21, 25, 26])
        got = await take(closes, 4)

        assert opened(got) == [20, 21, 25, 26]
        whole(feed, "BTC/USD", 14, 26, missing=(22, 23, 24))


async def test_a_connection_that_answers_pings_but_sends_nothing_is_dropped():
    async with playing() as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()
        await venue.play("BTC/USD", [20])

        venue.mute = True
        await venue.play("BTC/USD", range(21, 24))
        await asyncio.sleep(0.7)
        venue.mute = False
        got = await take(closes, 4)

        assert opened(got) == [20, 21, 22, 23]
        await soon(lambda: venue.connections >= 2)
        assert any("no word of BTC/USD" in str(trouble) for trouble in troubles)


async def test_a_quiet_market_is_left_alone():
    async with playing() as (venue, feed, troubles):
        await venue.subscribed()
        await venue.say("BTC/USD", forming(20, 0.5), False)
        venue.now_row["BTC/USD"] = forming(20, 0.5)

        await asyncio.sleep(1.5)

        assert venue.connections == 1
        assert troubles == []
        assert feed.age_s() > 1


async def test_a_dead_venue_is_told_and_returned_to():
    async with playing() as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()

        await venue.stop()
        await asyncio.sleep(0.5)
        for n in range(20, 25):
            venue.close_bar("BTC/USD", bar(n))
        await venue.start(venue.port)
        got = await take(closes, 5, patience=15)

        assert opened(got) == list(range(20, 25))
        assert any("cannot be reached" in str(trouble) for trouble in troubles)
        whole(feed, "BTC/USD", 14, 24)


async def test_a_bar_that_is_no_candle_is_refused_and_told():
    async with playing() as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()
        nonsense = [20 * 60_000, 100.0, 90.0, 95.0, 100.0, 1.0]

        venue.close_bar("BTC/USD", nonsense)
        await venue.say("BTC/USD", nonsense, True)
        await venue.play("BTC/USD", [21])

        assert opened(await take(closes, 1)) == [21]
        assert any("refused a bar of BTC/USD" in str(trouble) for trouble in troubles)


async def test_waiting_until_a_moment():
    async with playing(symbols=("BTC/USD", "ETH/USD")) as (venue, feed, _):
        await venue.subscribed()
        playing_on = asyncio.create_task(venue.play("BTC/USD", range(20, 25)))

        async with asyncio.timeout(60):
            await feed.until(as_time(25), ["BTC/USD"])

        assert feed.closed("BTC/USD").index[-1].timestamp() // 60 == 24
        await playing_on


async def test_readers_end_with_the_feed():
    async with playing() as (_, feed, _):
        closes = feed.closes()
        reader = asyncio.create_task(anext(closes, "the end"))
        await asyncio.sleep(0)

        await feed.stop()

        assert await reader == "the end"
        await feed.stop()


async def test_a_slow_reader_loses_the_oldest_and_knows_it():
    async with playing(limits=FeedLimits(inbox=3)) as (venue, feed, _):
        slow, quick = feed.closes(), feed.closes()
        await venue.subscribed()

        await venue.play("BTC/USD", range(20, 30))
        await feed.until(as_time(30))

        assert (slow.lost, quick.lost) == (7, 7)
        assert opened(await take(slow, 3)) == [27, 28, 29]


async def test_a_feed_that_cannot_start_says_why():
    venue = TinyVenue()
    exchange = open_exchange("binance", pro=True, url=await venue.start())

    with pytest.raises(SymbolError, match=r"DOGE"):
        await CandleFeed(exchange, ["DOGE/USD"], "1m").start()
    with pytest.raises(TimeframeError, match=r"no 7m bars"):
        await CandleFeed(exchange, ["BTC/USD"], "7m").start()
    await exchange.close()
    await venue.stop()
    unreachable = open_exchange("binance", pro=True, url=venue.url)
    with pytest.raises(ExchangeError, match="cannot be reached"):
        await CandleFeed(unreachable, ["BTC/USD"], "1m").start()
    await unreachable.close()


async def test_closing_the_exchange_under_the_feed_ends_it_loudly():
    async with playing() as (venue, feed, troubles):
        closes = feed.closes()
        await venue.subscribed()

        await feed.exchange.close()

        with pytest.raises(ExchangeError):
            await take(closes, 1)
        assert any("was closed" in str(trouble) for trouble in troubles)


def as_time(n):
    return datetime.fromtimestamp(n * 60, UTC)
