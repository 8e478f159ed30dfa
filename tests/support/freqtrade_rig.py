"""A paper exchange with one-minute bars of real candles, and real Freqtrade processes on it.

The exchange runs in a thread with a loop of its own, so that a session of tests can share it; what the tests need of it
is asked over its own HTTP. A lossy gate stands before it where a test takes the exchange away.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from aiohttp import ClientSession, WSMsgType, web

from workbench.bootstrap.freqtrade_folder import FreqtradePlan, create, folder_of, write_address
from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.freqtrade_line import Login
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.settings import Settings

ADMIN = "admin"
MINUTE = Timeframe.parse("1m")
LOGIN = Login("workbench", "a-test-password")
ALWAYS = """
    from freqtrade.strategy import IStrategy

    class Always(IStrategy):
        timeframe = "1m"
        minimal_roi = {}
        stoploss = -0.30
        startup_candle_count = 20
        can_short = False
        order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

        def populate_indicators(self, dataframe, metadata):
            dataframe["mean"] = dataframe["close"].rolling(20).mean()
            return dataframe

        def populate_entry_trend(self, dataframe, metadata):
            dataframe.loc[dataframe["volume"] >= 0, ["enter_long", "enter_tag"]] = (1, "always")
            return dataframe

        def populate_exit_trend(self, dataframe, metadata):
            dataframe["exit_long"] = 0
            return dataframe
    """


RISE = pd.Timestamp("2018-07-23", tz="UTC")  # bitcoin rises here: the trend bot buys at the first close
REPLAY_DAY = "2018-06-02"  # where RISE lies in the bars below: a day after the first


def quick_candles(symbols=("BTC/USD", "ETH/USD"), bars=6000, bar_s=60):
    """Real half-hour bars, told as if each had lasted a minute or less: prices and volumes are as they were."""
    tables = {}
    for number, symbol in enumerate(symbols):
        real = symbol if symbol in sample.SYMBOLS else sample.SYMBOLS[number % len(sample.SYMBOLS)]
        table = sample.load(real)
        first = table.index.searchsorted(RISE) - 86_400 // bar_s
        table = table.iloc[first : first + bars].copy()
        start = pd.Timestamp("2018-06-01", tz="UTC").as_unit("ms")
        table.index = pd.DatetimeIndex(
            start + np.arange(len(table)) * pd.Timedelta(seconds=bar_s), name=table.index.name
        )
        table.index = table.index.as_unit(sample.load(real).index.unit)
        tables[symbol] = table
    return tables


def write_candles(path, symbols=("BTC/USD", "ETH/USD"), bar_s=60):
    """The same bars as one Parquet file, for an exchange in a process of its own."""
    tables = quick_candles(symbols, 12_000, bar_s)
    rows = [table.reset_index(names="ts").assign(symbol=symbol) for symbol, table in tables.items()]
    pd.concat(rows).to_parquet(path, index=False)
    return path


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine, timeout=60):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Turnstile:
    """Stands before the exchange. `away`: connections are dropped; `hold_s`: each signed request waits that long first;
    `revoked`: signed requests are refused as Binance refuses a revoked key."""

    def __init__(self, target):
        self.target, self.away, self.hold_s, self.revoked = target, False, 0.0, False
        self._runner = self._session = None
        self._sockets = set()

    async def start(self, port=0):
        self._session = ClientSession()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        await self.leave()
        await self._session.close()
        await self._runner.cleanup()

    async def leave(self):
        self.away = True
        for socket in list(self._sockets):
            await socket.close()

    async def come_back(self):
        self.away = False

    async def _pass(self, request):
        if self.away:
            request.transport.abort()
            return web.Response(status=503)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._relay(request)
        signed = "X-MBX-APIKEY" in request.headers
        if signed and self.revoked:
            words = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
            return web.json_response(words, status=401)
        if signed and self.hold_s:
            await asyncio.sleep(self.hold_s)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        async with self._session.request(
            request.method, self.target + str(request.rel_url), headers=headers, data=await request.read()
        ) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)

    async def _relay(self, request):
        here = web.WebSocketResponse()
        await here.prepare(request)
        self._sockets.add(here)
        try:
            async with self._session.ws_connect(self.target + str(request.rel_url)) as there:
                await asyncio.gather(_pump(here, there), _pump(there, here))
        finally:
            self._sockets.discard(here)
        return here


async def _pump(source, sink):
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
    await sink.close()


class Market:
    """A paper exchange of one-minute bars that keeps wall time, and a turnstile before it."""

    def __init__(self, symbols=("BTC/USD", "ETH/USD"), bars=6000, **options):
        self.loop, self.symbols = Loop(), symbols
        known = {"timeframe": MINUTE, "speed": 1.0, "rebase_now": True, "admin_token": ADMIN, **options}
        self.exchange = PaperExchange(ExchangeOptions(candles=quick_candles(symbols, bars), **known))
        self.direct = self.loop.run(self.exchange.start(0))
        self.turnstile = Turnstile(self.direct)
        self.url = self.loop.run(self.turnstile.start())

    def ask(self, method, path, body=None):
        head = {"Authorization": f"Bearer {ADMIN}"}
        said = httpx.request(method, f"{self.direct}/workbench/v1/{path}", json=body, headers=head, timeout=20)
        said.raise_for_status()
        return said.json()

    def account(self, name):
        return self.ask("GET", "snapshot")["accounts"][name]

    def open_account(self, name, cash=10_000):
        return self.ask("POST", "accounts", {"name": name, "funds": {"USD": str(cash)}})

    def away(self):
        self.loop.run(self.turnstile.leave())

    def back(self):
        self.loop.run(self.turnstile.come_back())

    def stop(self):
        self.loop.run(self.turnstile.stop())
        self.loop.run(self.exchange.stop())
        self.loop.stop()


@dataclass
class Freq:
    """One real Freqtrade, made as a user makes it, started as the desk starts it."""

    python: Path
    home: Path
    market: Market
    name: str
    strategy: str = ALWAYS
    orders: bool = True
    gated: bool = False
    changes: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None
    said: dict = field(default_factory=dict)

    def __post_init__(self):
        source = self.home / f"strategy_{self.name}.py"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(textwrap.dedent(self.strategy))
        settings = Settings(home=self.home)
        plan = FreqtradePlan(self.name, source, orders=self.orders, pairs=self.market.symbols, gated=self.gated)
        self.facts = create(settings, plan)
        self.folder = folder_of(settings, self.name)
        self.url = f"http://127.0.0.1:{self.facts.port}"
        self.change(internals={"process_throttle_secs": 1}, **self.changes)

    def change(self, **values):
        config = json.loads(self.facts.config.read_text())
        self.facts.config.write_text(json.dumps({**config, **values}))

    def start(self, ready_s=60.0, url=None):
        write_address(self.facts, url or self.market.url)
        env = {**os.environ, **credentials(), **self.env}
        if self.orders:
            key = self.market.open_account(self.name)
            env |= {"FREQTRADE__EXCHANGE__KEY": key["apiKey"], "FREQTRADE__EXCHANGE__SECRET": key["secret"]}
        argv = [sys.executable, "-m", "workbench.bootstrap.freqtrade_child", "--python", str(self.python)]
        argv += [
            "--folder",
            str(self.folder),
            "--config",
            str(self.folder / "exchange.json"),
            "--ready-s",
            str(ready_s),
        ]
        with (self.folder / "child.log").open("ab") as errors:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env, text=True
            )
        return self

    @staticmethod
    def again(freq):
        """A second process in the same folder."""
        with (freq.folder / "again.log").open("ab") as errors:
            return subprocess.Popen(freq.process.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)

    def ready(self):
        line = self.process.stdout.readline()
        assert line, (self.folder / "child.log").read_text()[-2000:]
        self.said = json.loads(line)
        return self

    def kill(self):
        """As the kernel would: no time for a word."""
        os.kill(self.said["pid"], signal.SIGKILL)
        self.process.wait(20)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def bot(self, **options):
        return FreqtradeBot(self.name, self.url, LOGIN, **options)

    def raw(self, method, path, body=None, timeout=30):
        auth = (LOGIN.username, LOGIN.password)
        return httpx.request(method, f"{self.url}/api/v1{path}", json=body, auth=auth, timeout=timeout)

    def log(self):
        return (self.folder / "freqtrade.log").read_text(errors="replace")


class Outage:
    """A bot whose exchange goes away while it holds two positions. What the desk sees of it, sample by sample:
    `samples` of (seconds since, state, health word, raw health lag in s, raw status code and first current rate)."""

    def __init__(self, python, home):
        self.market = Market()
        self.bot = Freq(python, home, self.market, "stranded").start().ready()
        self.samples, self._over, self._thread = [], threading.Event(), None
        try:
            asyncio.run(self._trade())
        except BaseException:
            self.stop()
            raise
        self.market.away()
        self.began = time.monotonic()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)
        self._thread.start()

    def stop(self):
        self._over.set()
        if self._thread:
            self._thread.join(20)
        self.bot.stop()
        self.market.stop()

    async def _trade(self):
        bot = self.bot.bot()
        await bot.resume(command_id="go", token=1)
        await until(lambda: _holds(bot, 2), "two positions")
        await bot.close()

    async def _watch(self):
        registry = BotRegistry()
        bot = self.bot.bot()
        registry.register("stranded", bot)
        try:
            while not self._over.is_set():
                await registry.poll()
                health, status = registry.health("stranded"), registry.get("stranded").pulse.status
                at = time.monotonic() - self.began
                raw = await asyncio.to_thread(self._raw)
                self.samples.append((at, str(status.state) if status else "", health.word, *raw))
                await asyncio.sleep(2.0)
        finally:
            await bot.close()

    def _raw(self):
        lag = time.time() - self.bot.raw("GET", "/health").json()["last_process_ts"]
        said = self.bot.raw("GET", "/status")
        return lag, said.status_code, said.json()[0]["current_rate"] if said.status_code == 200 else None


async def _holds(bot, count):
    return len((await bot.status()).positions) >= count


def credentials():
    api = "FREQTRADE__API_SERVER__"
    return {
        f"{api}USERNAME": LOGIN.username,
        f"{api}PASSWORD": LOGIN.password,
        f"{api}JWT_SECRET_KEY": "a-secret-of-the-tests-that-is-long-enough",
        f"{api}WS_TOKEN": "a-word-for-the-socket",
    }


async def until(true, what, seconds=150.0):
    """The first truthy `await true()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := await true():
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")
