"""A small venue: its clock is the test's, its klines are the sample's."""

from datetime import UTC, datetime

from aiohttp import web

from workbench.domain.desk import MarketClock
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.market.paper_exchange.client import Venue
from workbench.market.sample import load

BAR = Timeframe.parse("30m")
START = datetime(2018, 6, 8, tzinfo=UTC)
SYMBOLS = ("BTC/USD", "ETH/USD")


class Klines:
    """The klines and the clock of a venue, over HTTP, from the sample's candles."""

    def __init__(self):
        self.tables = {symbol: load(symbol) for symbol in SYMBOLS}
        self.now, self.speed, self.paused, self.mode = START, 900.0, False, MoneyMode.REPLAY
        self.asked = []

    async def start(self):
        app = web.Application()
        app.router.add_get("/api/v3/klines", self._klines)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._client = Venue(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")
        self.market_data = self._client.market_data

    async def stop(self):
        await self._client.close()
        await self._runner.cleanup()

    async def clock(self):
        return MarketClock(self.mode, self.now, self.speed, self.paused, "run-1", "kraken", "30m", SYMBOLS)

    async def _klines(self, request):
        self.asked.append(dict(request.query))
        symbol = next(s for s in SYMBOLS if s.replace("/", "") == request.query["symbol"])
        since, until = (int(request.query[name]) for name in ("startTime", "endTime"))
        table = self.tables[symbol]
        opened = table.index.as_unit("ms").asi8
        wanted = (opened >= since) & (opened <= min(until, self.now.timestamp() * 1000))
        rows = table[wanted][: int(request.query["limit"])]
        step = BAR.milliseconds
        return web.json_response(
            [
                [int(t), o, h, low, c, v, int(t) + step - 1]
                for t, (o, h, low, c, v) in zip(opened[wanted], rows.to_numpy().tolist(), strict=False)
            ]
        )
