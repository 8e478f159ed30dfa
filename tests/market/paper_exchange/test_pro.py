"""Every stream, watched by ccxt.pro itself; user data over its WebSocket API."""

import asyncio

import ccxt
import pytest

from tests.market.paper_exchange.builders import HALF_HOUR, START, candles, running, trading, until

BAR_MS = HALF_HOUR.milliseconds
STEP_MS = BAR_MS // 4
NOW_MS = int(START.timestamp() * 1000) + 100 * BAR_MS


async def hearing(exchange, *watches, streams=1):
    """Start watching, and wait until the server knows all `streams` of it."""
    tasks = [asyncio.create_task(watch) for watch in watches]
    await until(lambda: len(set(exchange.venue.floor.hub.streams)) >= streams)
    return tasks


def play(exchange, steps=1):
    for _ in range(steps):
        exchange.venue.replay.steps.advance()


async def test_klines_form_and_close_as_recorded():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (exchange, venue), trading(venue, pro=True) as bot:
        [watch] = await hearing(exchange, bot.watch_ohlcv("BTC/USD", "30m"))
        play(exchange)
        forming = (await watch)[-1]
        play(exchange, 3)
        await asyncio.sleep(0.1)
        bars = bot.ohlcvs["BTC/USD"]["30m"]

    assert forming[0] == NOW_MS
    recorded = table.iloc[100]
    assert bars[0][:5] == [NOW_MS, recorded["open"], recorded["high"], recorded["low"], recorded["close"]]
    assert bars[0][5] == pytest.approx(recorded["volume"])
    assert bars[1] == [NOW_MS + BAR_MS, *[table["open"].iloc[101]] * 4, pytest.approx(table["volume"].iloc[101] / 4)]


async def test_trades_tickers_and_the_touch():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        tasks = await hearing(
            exchange,
            bot.watch_trades("BTC/USD"),
            bot.watch_ticker("BTC/USD"),
            bot.watch_tickers(["BTC/USD"]),
            bot.watch_bids_asks(["BTC/USD"]),
            streams=3,  # ccxt hears both tickers on @miniTicker
        )
        play(exchange)
        trades, ticker, tickers, touch = await asyncio.gather(*tasks)
        asked = await bot.fetch_ticker("BTC/USD")

    assert trades[-1]["timestamp"] == NOW_MS + STEP_MS
    assert trades[-1]["price"] == ticker["last"] == tickers["BTC/USD"]["last"] == asked["last"]
    assert (ticker["high"], ticker["baseVolume"]) == (asked["high"], asked["baseVolume"])
    assert touch["BTC/USD"]["bid"] < ticker["last"] < touch["BTC/USD"]["ask"]


async def test_aggregated_trades_carry_the_same_prices():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        bot.options["watchTrades"] = {"name": "aggTrade"}
        [watch] = await hearing(exchange, bot.watch_trades("BTC/USD"))
        play(exchange)

        assert (await watch)[-1]["timestamp"] == NOW_MS + STEP_MS


async def test_an_order_book_kept_from_differences_equals_a_fresh_one():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        [watch] = await hearing(exchange, bot.watch_order_book("BTC/USD"))
        for _ in range(12):
            play(exchange)
            await asyncio.sleep(0.02)
        await watch
        await until(lambda: bot.orderbooks["BTC/USD"]["nonce"] == exchange.venue.floor.boards["BTCUSD"].place + 1)
        kept = bot.orderbooks["BTC/USD"]
        fresh = await bot.fetch_order_book("BTC/USD")

    assert [list(level) for level in kept["bids"]] == fresh["bids"]
    assert [list(level) for level in kept["asks"]] == fresh["asks"]


async def test_partial_books_and_many_markets_on_one_line():
    tables = {"BTC/USD": candles(), "ETH/USD": candles(seed=2, price=200)}
    async with running(candles=tables) as (exchange, venue), trading(venue, pro=True) as bot:
        [task] = await hearing(
            exchange, bot.watch_ohlcv_for_symbols([["BTC/USD", "30m"], ["ETH/USD", "1h"]]), streams=2
        )
        play(exchange)
        first = await task

        assert set(first) <= {"BTC/USD", "ETH/USD"}
        await asyncio.sleep(0.05)
        assert set(bot.ohlcvs) == {"BTC/USD", "ETH/USD"}
        await bot.un_watch_ohlcv_for_symbols([["BTC/USD", "30m"], ["ETH/USD", "1h"]])
        assert not set(exchange.venue.floor.hub.streams)


async def followed(exchange, watch):
    """Start watching an account, and wait until the server follows it."""
    task = asyncio.create_task(watch)
    await until(lambda: any(exchange.venue.floor.hub._users.values()))
    return task


async def test_orders_trades_and_balances_are_told_as_they_change():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        orders = await followed(exchange, bot.watch_orders())
        trades = asyncio.create_task(bot.watch_my_trades())
        balance = asyncio.create_task(bot.watch_balance())
        await asyncio.sleep(0.05)
        placed = await bot.create_order("BTC/USD", "market", "buy", 1)
        told, traded, held = await asyncio.gather(orders, trades, balance)
        await asyncio.sleep(0.05)

    assert told[-1]["id"] == placed["id"]
    assert bot.orders[-1]["status"] == "closed"
    assert (traded[-1]["amount"], traded[-1]["fee"]["currency"]) == (1, "BTC")
    assert held["USD"]["free"] == pytest.approx(10000 - placed["cost"])
    assert bot.balance["spot"]["BTC"]["free"] == 0.999


async def test_a_resting_order_filled_by_the_market_is_told():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        await bot.create_order("BTC/USD", "market", "buy", 1)
        low = candles()["low"].iloc[101:140].min()
        await bot.create_order("BTC/USD", "limit", "buy", 1, round(float(low) + 0.5, 2))
        watch = await followed(exchange, bot.watch_my_trades())
        play(exchange, 160)

        trade = (await watch)[-1]
        assert (trade["takerOrMaker"], trade["price"]) == ("maker", round(float(low) + 0.5, 2))


async def test_orders_over_the_websocket_api():
    async with running() as (_, venue), trading(venue, pro=True) as bot:
        placed = await bot.create_order_ws("BTC/USD", "limit", "buy", 1, 500)
        asked = await bot.fetch_order_ws(placed["id"], "BTC/USD")
        open_now = await bot.fetch_open_orders_ws("BTC/USD")
        gone = await bot.cancel_order_ws(placed["id"], "BTC/USD")
        bought = await bot.create_order_ws("BTC/USD", "market", "buy", 1)
        trades = await bot.fetch_my_trades_ws("BTC/USD")
        bars = await bot.fetch_ohlcv_ws("BTC/USD", "30m", limit=3)

    assert asked["status"] == open_now[0]["status"] == "open"
    assert gone["status"] == "canceled"
    assert trades[0]["order"] == bought["id"]
    assert len(bars) == 3


async def test_a_wrong_secret_gets_nothing_over_the_websocket_api():
    async with running() as (exchange, venue), trading(venue, pro=True) as bot:
        bot.secret = "not-the-secret"

        with pytest.raises(ccxt.AuthenticationError):
            await bot.fetch_open_orders_ws("BTC/USD")
        with pytest.raises(KeyError):  # ccxt 4.5.90 trips over its own clean-up when a subscription is refused
            await bot.watch_orders()

        assert not any(exchange.venue.floor.hub._users.values())
