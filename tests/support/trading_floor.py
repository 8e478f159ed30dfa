"""A real paper exchange with a few coins, and real research bots on it: what the trading tests stand on."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from workbench.bots.research.bot import ResearchBot
from workbench.bots.research.options import ResearchOptions
from workbench.market import sample
from workbench.market.exchange import open_exchange
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

START = datetime(2018, 7, 23, tzinfo=UTC)  # bitcoin rises here: the trend bot buys it at the first close
ADMIN = "admin"
BAR = timedelta(minutes=30)
CASH = 10_000


def candles(symbols=("BTC/USD", "ETH/USD"), before=1500, after=600):
    """Recorded bars around START: enough history to decide on, and a few days to trade."""
    return {name: sample.load(name)[START - before * BAR : START + after * BAR] for name in symbols}


class TradingFloor:
    """The exchange, its admin, and bots that are stopped with it. `lockstep` bots act at every bar a `seek` passes."""

    def __init__(self, exchange, url, venue):
        self.exchange, self.url, self.venue = exchange, url, venue
        self._bots, self._hands = [], {}

    async def bot(self, kind="trend", *, lockstep=True, funds=None, memory=None, url=None, wait_s=15.0):
        key = await self.venue.open_account(kind, funds or {"USD": str(CASH)})
        options = ResearchOptions(
            kind,
            kind,
            url or self.url,
            key.key,
            key.secret,
            lockstep=lockstep,
            memory=memory,
            halt_within_s=1.5,
        )
        bot = ResearchBot(options)
        self._bots.append(bot)
        await bot.start(wait_s)
        return bot

    async def hand(self, account="trend"):
        """A human at the same account, through ccxt."""
        if account not in self._hands:
            key = await self.venue.open_account(account, {"USD": str(CASH)})
            self._hands[account] = open_exchange("binance", url=self.url, key=key.key, secret=key.secret)
        return self._hands[account]

    async def play(self, bars):
        """Let `bars` more bars close; lockstep bots have acted on all of them when this returns."""
        end = (await self.venue.clock()).market_time + bars * BAR
        await self.venue.seek(end)
        in_step = [bot.engine.turns for bot in self._bots if bot.options.lockstep and bot.engine.connected]
        await until(lambda: _acted(in_step, end.timestamp() * 1000))

    async def account(self, name="trend"):
        return (await self.venue.snapshot())["accounts"][name]

    async def stop(self):
        for bot in self._bots:
            await bot.stop()
        for hand in self._hands.values():
            await hand.close()
        await self.venue.close()
        await self.close_doors()

    async def close_doors(self):
        """The exchange goes away; what it keeps in a state file stays."""
        exchange, self.exchange = self.exchange, None
        if exchange:
            await exchange.stop()


@asynccontextmanager
async def trading_floor(*, port=0, tables=None, bots=1, **options):
    """A paused exchange; `bots`: lockstep participants it waits for (0: none takes part)."""
    known = {"start": START, "admin_token": ADMIN, "lockstep": bots, "paused": True, "speed": 900.0, **options}
    exchange = PaperExchange(ExchangeOptions(candles=tables or candles(), **known))
    url = await exchange.start(port)
    floor = TradingFloor(exchange, url, Venue(url, ADMIN))
    try:
        yield floor
    finally:
        await floor.stop()


DUST = {"XRP": 0.1, "EOS": 0.1}  # less than the market's step; 0.001 elsewhere


def held(account):
    """What an account of a snapshot holds besides money, dust left out."""
    totals = {asset: float(b["free"]) + float(b["locked"]) for asset, b in account["balances"].items()}
    return {asset: total for asset, total in totals.items() if asset != "USD" and total > DUST.get(asset, 1e-3)}


async def _acted(in_step, end_ms):
    return all(turns.acted_ms >= end_ms for turns in in_step)


async def until(true, timeout_s=15.0):
    """Wait until `await true()` holds; its value."""
    async with asyncio.timeout(timeout_s):
        while True:
            if value := await true():
                return value
            await asyncio.sleep(0.02)
