"""Recorded time: the same fills at any speed, no bar's close seen early, pause, seek, lockstep."""

import asyncio
import json

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.paper_exchange.builders import HALF_HOUR, START, candles, options, running, trading
from workbench.domain.errors import ExchangeError, StartError
from workbench.market.paper_exchange.board import day_figures
from workbench.market.paper_exchange.clock import Pace, parse_speed
from workbench.market.paper_exchange.recording import Recording
from workbench.market.paper_exchange.replay_board import Cursor, ReplayBoard
from workbench.market.paper_exchange.server import PaperExchange

BAR = HALF_HOUR.step


def board(table, position=0):
    recording = Recording.of({"BTC/USD": table}, HALF_HOUR)
    return ReplayBoard(recording, "BTC/USD", Cursor(position), 0.25)


def view(one):
    """Everything a market shows."""
    return (
        one.quote(),
        one.last_trade(),
        one.bars(0, 10**15),
        one.bars(0, 10**15, newest=7),
        one.trades(50),
        one.trades(9, from_id=3),
        one.book(),
        day_figures(one),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 4 * 59 + 3), st.integers(0, 10**6))
def test_cutting_off_the_future_changes_nothing_that_is_shown(position, seed):
    table = candles(60, seed=3)
    bar, step = divmod(position, 4)
    other = candles(60, seed=seed + 10)
    future = table.copy()
    future.iloc[bar + 1 :] = other.iloc[bar + 1 :].to_numpy()
    row = table.iloc[bar].copy()
    if step == 0:  # only the open is known: any bar that opens there must look the same
        row["high"] = row["high"] + 7
        row["low"] = max(0.01, row["low"] - 7)
        row["close"] = row["open"]
    elif step == 1:
        row["close"] = row["open"] if row["close"] >= row["open"] else round(row["open"] - 0.01, 2)
        row["high" if row["close"] >= row["open"] else "low"] = (
            row["open"] if row["close"] >= row["open"] else row["close"]
        )
        row["low"] = table["low"].iloc[bar] if row["close"] >= row["open"] else row["low"]
    future.iloc[bar] = row

    assert view(board(table, position)) == view(board(future, position))


def test_a_bar_walks_its_path_and_ends_as_recorded():
    table = candles(20, missing=(7,))
    one = board(table)
    for row, bar in enumerate(one.tape.opened):
        recorded = table.iloc[row]
        rising = recorded["close"] >= recorded["open"]
        extremes = ["low", "high"] if rising else ["high", "low"]
        path = [float(one.market.price(points)) for points in one.tape.path(row)]

        assert path == [recorded[name] for name in ("open", *extremes, "close")]
        assert sum(one.tape.shares(row)) == one.tape.volume[row]
        assert bar == int(table.index[row].timestamp() * 1000)


def test_while_a_bar_is_missing_the_market_is_closed_at_its_last_price():
    table = candles(20, missing=(7,))

    shut = board(table, 7 * 4 + 2)

    assert not shut.quote().is_open
    assert float(shut.quote().asks[0].price) == table["close"].iloc[6]
    assert shut.forming_bar() is None
    assert board(table, 8 * 4).quote().is_open


async def scripted(venue, socket, name, bars):
    """A bot in lockstep that trades by what it is told: the same decisions from the same prices."""
    async with trading(venue, name) as bot:
        seen = 0
        async for message in socket:
            boundary = json.loads(message.data)["boundary"]
            rows = await bot.fetch_ohlcv("BTC/USD", "30m", limit=3)
            rising = rows[-1][1] > rows[0][1]
            if seen % 3 == 0:
                await bot.create_order("BTC/USD", "limit", "buy", 0.2, round(rows[-1][4] * 0.998, 2))
            if rising:
                await bot.create_order("BTC/USD", "market", "buy", 0.1)
            elif (await bot.fetch_balance())["BTC"]["free"] > 0.2:
                await bot.create_order("BTC/USD", "market", "sell", 0.15)
            await socket.send_json({"done": boundary})
            seen += 1
            if seen == bars:
                return json.dumps((await bot.privateGetMyTrades({"symbol": "BTCUSD"})), sort_keys=True)


async def run_at(speed, bars=12):
    async with running(speed=speed, lockstep=2) as (_, venue), aiohttp.ClientSession() as session:
        for name in ("ann", "bob"):
            await venue.open_account(name, {"USD": 10000, "BTC": 1})
        url = f"{venue.url}/workbench/v1/lockstep?name="
        async with session.ws_connect(url + "ann") as ann, session.ws_connect(url + "bob") as bob:
            await venue.resume()
            return await asyncio.gather(scripted(venue, ann, "ann", bars), scripted(venue, bob, "bob", bars))


async def test_two_runs_at_different_speeds_give_the_same_fills_byte_for_byte():
    fast, slow = await run_at(float("inf")), await run_at(30_000)

    assert fast == slow
    assert len(json.loads(fast[0])) > 5


async def test_an_order_in_answer_to_a_closed_bar_trades_at_the_next_open():
    table = candles()
    async with running(candles={"BTC/USD": table}, speed=3600) as (_, venue), trading(venue, pro=True) as bot:
        await venue.resume()
        async with asyncio.timeout(60):
            first = await bot.watch_ohlcv("BTC/USD", "30m")
            while (await bot.watch_ohlcv("BTC/USD", "30m"))[-1][0] == first[-1][0]:
                pass
        order = await bot.create_order("BTC/USD", "market", "buy", 1)
        opened = order["info"]["transactTime"] - int(START.timestamp() * 1000)

    assert opened % HALF_HOUR.milliseconds == 0
    assert order["average"] == table["open"].iloc[opened // HALF_HOUR.milliseconds]


async def test_pause_stops_time_and_resume_lets_it_run():
    async with running(speed=36_000, paused=False) as (_, venue):
        await venue.pause()
        first = (await venue.clock()).market_time
        await asyncio.sleep(0.1)
        paused = await venue.clock()
        await venue.resume()
        await asyncio.sleep(0.2)
        later = (await venue.clock()).market_time

    assert paused.paused
    assert paused.market_time == first < later


async def test_speed_sets_how_fast_time_runs_and_max_reaches_the_end():
    async with running(speed=1.0, paused=False) as (_, venue):
        await venue.set_speed("max")
        async with asyncio.timeout(60):
            while not (clock := await venue.clock()).ended:
                pass

    assert clock.speed == float("inf")
    assert clock.market_time == START + 200 * BAR


async def test_seek_trades_through_the_bars_and_never_goes_back():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (_, venue), trading(venue) as bot:
        low = round(float(table["low"].iloc[101:150].min()) + 0.01, 2)
        await bot.create_order("BTC/USD", "limit", "buy", 1, low)
        arrived = await venue.seek(START + 150 * BAR)
        trades = await bot.fetch_my_trades("BTC/USD")

        with pytest.raises(ExchangeError, match="forward only"):
            await venue.seek(START + 120 * BAR)

    assert arrived.market_time == START + 150 * BAR
    assert arrived.paused
    assert [trade["price"] for trade in trades] == [low]


@pytest.mark.parametrize("speed", ["0", "-3", "fast", "nan"])
async def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ExchangeError, match="is not one"):
        parse_speed(speed)
    async with running() as (_, venue):
        with pytest.raises(ExchangeError, match="is not one"):
            await venue.set_speed(speed)


@pytest.mark.parametrize("days", [-1, 300])
async def test_a_start_outside_the_candles_is_refused_with_their_span(days):
    exchange = PaperExchange(options(start=START + days * 48 * BAR))

    with pytest.raises(StartError, match="reach from 2020-01-01 00:00 to 2020-01-05"):
        await exchange.start()


def test_pace_turns_wall_time_into_market_time():
    pace = Pace(speed=900.0, anchor_ms=0, anchor_wall_s=100.0)

    assert pace.wait_s(450_000, 100.0) == 0.5
    assert pace.wait_s(450_000, 100.5) == 0.0
    pace.paused = True
    assert pace.wait_s(450_000, 100.5) == float("inf")


async def test_participants_are_released_by_name_and_a_silent_one_is_dropped_by_name():
    async with running(lockstep=2) as (exchange, venue), aiohttp.ClientSession() as session:
        exchange.venue.replay.lockstep.timeout_s = 0.3
        url = f"{venue.url}/workbench/v1/lockstep?name="
        async with session.ws_connect(url + "zoe") as zoe, session.ws_connect(url + "abe") as abe:
            await venue.resume()
            first = await abe.receive_json(timeout=60)
            with pytest.raises(TimeoutError):
                await zoe.receive(timeout=0.1)
            await abe.send_json({"done": first["boundary"]})
            second = await zoe.receive_json(timeout=60)
            dropped = await zoe.receive(timeout=60)
            on = await abe.receive_json(timeout=60)

            async with session.get(f"{venue.url}/workbench/v1/clock") as answer:
                clock = await answer.json()

    assert first == second
    assert first["closed"] == ["BTCUSD"]
    assert on["boundary"] == first["boundary"] + HALF_HOUR.milliseconds
    assert (dropped.type, dropped.data) == (aiohttp.WSMsgType.CLOSE, 4000)
    assert clock["dropped"] == ["zoe did not answer within 0.3 s"]
    assert clock["lockstep"] == ["abe"]


async def test_rebased_candles_begin_now():
    more = {"rebase_now": True, "speed": 1.0, "paused": False, "start": START + 20 * BAR}
    async with running(**more) as (_, venue), trading(venue) as bot:
        rows = await bot.fetch_ohlcv("BTC/USD", "30m")
        now = bot.milliseconds()

    assert 0 <= now - rows[-1][0] < HALF_HOUR.milliseconds + 5000
    assert rows[-1][0] % HALF_HOUR.milliseconds == 0
    assert len(rows) == 21
