"""Every REST request, asked by ccxt itself: asynchronous here, synchronous where it says so."""

import asyncio
from decimal import Decimal

import ccxt
import pytest

from tests.market.paper_exchange.builders import HALF_HOUR, START, candles, ccxt_config, running, trading

BAR_MS = HALF_HOUR.milliseconds
NOW_MS = int(START.timestamp() * 1000) + 100 * BAR_MS


async def test_markets_carry_their_filters():
    async with running() as (_, venue), trading(venue) as bot:
        market = bot.market("BTC/USD")

    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert market["limits"]["cost"]["min"] == 5
    assert set(market["info"]["orderTypes"]) >= {"LIMIT", "MARKET", "STOP_LOSS_LIMIT"}


async def test_klines_are_the_recorded_bars_and_the_newest_is_as_far_as_it_has_come():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (_, venue), trading(venue) as bot:
        rows = await bot.fetch_ohlcv("BTC/USD", "30m", limit=4)

    expected = table.iloc[97:100].reset_index().itertuples(index=False)
    assert [row[1:] for row in rows[:3]] == [list(map(float, bar[1:])) for bar in expected]
    forming = table.iloc[100]
    assert rows[3] == [NOW_MS, *[forming["open"]] * 4, pytest.approx(forming["volume"] / 4, abs=1e-7)]


async def test_klines_page_by_time_and_refuse_what_bars_cannot_make():
    async with running() as (_, venue), trading(venue) as bot:
        page = await bot.fetch_ohlcv("BTC/USD", "30m", since=NOW_MS - 10 * BAR_MS, limit=3)
        until = await bot.fetch_ohlcv("BTC/USD", "30m", limit=2, params={"endTime": NOW_MS - 5 * BAR_MS})
        with pytest.raises(ccxt.BadRequest, match="Invalid interval"):
            await bot.fetch_ohlcv("BTC/USD", "5m")

    assert [row[0] for row in page] == [NOW_MS - k * BAR_MS for k in (10, 9, 8)]
    assert [row[0] for row in until] == [NOW_MS - k * BAR_MS for k in (6, 5)]


async def test_longer_bars_are_made_of_short_ones():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (_, venue), trading(venue) as bot:
        hours = await bot.fetch_ohlcv("BTC/USD", "1h", limit=3)
        days = await bot.fetch_ohlcv("BTC/USD", "1d")

    pair = table.iloc[96:98]
    assert hours[0][1:5] == [pair["open"].iloc[0], pair["high"].max(), pair["low"].min(), pair["close"].iloc[-1]]
    assert len(days) == 3


async def test_a_missing_bar_is_missing_and_the_page_still_full():
    async with running(candles={"BTC/USD": candles(missing=(95, 97))}) as (_, venue), trading(venue) as bot:
        newest = await bot.fetch_ohlcv("BTC/USD", "30m", limit=5)
        paged = await bot.fetch_ohlcv("BTC/USD", "30m", since=NOW_MS - 6 * BAR_MS, limit=3)

    assert [(NOW_MS - row[0]) // BAR_MS for row in newest] == [6, 4, 2, 1, 0]
    assert [(NOW_MS - row[0]) // BAR_MS for row in paged] == [6, 4, 2]


async def test_prices_books_and_trades():
    async with running() as (_, venue), trading(venue) as bot:
        price = candles()["open"].iloc[100]
        ticker = await bot.fetch_ticker("BTC/USD")
        tickers = await bot.fetch_tickers()
        book = await bot.fetch_order_book("BTC/USD", 5)
        touch = await bot.fetch_bids_asks(["BTC/USD"])
        last = await bot.fetch_last_prices(["BTC/USD"])
        trades = await bot.fetch_trades("BTC/USD", limit=6)
        recent = await bot.publicGetTrades({"symbol": "BTCUSD", "limit": 2})
        average = await bot.publicGetAvgPrice({"symbol": "BTCUSD"})

    assert ticker["last"] == tickers["BTC/USD"]["last"] == last["BTC/USD"]["price"] == price
    assert float(average["price"]) == trades[-1]["price"] == float(recent[-1]["price"]) == price
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["bids"][0][0] < price < book["asks"][0][0]
    assert touch["BTC/USD"]["bid"] == book["bids"][0][0]
    assert [trade["timestamp"] for trade in trades] == [NOW_MS - k * BAR_MS // 4 for k in (5, 4, 3, 2, 1, 0)]


async def test_the_day_ticker_sums_the_bars_of_a_day():
    table = candles()
    async with running(candles={"BTC/USD": table}) as (_, venue), trading(venue) as bot:
        ticker = await bot.fetch_ticker("BTC/USD")

    day = table.iloc[53:100]
    assert ticker["high"] == max(day["high"].max(), table["open"].iloc[100])
    assert ticker["open"] == day["open"].iloc[0]
    assert ticker["baseVolume"] == pytest.approx(day["volume"].sum() + table["volume"].iloc[100] / 4)


async def test_time_is_wall_time_and_the_rest_is_market_time():
    async with running() as (_, venue), trading(venue) as bot:
        assert abs(await bot.fetch_time() - bot.milliseconds()) < 5000
        assert (await venue.clock()).market_time.timestamp() * 1000 == NOW_MS


async def test_a_market_order_trades_at_the_price_of_the_step_and_pays_its_fee():
    async with running() as (_, venue), trading(venue) as bot:
        bought = await bot.create_order("BTC/USD", "market", "buy", 2)
        worth = await bot.create_order("BTC/USD", "market", "buy", None, params={"quoteOrderQty": 100})
        balance = await bot.fetch_balance()
        trades = await bot.fetch_my_trades("BTC/USD")

    price = float(candles()["open"].iloc[100])
    assert (bought["status"], bought["average"], bought["filled"]) == ("closed", price, 2)
    assert bought["fees"] == [{"currency": "BTC", "cost": 0.002}]
    assert worth["cost"] <= 100
    assert [trade["takerOrMaker"] for trade in trades] == ["taker", "taker"]
    assert trades[0]["timestamp"] == NOW_MS
    assert balance["BTC"]["total"] == pytest.approx((2 + worth["filled"]) * 0.999)
    assert balance["USD"]["free"] == pytest.approx(10000 - bought["cost"] - worth["cost"])


async def test_a_limit_order_lives_through_every_query_and_dies_by_cancel():
    async with running() as (_, venue), trading(venue) as bot:
        resting = await bot.create_order("BTC/USD", "limit", "buy", 1, 500, {"clientOrderId": "mine-1"})
        asked = await bot.fetch_order(resting["id"], "BTC/USD")
        named = await bot.fetch_order(None, "BTC/USD", {"origClientOrderId": "mine-1"})
        open_now = await bot.fetch_open_orders("BTC/USD")
        locked = await bot.fetch_balance()
        dead = await bot.cancel_order(resting["id"], "BTC/USD")
        history = await bot.fetch_orders("BTC/USD")
        freed = await bot.fetch_balance()

    assert asked["clientOrderId"] == named["clientOrderId"] == "mine-1"
    assert [order["id"] for order in open_now] == [resting["id"]]
    assert locked["USD"] == {"free": 9500.0, "used": 500.0, "total": 10000.0}
    assert dead["status"] == "canceled"
    assert [order["status"] for order in history] == ["canceled"]
    assert freed["USD"]["free"] == 10000


async def test_cancel_all_ends_every_open_order_of_a_market():
    async with running() as (_, venue), trading(venue) as bot:
        for price in (500, 600, 700):
            await bot.create_order("BTC/USD", "limit", "buy", 1, price)
        ended = await bot.cancel_all_orders("BTC/USD")

        assert [order["status"] for order in ended] == ["canceled"] * 3
        assert await bot.fetch_open_orders("BTC/USD") == []


async def test_stop_orders_wait_and_are_shown_with_their_trigger():
    async with running() as (_, venue), trading(venue) as bot:
        await bot.create_order("BTC/USD", "market", "buy", 2)
        stop = await bot.create_order("BTC/USD", "limit", "sell", 1, 890, {"stopLossPrice": 900})
        take = await bot.create_order("BTC/USD", "limit", "sell", 0.9, 1200, {"takeProfitPrice": 1190})
        shown = {order["id"]: order for order in await bot.fetch_open_orders("BTC/USD")}

    assert shown[stop["id"]]["info"]["type"] == "STOP_LOSS_LIMIT"
    assert shown[stop["id"]]["triggerPrice"] == 900
    assert shown[take["id"]]["info"]["type"] == "TAKE_PROFIT_LIMIT"


async def test_orders_that_only_make_or_never_wait():
    async with running() as (_, venue), trading(venue) as bot:
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            await bot.create_order("BTC/USD", "limit", "buy", 1, 2000, {"postOnly": True})
        expired = await bot.create_order("BTC/USD", "limit", "buy", 1, 500, {"timeInForce": "IOC"})
        killed = await bot.create_order("BTC/USD", "limit", "buy", 1, 500, {"timeInForce": "FOK"})

    assert (expired["status"], killed["status"]) == ("expired", "expired")


async def test_the_rest_of_an_account():
    async with running(fee_bps=Decimal(25)) as (_, venue), trading(venue) as bot:
        fee = await bot.fetch_trading_fee("BTC/USD")
        tried = await bot.create_order("BTC/USD", "market", "buy", 1, None, {"test": True})
        commission = await bot.privateGetAccountCommission({"symbol": "BTCUSD"})

        assert (fee["maker"], fee["taker"]) == (0.0025, 0.0025)
        assert tried["id"] is None
        assert commission["standardCommission"]["taker"] == "0.00250000"
        assert await bot.fetch_orders("BTC/USD") == []


async def test_accounts_are_apart_and_opening_one_twice_gives_the_same_key():
    async with running() as (_, venue), trading(venue, "one") as one, trading(venue, "two") as two:
        again = await venue.open_account("one", {"USD": 99999})
        await one.create_order("BTC/USD", "market", "buy", 1)

        assert again.key == one.apiKey
        assert (await one.fetch_balance())["USD"]["total"] < 10000
        assert (await two.fetch_balance())["USD"]["total"] == 10000
        assert await two.fetch_my_trades("BTC/USD") == []


async def test_synchronous_ccxt_asks_everything_too():
    async with running() as (_, venue):
        key = await venue.open_account("sync", {"USD": 10000})
        said = await asyncio.to_thread(_everything, ccxt.binance(ccxt_config(venue.url, key)))

    assert said["order"]["status"] == "closed"
    assert said["canceled"]["status"] == "canceled"
    assert len(said["trades"]) == 1
    assert said["balance"]["BTC"]["free"] == pytest.approx(0.999)
    assert said["candles"][-1][0] == NOW_MS


def _everything(bot):
    bot.load_markets()
    bot.fetch_time()
    bot.fetch_ticker("BTC/USD")
    bot.fetch_tickers()
    bot.fetch_order_book("BTC/USD")
    bot.fetch_bids_asks()
    bot.fetch_trades("BTC/USD")
    said = {"candles": bot.fetch_ohlcv("BTC/USD", "30m"), "order": bot.create_order("BTC/USD", "market", "buy", 1)}
    resting = bot.create_order("BTC/USD", "limit", "sell", 0.5, 5000)
    bot.fetch_order(resting["id"], "BTC/USD")
    bot.fetch_open_orders("BTC/USD")
    said["canceled"] = bot.cancel_order(resting["id"], "BTC/USD")
    bot.create_order("BTC/USD", "limit", "sell", 0.5, 5000)
    bot.cancel_all_orders("BTC/USD")
    bot.fetch_orders("BTC/USD")
    said["trades"] = bot.fetch_my_trades("BTC/USD")
    return said | {"balance": bot.fetch_balance()}


async def test_the_listen_key_lives_is_kept_and_dies():
    async with running() as (_, venue), trading(venue) as bot:
        key = (await bot.publicPostUserDataStream())["listenKey"]
        again = (await bot.publicPostUserDataStream())["listenKey"]
        kept = await bot.publicPutUserDataStream({"listenKey": key})
        closed = await bot.publicDeleteUserDataStream({"listenKey": key})
        with pytest.raises(ccxt.AuthenticationError, match="listenKey"):
            await bot.publicPutUserDataStream({"listenKey": key})

    assert key == again
    assert kept == closed == {}
