"""Each way of being wrong is answered with Binance's code, and ccxt raises what it would there."""

import hashlib
import hmac
import time

import aiohttp
import ccxt
import ccxt.async_support
import pytest

from tests.market.paper_exchange.builders import ccxt_config, running, trading
from workbench.market.paper_exchange.client import ApiKey


async def asked(venue, path, key=None, method="GET", stamp=None, **params):
    """One signed request made by hand: (status, answer)."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    if key:
        query += f"&timestamp={stamp or int(time.time() * 1000)}"
        query += "&signature=" + hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": key.key} if key else {}
    url = f"{venue.url}/api/v3/{path}?{query}"
    async with aiohttp.ClientSession(headers=headers) as session, session.request(method, url) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda key: ApiKey("", key.secret), ccxt.AuthenticationError),
        (lambda key: ApiKey("0" * 64, key.secret), ccxt.AuthenticationError),
        (lambda key: ApiKey(key.key, "not-the-secret"), ccxt.AuthenticationError),
    ],
)
async def test_a_wrong_key_or_secret_is_not_let_in(change, error):
    async with running() as (_, venue):
        key = change(await venue.open_account("bot", {"USD": 1}))
        bot = ccxt.async_support.binance(ccxt_config(venue.url, key))
        try:
            with pytest.raises(error):
                await bot.fetch_balance()
        finally:
            await bot.close()


async def test_codes_of_authentication():
    async with running() as (_, venue):
        key = await venue.open_account("bot", {"USD": 1})
        now = int(time.time() * 1000)

        assert (await asked(venue, "account"))[1]["code"] == -2014
        assert (await asked(venue, "account", ApiKey("z" * 64, key.secret)))[1]["code"] == -2015
        assert (await asked(venue, "account", ApiKey(key.key, "x")))[1]["code"] == -1022
        assert (await asked(venue, "account", key, stamp=now - 6000))[1]["code"] == -1021
        assert (await asked(venue, "account", key, stamp=now + 2500))[1]["code"] == -1021
        assert (await asked(venue, "account", key, stamp=now - 6000, recvWindow=20000))[0] == 200
        assert (await asked(venue, "account", key, recvWindow=60001))[1]["code"] == -1131


async def test_clock_skew_raises_what_ccxt_calls_it():
    async with running() as (_, venue), trading(venue) as bot:
        bot.nonce = lambda: bot.milliseconds() - 20_000

        with pytest.raises(ccxt.InvalidNonce):
            await bot.fetch_balance()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"symbol": "NOPEUSD", "side": "BUY", "type": "MARKET", "quantity": 1}, -1121),
        ({"symbol": "BTCUSD", "type": "MARKET", "quantity": 1}, -1102),
        ({"symbol": "BTCUSD", "side": "UP", "type": "MARKET", "quantity": 1}, -1117),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "ICEBERG", "quantity": 1}, -1116),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET"}, -1102),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": "much"}, -1100),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": "-1"}, -1100),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": "NaN"}, -1100),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": 1, "price": 5}, -1106),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": 5}, -1102),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "LIMIT", "quantity": 1, "price": 5, "timeInForce": "GTX"}, -1115),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": 1, "newClientOrderId": "a*b"}, -1100),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": "0.000001"}, -1013),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": "0.001"}, -1013),
        ({"symbol": "BTCUSD", "side": "BUY", "type": "MARKET", "quantity": 50}, -2010),
    ],
)
async def test_codes_of_orders(params, code):
    async with running() as (_, venue):
        key = await venue.open_account("bot", {"USD": 10000})

        status, said = await asked(venue, "order", key, "POST", **params)

        assert (status, said["code"]) == (400, code)
        assert (await venue.snapshot())["accounts"]["bot"]["balances"]["USD"]["free"] == "10000.00000000"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda bot: bot.create_order("BTC/USD", "market", "buy", 50), ccxt.InsufficientFunds),
        (lambda bot: bot.create_order("BTC/USD", "market", "buy", 0.001), ccxt.BadRequest),
        (lambda bot: bot.cancel_order("77", "BTC/USD"), ccxt.OrderNotFound),
        (lambda bot: bot.fetch_order("77", "BTC/USD"), ccxt.OrderNotFound),
        (lambda bot: bot.publicGetKlines({"symbol": "NOPE", "interval": "30m"}), ccxt.BadSymbol),
        (lambda bot: bot.publicGetKlines({"symbol": "BTCUSD"}), ccxt.BadRequest),
    ],
)
async def test_ccxt_raises_its_own_words_for_it(act, error):
    async with running() as (_, venue), trading(venue) as bot:
        with pytest.raises(error):
            await act(bot)


async def test_an_open_client_id_is_not_given_twice():
    async with running() as (_, venue), trading(venue) as bot:
        await bot.create_order("BTC/USD", "limit", "buy", 1, 500, {"clientOrderId": "same"})

        with pytest.raises(ccxt.InvalidOrder, match="Duplicate"):
            await bot.create_order("BTC/USD", "limit", "buy", 1, 500, {"clientOrderId": "same"})


async def test_one_account_cannot_touch_the_orders_of_another():
    async with running() as (_, venue), trading(venue, "one") as one, trading(venue, "two") as two:
        resting = await one.create_order("BTC/USD", "limit", "buy", 1, 500)

        with pytest.raises(ccxt.OrderNotFound):
            await two.cancel_order(resting["id"], "BTC/USD")


async def test_too_many_requests_are_told_to_wait_and_then_banned():
    async with running(weight_limit=50) as (_, venue):
        statuses = [(await asked(venue, "ping"))[0] for _ in range(70)]

        bot = ccxt.async_support.binance(ccxt_config(venue.url))
        try:
            with pytest.raises(ccxt.DDoSProtection, match="418"):
                await bot.fetch_time()
        finally:
            await bot.close()

    assert statuses[:50] == [200] * 50
    assert 429 in statuses
    assert statuses[-1] == 418


async def test_unknown_paths_say_so():
    async with running() as (_, venue):
        status, said = await asked(venue, "margin/nothing")

    assert status == 404
    assert "not served here" in said["msg"]


async def test_commands_need_the_admin_token_and_none_set_means_nobody():
    async with running() as (_, venue), running(admin_token=None) as (mute, _), aiohttp.ClientSession() as anyone:
        async with anyone.post(f"{venue.url}/workbench/v1/resume") as response:
            stranger = response.status, (await response.json())["error"]
        headers = {"Authorization": "Bearer "}
        async with anyone.post(f"{mute.url}/workbench/v1/resume", headers=headers) as response:
            nobody = response.status, (await response.json())["error"]
        async with anyone.get(f"{venue.url}/workbench/v1/clock") as response:
            clock = response.status

    assert stranger == (401, "the admin token is missing or wrong")
    assert nobody[0] == 401
    assert "takes no commands" in nobody[1]
    assert clock == 200
