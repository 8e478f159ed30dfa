"""A paper exchange, and research bots on it, as processes of their own; and what they traded."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from workbench.bootstrap.processes import Child, ChildSpec
from workbench.domain.errors import ExchangeError
from workbench.market.exchange import open_exchange
from workbench.market.paper_exchange.client import ApiKey, Venue

KINDS = ("trend", "mean_reversion", "breakout", "learning")
CASH = {"USD": "10000"}


@asynccontextmanager
async def served(*args: str) -> AsyncIterator[Venue]:
    """An exchange started with `args`; its admin. Its log is thrown away with it."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        spec = ChildSpec(
            "exchange",
            "workbench",
            ("exchange", "serve", "--port", "0", *args),
            {"WORKBENCH_EXCHANGE_TOKEN": token},
        )
        child = Child(spec, Path(folder) / "exchange.log")
        said = await child.start()
        try:
            async with Venue(said["url"], token, timeout_s=60.0) as venue:
                yield venue
        finally:
            await child.stop()


@asynccontextmanager
async def trading_bots(venue: Venue) -> AsyncIterator[dict[str, ApiKey]]:
    """The four research bots in lockstep; their keys by kind."""
    keys = {kind: await venue.open_account(kind, CASH) for kind in KINDS}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bots = [Child(_bot(kind, key, venue.url), folder / f"{kind}.log") for kind, key in keys.items()]
        for bot in bots:
            stack.push_async_callback(bot.stop)
        await asyncio.gather(*(bot.start() for bot in bots))
        yield keys


def _bot(kind: str, key: ApiKey, url: str) -> ChildSpec:
    secret = {"WORKBENCH_API_KEY": key.key, "WORKBENCH_API_SECRET": key.secret, "WORKBENCH_BOT_TOKEN": "bench"}
    args = ("--kind", kind, "--exchange", url, "--lockstep")
    return ChildSpec(kind, "workbench.bots.research", args, secret, ready_s=120.0)


async def fills_of(venue: Venue, keys: dict[str, ApiKey], symbols: Iterable[str]) -> list[list[dict]]:
    """Every fill of every account as the exchange tells it, byte for byte."""
    found = []
    for key in keys.values():
        bot = open_exchange("binance", url=venue.url, key=key.key, secret=key.secret)
        try:
            for symbol in symbols:
                found.append(await bot.privateGetMyTrades({"symbol": symbol.replace("/", ""), "limit": 1000}))
        finally:
            await bot.close()
    return found


@asynccontextmanager
async def listening(venue: Venue, names: list[str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket that hears streams, and has been told so."""
    url = f"{venue.url}/stream/ws/0"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
        answer = await socket.receive_json()
        if answer.get("error"):
            raise ExchangeError(f"the exchange refused to be heard: {answer['error']}")
        yield socket
