"""What a state file promises: a killed exchange comes back with its accounts, orders, trades and clock."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import ccxt
import pytest

from tests.market.paper_exchange.builders import START, TOKEN, candles, options, running, trading
from workbench.domain.errors import ExchangeError, StartError
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange


@asynccontextmanager
async def process(*args):
    """`workbench exchange serve` as its own process: (process, its ready line, venue)."""
    command = [sys.executable, "-m", "workbench", "exchange", "serve", "--port", "0", *map(str, args)]
    environment = os.environ | {"WORKBENCH_EXCHANGE_TOKEN": TOKEN}
    running_now = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
    )
    try:
        async with asyncio.timeout(60):
            said = json.loads(await running_now.stdout.readline() or b"null")
        if said is None:
            raise AssertionError((await running_now.stderr.read()).decode())
        async with Venue(said["url"], TOKEN) as venue:
            yield running_now, said, venue
    finally:
        if running_now.returncode is None:
            running_now.kill()
        await running_now.wait()


async def test_a_killed_exchange_comes_back_as_it_was(tmp_path):
    state = tmp_path / "venue.sqlite"
    serve = ("--state", state, "--symbols", "BTC/USD,ETH/USD", "--speed", "36000")
    async with process(*serve) as (first, said, venue), trading(venue, funds={"USD": 50000}) as bot:
        key = await venue.open_account("bot", {"USD": 1})
        await bot.create_order("BTC/USD", "market", "buy", 1)
        await bot.create_order("BTC/USD", "limit", "buy", 1, 100)
        await bot.create_order("ETH/USD", "limit", "buy", 2, 50)
        stopped = await bot.create_order("BTC/USD", "limit", "sell", 0.5, 90, {"stopLossPrice": 100})
        gone = await bot.create_order("BTC/USD", "limit", "buy", 1, 101)
        await bot.cancel_order(gone["id"], "BTC/USD")
        before = await venue.snapshot()
        trades = await bot.privateGetMyTrades({"symbol": "BTCUSD"})
        orders = await bot.privateGetAllOrders({"symbol": "BTCUSD"})
        first.send_signal(signal.SIGKILL)
        await first.wait()

    async with process(*serve, "--paused") as (_, again, venue), trading(venue) as bot:
        after = await venue.snapshot()
        assert again["run_id"] == said["run_id"]
        assert (await venue.open_account("bot", {"USD": 1})) == key
        assert bot.secret == key.secret
        assert await bot.privateGetMyTrades({"symbol": "BTCUSD"}) == trades
        assert await bot.privateGetAllOrders({"symbol": "BTCUSD"}) == orders
        assert after["accounts"]["bot"]["balances"] == before["accounts"]["bot"]["balances"]
        assert after["accounts"]["bot"]["open_orders"] == before["accounts"]["bot"]["open_orders"]
        assert after["clock"]["market_time"] >= before["clock"]["market_time"][:10]
        newer = await bot.create_order("BTC/USD", "market", "sell", 0.1)
        assert int(newer["id"]) == int(gone["id"]) + 1
        await bot.cancel_order(stopped["id"], "BTC/USD")

    assert stat.S_IMODE(state.stat().st_mode) == 0o600


async def test_kills_in_the_middle_of_trading_lose_no_acknowledged_order(tmp_path):
    serve = ("--state", tmp_path / "venue.sqlite", "--symbols", "BTC/USD", "--speed", "36000")
    acknowledged = []
    for _ in range(2):
        async with process(*serve) as (server, _, venue), trading(venue, funds={"USD": 10**7}) as bot:

            async def trade(bot=bot):
                with contextlib.suppress(ccxt.NetworkError):
                    while True:
                        placed = await bot.create_order("BTC/USD", "market", "buy", 0.01)
                        acknowledged.append(placed["id"])

            task, enough = asyncio.create_task(trade()), len(acknowledged) + 12
            async with asyncio.timeout(60):
                while len(acknowledged) < enough:  # noqa: ASYNC110 - killed in the middle of the next
                    await asyncio.sleep(0.01)
            server.send_signal(signal.SIGKILL)
            await server.wait()
            await asyncio.wait([task])

    async with process(*serve, "--paused") as (_, _, venue), trading(venue) as bot:
        orders = await bot.fetch_orders("BTC/USD", limit=1000)
        trades = await bot.fetch_my_trades("BTC/USD", limit=1000)
        balance = await bot.fetch_balance()

    kept = sorted((order["id"] for order in orders), key=int)  # ccxt sorts ids of one moment as text
    assert len(acknowledged) > 20
    assert set(acknowledged) <= set(kept)
    assert kept == [str(number) for number in range(1, len(kept) + 1)]
    assert sorted((trade["order"] for trade in trades), key=int) == kept
    assert balance["BTC"]["total"] == pytest.approx(0.01 * len(kept) * 0.999)


async def test_orders_rest_across_a_restart_and_are_filled_by_what_comes(tmp_path):
    more = {"state": tmp_path / "venue.sqlite"}
    low = round(float(candles()["low"].iloc[130:170].min()) + 0.01, 2)
    async with running(**more) as (_, venue), trading(venue) as bot:
        await venue.seek(START + timedelta(minutes=30 * 130))
        placed = await bot.create_order("BTC/USD", "limit", "buy", 1, low)
    async with running(**more) as (_, venue), trading(venue) as bot:
        resumed = (await venue.clock()).market_time
        await venue.seek(START + timedelta(minutes=30 * 170))
        trades = await bot.fetch_my_trades("BTC/USD")

    assert resumed == START + timedelta(minutes=30 * 130)
    assert [(trade["order"], trade["price"]) for trade in trades] == [(placed["id"], low)]


async def test_a_state_file_of_other_candles_is_refused(tmp_path):
    more = {"state": tmp_path / "venue.sqlite"}
    async with running(**more):
        pass

    with pytest.raises(StartError, match="other candles"):
        await PaperExchange(options(candles={"BTC/USD": candles(seed=9)}, **more)).start()


async def test_a_state_file_serves_one_exchange_at_a_time(tmp_path):
    more = {"state": tmp_path / "venue.sqlite"}
    async with running(**more):
        with pytest.raises(StartError, match="another exchange holds it"):
            await PaperExchange(options(**more)).start()


async def test_a_file_that_is_no_state_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("dear diary\n" * 100)

    with pytest.raises(StartError, match="not one of ours"):
        await PaperExchange(options(state=path)).start()

    assert path.read_text().startswith("dear diary")


async def order_for_ever(bot, acknowledged):
    while True:
        acknowledged.append((await bot.create_order("BTC/USD", "limit", "buy", 0.01, 500))["id"])


async def test_a_full_disk_stops_the_exchange_and_acknowledges_nothing(tmp_path):
    more = {"state": tmp_path / "venue.sqlite"}
    async with running(**more) as (exchange, venue), trading(venue) as bot:
        first = await bot.create_order("BTC/USD", "market", "buy", 1)
        database = exchange._store._db
        database.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
        acknowledged = [first["id"]]
        with pytest.raises(ccxt.OperationFailed, match="cannot be written"):
            await order_for_ever(bot, acknowledged)
        with pytest.raises(ccxt.OperationFailed, match="cannot be written"):
            await bot.cancel_order(acknowledged[-1], "BTC/USD")
        with pytest.raises(ExchangeError, match="disk is full"):
            await asyncio.wait_for(exchange.failed(), 60)
    async with running(**more) as (_, venue), trading(venue) as bot:
        kept = sorted((order["id"] for order in await bot.fetch_orders("BTC/USD", limit=1000)), key=int)

    assert kept == acknowledged
