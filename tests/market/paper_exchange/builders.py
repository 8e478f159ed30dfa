"""What the tests of the paper exchange are made from: small markets, candles, orders, running servers."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support
import ccxt.pro
import numpy as np
import pandas as pd

from workbench.domain.candles import INDEX, as_candles
from workbench.domain.market import Timeframe
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.matching import BUY, PaperOrder
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

TOKEN = "admin-of-the-test"
START = datetime(2020, 1, 1, tzinfo=UTC)
HALF_HOUR = Timeframe.parse("30m")
COARSE = Market("COIN/USD", price_digits=0, amount_digits=0, tick_digits=0, lot_digits=0)
FINE = Market("BTC/USD", price_digits=2, amount_digits=8, tick_digits=2, lot_digits=5)


def candles(bars: int = 200, seed: int = 1, price: float = 1000.0, missing: tuple[int, ...] = ()) -> pd.DataFrame:
    """A random walk of half-hour bars with two decimals; `missing` rows are left out."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0, 0.004, bars))), 2)
    opened = np.round(np.concatenate([[price], close[:-1]]) * (1 + rng.normal(0, 0.0005, bars)), 2)
    high = np.round(np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.002, bars))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.002, bars))), 2)
    index = pd.date_range(START, periods=bars, freq="30min", name=INDEX)
    table = pd.DataFrame({"open": opened, "high": high, "low": low, "close": close}, index=index)
    table["volume"] = np.round(rng.uniform(50, 500, bars), 4)
    return as_candles(table.drop(table.index[list(missing)]))


async def until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for something that happens in another task or process."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def order(number: int, side: str = BUY, price: int = 100, amount: int = 1, **more: Any) -> PaperOrder:
    values = {
        "account": "a",
        "order_id": number,
        "client_id": f"c{number}",
        "market": COARSE,
        "side": side,
        "kind": "LIMIT",
        "time_in_force": "GTC",
        "amount": Decimal(amount),
        "price": Decimal(price),
        "stop": None,
        "created_ms": 0,
        "updated_ms": 0,
    }
    return PaperOrder(**values | more)


def options(**more: Any) -> ExchangeOptions:
    """A paused replay of one market from its hundredth bar; the test moves the clock."""
    values = {
        "candles": {"BTC/USD": candles()},
        "timeframe": HALF_HOUR,
        "start": START + 100 * HALF_HOUR.step,
        "speed": float("inf"),
        "paused": True,
        "admin_token": TOKEN,
    }
    return ExchangeOptions(**values | more)


@asynccontextmanager
async def running(**more: Any):
    """A running exchange and its admin: (exchange, venue)."""
    exchange = PaperExchange(options(**more))
    await exchange.start()
    try:
        async with Venue(exchange.url, TOKEN) as venue:
            yield exchange, venue
    finally:
        await exchange.stop()


def ccxt_config(url: str, key: Any = None) -> dict[str, Any]:
    """What points any ccxt binance at a paper exchange, as docs/paper_exchange.md shows."""
    socket = url.replace("http", "ws", 1)
    api = {
        "public": f"{url}/api/v3",
        "private": f"{url}/api/v3",
        "v1": f"{url}/api/v1",
        "sapi": f"{url}/sapi/v1",
        "ws": {"spot": f"{socket}/stream/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}},
    }
    choices = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
    secret = {"apiKey": key.key, "secret": key.secret} if key else {}
    return {"enableRateLimit": False, "urls": {"api": api}, "options": choices, **secret}


@asynccontextmanager
async def trading(venue: Venue, name: str = "bot", funds: Any = None, pro: bool = False):
    """An asynchronous ccxt exchange with an account of its own."""
    key = await venue.open_account(name, funds or {"USD": 10000})
    kind = ccxt.pro.binance if pro else ccxt.async_support.binance
    exchange = kind(ccxt_config(venue.url, key))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


@asynccontextmanager
async def connected(venue: Venue, path: str, **more: Any):
    """A WebSocket at one of the exchange's doors."""
    async with aiohttp.ClientSession() as session, session.ws_connect(venue.url + path, **more) as socket:
        yield socket
