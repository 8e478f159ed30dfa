"""A real paper exchange with real bots behind real servers, for a page in another process; nobody leads a desk there.

`with PageFloor(home) as floor:` runs it in a thread of its own, for the browser's driver has the main one.
"""

import asyncio
import json
import os
import threading
import urllib.request
from concurrent.futures import Future
from datetime import timedelta

from tests.support.trading_floor import ADMIN, held, trading_floor
from workbench.bootstrap.run_file import DeskRun, write_run
from workbench.bots.server import BotServer
from workbench.ledger.log import open_ledger

TOKEN = "floor-bot-token"
KINDS = ("trend", "mean_reversion")


class PageFloor:
    """`home`: the folder that the page's kernel connects with (WORKBENCH_HOME)."""

    def __init__(self, home, bars=3):
        self.home, self._bars = home, bars
        self._loop = asyncio.new_event_loop()
        self._ready: Future = Future()
        self._end = asyncio.Event()

    @property
    def env(self):
        return {"WORKBENCH_HOME": str(self.home)}

    def __enter__(self):
        self.home.mkdir(parents=True, exist_ok=True)
        self.ledger = open_ledger(self.home / "ledger.sqlite")
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()
        self._ready.result(60)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        self._loop.close()
        self.ledger.close()

    async def _run(self):
        try:
            async with trading_floor(bots=len(KINDS)) as floor:
                self._floor = floor
                servers = [await self._serve(floor, kind) for kind in KINDS]
                await floor.play(self._bars)
                run = DeskRun(os.getpid(), "floor", floor.url, bot_token=TOKEN, exchange_token=ADMIN)
                write_run(self.home, run)
                self._ready.set_result(None)
                await self._end.wait()
                for server in servers:
                    await server.stop()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    async def _serve(self, floor, kind):
        server = BotServer(await floor.bot(kind), TOKEN)
        url = await server.start()
        capabilities = ["status", "trades", "equity", "pause", "resume", "halt"]
        self.ledger.tables.announce(kind, url, capabilities, [], timedelta(hours=1))
        return server

    def call(self, work):
        """The value of the coroutine `work`, run in the floor's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def holdings(self):
        """Account → what it holds besides money, as the venue tells it."""
        accounts = self.call(self._floor.venue.snapshot())["accounts"]
        return {name: held(account) for name, account in accounts.items()}

    def open_orders(self):
        accounts = self.call(self._floor.venue.snapshot())["accounts"]
        return [order for account in accounts.values() for order in account["open_orders"]]

    def price(self, market):
        """The last price of `market` ('BTCUSD') at the venue."""
        with urllib.request.urlopen(f"{self._floor.url}/api/v3/ticker/price?symbol={market}", timeout=10) as answer:
            return float(json.load(answer)["price"])
