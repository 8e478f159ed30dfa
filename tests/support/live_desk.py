"""A replayed exchange, a research bot on it and a desk that writes down what it does, in a thread of their own."""

import asyncio
import threading

from tests.support.trading_floor import ADMIN, START, TradingFloor, candles
from workbench.ledger.log import open_ledger
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.desk import Desk
from workbench.settings import Settings


class LiveDesk:
    """`with LiveDesk(folder) as desk:` desk.url is the venue, paused; the ledger is folder / "ledger.sqlite"."""

    def __init__(self, folder, speed=900.0):
        self._folder, self._speed = folder, speed
        self._loop = asyncio.new_event_loop()

    def __enter__(self):
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_):
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    def statuses(self):
        """What the desk wrote down last of each bot."""
        return self.ledger.tables.statuses()

    def let(self, run):
        """Let the market go on, or pause it."""

        async def run_or_pause():
            replay = self._exchange.venue.replay
            replay.resume() if run else replay.pause()

        self.call(run_or_pause())

    def halt(self):
        """The bot sells what it holds."""
        return self.call(self.bot.halt())

    async def _start(self):
        options = ExchangeOptions(candles(), start=START, admin_token=ADMIN, speed=self._speed, paused=True)
        self._exchange = exchange = PaperExchange(options)
        self.url = await exchange.start(0)
        self._floor = TradingFloor(exchange, self.url, Venue(self.url, ADMIN))
        self.bot = await self._floor.bot(lockstep=False, wait_s=60)
        self.ledger = open_ledger(self._folder / "ledger.sqlite")
        registry = BotRegistry()
        registry.register("trend", self.bot)
        center = UnifiedCommandCenter(registry, self.ledger, self._floor.venue, Settings(record_every_s=0.2))
        self._desk = Desk(center, self.ledger)
        await self._desk.start()

    async def _stop(self):
        await self._desk.stop()
        await self._floor.stop()
        self.ledger.close()
