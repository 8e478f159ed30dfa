"""One life of a connection to the venue: exchange, candles, account. It ends at the first fault and is made anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import ccxt
import structlog

from workbench.bots.research.account import Account
from workbench.bots.research.broker import Broker
from workbench.bots.research.client_ids import tag_of
from workbench.bots.research.options import ResearchOptions
from workbench.bots.research.trader import Trader
from workbench.domain.errors import ExchangeError, SymbolError
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.domain.portfolio import MoneyMode
from workbench.market.exchange import open_exchange, patiently, plainly
from workbench.market.live import CandleFeed, FeedLimits

log = structlog.get_logger(__name__)
MARKETS = 5


@dataclass(eq=False)
class Marks:
    """The newest price of each market, overheard from the candle stream: that of the forming bar.

    trouble : what is wrong with the stream, empty since it was last heard.
    """

    timeframe: str
    prices: dict[str, float] = field(default_factory=dict)
    trouble: str = ""

    def wants(self, symbol: str, timeframe: str) -> bool:
        return timeframe == self.timeframe

    def heard(self, symbol: str, timeframe: str, row: list[float], final: bool, event_ms: int) -> None:
        self.prices[symbol], self.trouble = row[4], ""

    def cut(self, reason: str) -> None:
        """Prices stay as they were: their age is told by the bot's status."""

    def complain(self, error: Exception) -> None:
        """What the feed reports."""
        self.trouble = str(error)
        log.warning("feed_trouble", error=self.trouble)


@dataclass(frozen=True)
class Session:
    """world : what outcomes belong to: one run of a replay, or a real exchange."""

    exchange: Any
    symbols: tuple[str, ...]
    timeframe: Timeframe
    mode: MoneyMode
    run_id: str
    world: str
    feed: CandleFeed
    marks: Marks
    account: Account
    trader: Trader


@asynccontextmanager
async def open_session(options: ResearchOptions, history: int) -> AsyncIterator[Session]:
    """Connect, fill the candles, reconcile with the venue. Raises a WorkbenchError where any of it fails.

    history : closed bars of each market to have.
    """
    exchange = open_exchange("binance", pro=True, url=options.exchange, key=options.key, secret=options.secret)
    try:
        clock = await _clock(exchange, options.exchange)
        broker = Broker(exchange)
        await patiently(exchange, exchange.load_markets)
        symbols = _choose(options.symbols, clock["symbols"], list(exchange.markets))
        await broker.load(symbols)
        timeframe = Timeframe.parse(options.timeframe or clock["timeframe"])
        marks = Marks(timeframe.text, await broker.prices())
        exchange.ears.add(marks)
        limits = FeedLimits(keep=history + 200)
        feed = CandleFeed(exchange, symbols, timeframe, history=history, report=marks.complain, limits=limits)
        await feed.start()
        try:
            account = Account(broker, symbols, tag_of(options.bot_id))
            await account.reconcile()
            trader = Trader(broker, account, timeframe)
            mode, run_id = MoneyMode(clock["mode"]), str(clock["run_id"])
            world = run_id if mode is MoneyMode.REPLAY else str(clock["source"])
            yield Session(exchange, symbols, timeframe, mode, run_id, world, feed, marks, account, trader)
        finally:
            await feed.stop()
    finally:
        await exchange.close()


async def _clock(exchange: Any, url: str) -> dict[str, Any]:
    try:
        said = await exchange.fetch(f"{url.rstrip('/')}/workbench/v1/clock")
    except ccxt.BaseError as error:
        raise plainly(error, exchange) from error
    if not isinstance(said, dict) or not {"mode", "symbols", "timeframe", "run_id", "source"} <= said.keys():
        raise ExchangeError(f"{url} is not a paper exchange; start one with: workbench exchange serve")
    return said


def _choose(asked: tuple[str, ...], venue: list[str], known: list[str]) -> tuple[str, ...]:
    """The markets asked for, as the venue writes them; without any, the first it lists. Raises SymbolError."""
    found = tuple(resolve_symbol(symbol, known).symbol for symbol in asked) or tuple(
        symbol for symbol in venue if symbol in known
    )
    if not found:
        raise SymbolError(f"the venue lists no market; known: {', '.join(known) or 'none'}")
    return tuple(dict.fromkeys(found))[: max(MARKETS, len(asked))]
