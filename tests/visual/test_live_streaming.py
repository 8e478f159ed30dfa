"""Live charts on a real server: one feed for all, pages that come and go, nothing left behind."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.tiny_venue import TinyVenue, bar, forming
from workbench.domain.errors import ExchangeError, SymbolError, ValueRefused
from workbench.market.live import FeedLimits
from workbench.visual.live_streaming import LiveChartStreamer, StreamSettings, VenueAddress, View, WebSocketManager
from workbench.visual.viewer_pace import Pacing

SOON = FeedLimits(stale_after_s=0.5, grace_s=0.05)
QUICK = StreamSettings(pacing=Pacing(gap_s=0.01, lapse_s=0.6), tick_s=0.05, beat_s=0.3)


class Page:
    """A browser that draws at once, unless `draws` is false."""

    def __init__(self, stream, draws=True):
        self.draws, self.got, self.rev = draws, [], -1
        self.viewer = stream.attach(self.hear)
        self.viewer.hear({"kind": "hello", "rev": -1})

    def hear(self, message):
        self.got.append(message)
        self.rev = message["rev"]
        if self.draws:
            asyncio.get_running_loop().call_soon(self.viewer.hear, {"kind": "drew", "rev": self.rev})

    def last(self, name):
        return next((message[name] for message in reversed(self.got) if name in message), None)

    @property
    def closes(self):
        return [row[0] for message in self.got if message["kind"] == "diff" for row in message.get("bars", ())]


class Counting:
    """An outlook that says how often it was asked."""

    def __init__(self):
        self.asked = []

    async def look(self, symbol, timeframe, candles):
        self.asked.append(len(candles))
        return View(None, [[0, 1, "calm", 0.9]], {"level": 0.8, "held": 0.8, "n": 100})


@asynccontextmanager
async def playing(outlook=None, settings=QUICK):
    venue = TinyVenue()
    url = await venue.start()
    for symbol in venue.symbols:
        for n in range(1, 30):
            venue.close_bar(symbol, bar(n))
        venue.now_row[symbol] = forming(30, 0.1)
    feeds = WebSocketManager(history=20, limits=SOON)
    streamer = LiveChartStreamer(feeds, VenueAddress("binance", url), outlook, settings)
    try:
        yield venue, streamer, feeds
    finally:
        await streamer.stop()
        await venue.stop()


async def until(true):
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_page_sees_history_then_the_forming_bar_form_and_close():
    async with playing() as (venue, streamer, _):
        page = Page(await streamer.start_streaming("btcusd", "1m"))
        await venue.subscribed()
        assert page.got[0]["kind"] == "chart"
        assert page.got[0]["symbol"] == "BTC/USD"

        venue.now_row["BTC/USD"] = forming(30, 0.5)
        await venue.say("BTC/USD", forming(30, 0.5), False)
        await until(lambda: page.last("forming") == forming(30, 0.5))
        await venue.play("BTC/USD", [30, 31])
        await until(lambda: page.closes == [30 * 60_000, 31 * 60_000])

        assert page.last("status") == {"state": "live", "words": ""}
        assert page.last("age_ms") < 5000


async def test_many_charts_and_pages_share_one_feed_and_the_last_one_out_closes_it():
    async with playing() as (venue, streamer, feeds):
        charts = [await streamer.start_streaming("BTC/USD", "1m") for _ in range(3)]
        pages = [Page(chart) for chart in charts for _ in range(2)]
        await venue.subscribed()

        assert feeds.counts() == {"venues": 1, "feeds": 1, "leases": 3}
        assert venue.connections == 1
        await venue.play("BTC/USD", [30])
        await until(lambda: all(page.closes == [30 * 60_000] for page in pages))

        other = await streamer.start_streaming("ETH/USD", "1m")
        assert feeds.counts()["feeds"] == 2
        await streamer.stop_streaming(other)
        for chart in charts:
            assert feeds.counts()["feeds"] == 1
            await streamer.stop_streaming(chart)
        assert feeds.counts() == {"venues": 0, "feeds": 0, "leases": 0}
        await until(lambda: not venue._sockets)


async def test_pages_that_have_left_put_the_chart_to_sleep_and_one_that_returns_wakes_it():
    async with playing() as (venue, streamer, feeds):
        page = Page(await streamer.start_streaming("BTC/USD", "1m"))
        await venue.subscribed()
        chart = streamer.streams[0]
        page.draws = False

        await until(lambda: chart.asleep and feeds.counts() == {"venues": 0, "feeds": 0, "leases": 0})
        for n in range(30, 60):
            venue.close_bar("BTC/USD", bar(n))
        venue.now_row["BTC/USD"] = forming(60, 0.1)
        page.draws = True
        page.viewer.hear({"kind": "hello", "rev": page.rev})

        await until(lambda: page.viewer.hear({"kind": "beat"}) or page.last("bars")[-1] == bar(59))
        assert not chart.asleep
        page.draws = False  # it is gone
        page.viewer.hear({"kind": "bye"})
        await until(lambda: chart.asleep)


async def test_a_page_that_draws_slowly_gets_one_message_with_all_that_happened():
    async with playing() as (venue, streamer, _):
        chart = await streamer.start_streaming("BTC/USD", "1m")
        slow, quick = Page(chart, draws=False), Page(chart)
        await venue.subscribed()

        await venue.play("BTC/USD", range(30, 60))
        await until(lambda: len(quick.closes) == 30)
        stuck = len(slow.got)
        slow.draws = True
        slow.viewer.hear({"kind": "drew", "rev": slow.rev})
        await until(lambda: slow.rev == quick.rev)

        assert stuck <= 2
        assert len(slow.got) - stuck <= 3
        assert chart.renderer.changes(slow.rev) is None


async def test_the_outlook_is_asked_after_closes_only_and_drawn():
    outlook = Counting()
    async with playing(outlook) as (venue, streamer, _):
        page = Page(await streamer.start_streaming("BTC/USD", "1m"))
        await venue.subscribed()
        await until(lambda: page.last("ribbon"))
        first = len(outlook.asked)
        await venue.say("BTC/USD", forming(30, 0.5), False)
        await asyncio.sleep(0.2)
        assert len(outlook.asked) == first

        await venue.play("BTC/USD", [30])
        await until(lambda: len(outlook.asked) > first)
        assert page.last("confidence")["n"] == 100


async def test_what_cannot_start_leaves_nothing_open_and_says_why():
    async with playing() as (venue, streamer, feeds):
        with pytest.raises(SymbolError, match="DOGE"):
            await streamer.start_streaming("DOGE/USD", "1m")
        assert feeds.counts() == {"venues": 0, "feeds": 0, "leases": 0}
        assert streamer.streams == []
    nowhere = LiveChartStreamer(WebSocketManager(), VenueAddress("binance", venue.url))
    with pytest.raises(ExchangeError, match="cannot be reached"):
        await nowhere.start_streaming("BTC/USD", "1m")


async def test_a_forecast_goes_to_the_charts_of_its_market():
    async with playing() as (_, streamer, _):
        chart = await streamer.start_streaming("BTC/USD", "1m")
        said = {"bot_id": "trend", "symbol": "BTC/USD", "timeframe": "1m", "horizon": 5, "levels": [0.1, 0.5, 0.9]}
        said |= {"values": [90.0, 100.0, 110.0], "reference": 100.0, "seen_at": "1970-01-01T00:30:00+00:00"}

        assert streamer.update_forecast_overlay(said) == 1
        assert streamer.update_forecast_overlay(said | {"symbol": "ETH/USD"}) == 0

        assert chart.renderer.part("overlay")["by"] == "trend"
        with pytest.raises(ValueRefused):
            streamer.update_forecast_overlay(said | {"levels": [0.9, 0.1, 0.5]})
