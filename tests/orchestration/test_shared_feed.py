"""One connection to the venue, however many read; a holder that stops is followed, and no bar is missing or twice."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.support.tiny_venue import TinyVenue, bar, forming
from workbench.ledger.log import open_ledger
from workbench.market.exchange import open_exchange
from workbench.market.live import CandleFeed, FeedLimits
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.shared_feed import SharedFeed

WAIT_S = 60


@pytest.fixture
async def venue():
    made = TinyVenue()
    await made.start()
    for symbol in made.symbols:
        for n in range(20):
            made.close_bar(symbol, bar(n))
        made.now_row[symbol] = forming(20, 0.1)
    yield made
    await made.stop()


@asynccontextmanager
async def process(path, venue):
    """What one process has: its own look at the ledger, and a feed that connects when it may."""

    @asynccontextmanager
    async def connected():
        exchange = open_exchange("binance", pro=True, url=venue.url)
        limits = FeedLimits(stale_after_s=1.0, grace_s=0.05)
        feed = CandleFeed(exchange, venue.symbols, "1m", history=30, report=lambda error: None, limits=limits)
        try:
            await feed.start()
            yield feed
        finally:
            await feed.stop()
            await exchange.close()

    ledger = open_ledger(path)
    sync = DataSync(ledger)
    feed = SharedFeed(sync, ledger, "tiny", connected)
    try:
        yield feed
    finally:
        await feed.stop()
        await sync.stop()
        ledger.close()


async def read(feed, count, after=None, symbols=None):
    async with asyncio.timeout(WAIT_S), aclosing(feed.bars(symbols, after)) as bars:
        return [await anext(bars) for _ in range(count)]


def numbers(bars, symbol="BTC/USD"):
    return [int(found.candle.opened_at.timestamp() // 60) for found in bars if found.candle.symbol == symbol]


async def listening(feed):
    async with asyncio.timeout(WAIT_S):
        while not feed.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_two_processes_and_six_readers_make_one_connection(tmp_path, venue):
    async with process(tmp_path / "l.sqlite", venue) as one, process(tmp_path / "l.sqlite", venue) as two:
        await one.start()
        await listening(one)
        await two.start()
        readers = [asyncio.create_task(read(feed, 6, 0)) for feed in (one, two) for _ in range(3)]
        await venue.subscribed()
        for symbol in venue.symbols:
            await venue.play(symbol, range(20, 23))
        heard = await asyncio.gather(*readers)

        assert venue.connections == 1
        assert all(numbers(bars, s) == [20, 21, 22] for bars in heard for s in venue.symbols)
        first = heard[0][0].candle
        assert [first.open, first.high, first.low, first.close, first.volume] == bar(20)[1:]
        assert not two.connected


async def test_another_process_takes_over_and_fills_what_was_missed(tmp_path, venue):
    async with process(tmp_path / "l.sqlite", venue) as one, process(tmp_path / "l.sqlite", venue) as two:
        await one.start()
        await listening(one)
        await venue.subscribed()
        await venue.play("BTC/USD", range(20, 22))
        first = await read(one, 2, 0)
        await one.stop()
        for n in range(22, 25):  # nobody listens
            venue.close_bar("BTC/USD", bar(n))

        await two.start()
        await listening(two)
        await venue.subscribed()
        await venue.play("BTC/USD", range(25, 27))
        later = await read(two, 5, first[-1].seq, ["BTC/USD"])

        assert numbers(first) + numbers(later) == list(range(20, 27))
        assert numbers(await read(one, 7, 0, ["BTC/USD"])) == list(range(20, 27))
