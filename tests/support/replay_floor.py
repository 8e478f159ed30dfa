"""A replayed exchange in a thread of its own, for pages in other processes: the browser's driver has the main one."""

import asyncio
import threading
from datetime import UTC, datetime

from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

START = datetime(2018, 6, 5, tzinfo=UTC)


class ReplayFloor:
    """`with ReplayFloor() as floor:` floor.url answers; the newest bars of the sample's `symbols` at `speed`."""

    def __init__(self, symbols=("BTC/USD", "ETH/USD"), speed=900.0, start=START):
        candles = {symbol: sample.load(symbol) for symbol in symbols}
        self._options = ExchangeOptions(candles, Timeframe.parse("30m"), start=start, speed=speed, admin_token="floor")
        self._loop = asyncio.new_event_loop()

    def __enter__(self):
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._exchange = PaperExchange(self._options)
        self.url = self._call(self._exchange.start())
        return self

    def __exit__(self, *_):
        self._call(self._exchange.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def command(self, name, *args):
        """A method of the replay: 'pause', 'resume', 'set_speed'."""

        async def run():
            return getattr(self._exchange.venue.replay, name)(*args)

        return self._call(run())

    def subscriptions(self):
        """Streams that anybody listens to now."""

        async def named():
            return sorted(self._exchange.venue.floor.hub.streams)

        return self._call(named())
