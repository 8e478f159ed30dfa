"""Ears on a real exchange: its trades, books and bars through ccxt.pro, for as long as it takes. Nothing is sent to it
but reads; the money stays paper.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt
import structlog

from workbench.domain.errors import ExchangeError
from workbench.domain.market import Timeframe
from workbench.market.exchange import load_market, open_exchange, patiently
from workbench.market.live import CandleFeed
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.mirror_board import DEPTH, MirrorBoard
from workbench.market.paper_exchange.streams import BOOK_KINDS, DAY_KINDS, TRADE_KINDS

log = structlog.get_logger(__name__)
SILENT_S = 45.0
HISTORY = 1000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_NEEDED = ("watchTrades", "watchOHLCV", "watchOrderBook", "fetchOHLCV")


@dataclass(frozen=True, slots=True)
class Source:
    """A real exchange: its ccxt name, and where it answers if not at its own address."""

    name: str
    url: str | None = None


@dataclass
class Troubles:
    """What went wrong lately: `last` in words, and how often the connection had to be made again."""

    last: str = ""
    reconnects: int = 0

    def note(self, error: BaseException) -> None:
        self.last = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        log.warning("mirror_trouble", trouble=self.last)


@dataclass
class Mirror:
    """Keeps boards as the exchange tells them. Two connections: one for bars, whose feed mends its own gaps, and one
    for trades and books, which is dropped and made again after `silent_s` without a word."""

    source: Source
    symbols: tuple[str, ...]
    timeframe: Timeframe
    silent_s: float = SILENT_S
    troubles: Troubles = field(default_factory=Troubles)

    def __post_init__(self) -> None:
        self._heard_s = time.monotonic()
        self._ticks = open_exchange(self.source.name, pro=True, url=self.source.url)
        self._bars = open_exchange(self.source.name, pro=True, url=self.source.url)
        self._feed = CandleFeed(self._bars, self.symbols, self.timeframe, history=HISTORY, report=self.troubles.note)

    async def connect(self) -> Mapping[str, dict[str, Any]]:
        """Reach the exchange, fill the history; returns ccxt's markets. Raises ExchangeError, SymbolError …"""
        lacking = [name for name in _NEEDED if not self._ticks.has.get(name)]
        if lacking:
            raise ExchangeError(f"{self.source.name} cannot be mirrored: ccxt has no {lacking[0]} for it")
        if not self.symbols:
            self.symbols = await self._usual_symbols()
            self._feed = CandleFeed(
                self._bars, self.symbols, self.timeframe, history=HISTORY, report=self.troubles.note
            )
        for symbol in self.symbols:
            await load_market(self._ticks, symbol, self.timeframe)
        await self._feed.start()
        return {symbol: self._ticks.markets[symbol] for symbol in self.symbols}

    async def _usual_symbols(self) -> tuple[str, ...]:
        """The best-known markets the exchange has, in dollars of one kind."""
        await patiently(self._ticks, self._ticks.load_markets, tries=2)
        for quote in ("USDT", "USD", "USDC", "EUR"):
            found = [f"{base}/{quote}" for base in ("BTC", "ETH", "XRP", "LTC", "SOL")]
            found = [symbol for symbol in found if symbol in self._ticks.markets]
            if len(found) > 1:
                return tuple(found)
        raise ExchangeError(f"{self.source.name} has none of the usual markets; name some with --symbols")

    def last_prices(self) -> Mapping[str, float]:
        """Newest close of each market. Raises ExchangeError where one has never traded."""
        tables = {symbol: self._feed.closed(symbol) for symbol in self.symbols}
        empty = [symbol for symbol, table in tables.items() if not len(table)]
        if empty:
            raise ExchangeError(f"{self.source.name} has no {self.timeframe} bars of {empty[0]}; leave it out")
        return {symbol: float(table["close"].iloc[-1]) for symbol, table in tables.items()}

    async def seed(self, boards: Mapping[str, MirrorBoard]) -> None:
        """History, the forming bar and a first book, so that the market can be traded at once."""
        for symbol, board in boards.items():
            await self._seed(symbol, board)

    async def _seed(self, symbol: str, board: MirrorBoard) -> None:
        ticks, table = self._ticks, self._feed.closed(symbol)
        opened = table.index.as_unit("ms").asi8.tolist()
        board.shelf.close(zip(opened, *(table[name].tolist() for name in table.columns), strict=True))
        rows = await patiently(ticks, lambda: ticks.fetch_ohlcv(symbol, self.timeframe.text, limit=2))
        if rows and (not opened or rows[-1][0] > opened[-1]):
            board.shelf.begin(tuple(rows[-1][:6]))
        board.take_book(await patiently(ticks, lambda: ticks.fetch_order_book(symbol, DEPTH)))

    async def run(self, floor: Floor, boards: Mapping[str, MirrorBoard]) -> None:
        """Listen for ever. Network trouble is noted and overcome; anything else is raised."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._closes(floor, boards))
            group.create_task(self._rounds(floor, boards))

    async def _rounds(self, floor: Floor, boards: Mapping[str, MirrorBoard]) -> None:
        """Trades and books over one connection after another, each used until it goes silent."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    for symbol, board in boards.items():
                        group.create_task(self._trades(floor, symbol, board))
                        group.create_task(self._books(floor, symbol, board))
                    group.create_task(self._watchdog())
            except* _Silent as silent:
                self.troubles.note(silent.exceptions[0])
                self.troubles.reconnects += 1
            await _close(self._ticks)  # ccxt does not reopen what was closed: a new one is made
            self._ticks = open_exchange(self.source.name, pro=True, url=self.source.url)

    async def close(self) -> None:
        await self._feed.stop()
        await _close(self._ticks)
        await _close(self._bars)

    async def _trades(self, floor: Floor, symbol: str, board: MirrorBoard) -> None:
        def take(trades: list[dict[str, Any]]) -> None:
            for said in trades:
                move = board.take_trade(said)
                if move:
                    floor.move([(symbol, move)])
                    floor.switchboard.moved(board, board.now_ms, (*TRADE_KINDS, "kline"))
            floor.switchboard.moved(board, board.now_ms, DAY_KINDS)
            floor.hub.flush()

        await self._keep(lambda: self._ticks.watch_trades(symbol), take)

    async def _books(self, floor: Floor, symbol: str, board: MirrorBoard) -> None:
        def take(book: dict[str, Any]) -> None:
            board.take_book(book)
            floor.switchboard.moved(board, board.now_ms, BOOK_KINDS)
            floor.hub.flush()

        await self._keep(lambda: self._ticks.watch_order_book(symbol), take)

    async def _keep(self, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                heard = await watch()
            except ccxt.BaseError as error:
                self.troubles.note(error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            pause_s, self._heard_s = _FIRST_PAUSE_S, time.monotonic()
            take(heard)

    async def _closes(self, floor: Floor, boards: Mapping[str, MirrorBoard]) -> None:
        """Bars as the exchange closes them, each once; they replace what trades had built."""
        async for close in self._feed.closes():
            board, candle = boards[close.symbol], close.candle
            opened = int(candle.opened_at.timestamp() * 1000)
            board.shelf.close([(opened, candle.open, candle.high, candle.low, candle.close, candle.volume)])
            floor.switchboard.closed(board, opened + board.shelf.bar_ms)
            floor.hub.flush()

    async def _watchdog(self) -> None:
        """A connection may die without a word: pongs arrive and data does not (ccxt#17081). Raises _Silent."""
        self._heard_s = time.monotonic()
        while (silence_s := time.monotonic() - self._heard_s) < self.silent_s:  # noqa: ASYNC110  # nothing wakes silence
            await asyncio.sleep(self.silent_s - silence_s)
        raise _Silent(f"{self.source.name} was silent for {self.silent_s:g} s; connecting again")


class _Silent(ExchangeError):
    """Nothing was heard for too long."""


async def _close(exchange: Any) -> None:
    with contextlib.suppress(ccxt.BaseError, OSError):
        await exchange.close()
