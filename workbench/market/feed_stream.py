"""The socket side of a candle feed: subscribe, hear, notice a break, dial again. Decides nothing about bars."""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import ccxt

from workbench.domain.errors import ExchangeError
from workbench.domain.market import Timeframe
from workbench.market.exchange import plainly
from workbench.market.pending_bars import Row

Hear = Callable[[str, Row, bool, int], None]
Cut = Callable[[ExchangeError], None]
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GLANCE_S = 0.25, 10.0, 0.25


class _StreamBroke(Exception):
    """A connection that carried candles ended."""


def pauses(rng: random.Random) -> Iterator[float]:
    """Growing pauses, each drawn between half and all of its ceiling so that many clients do not return at once."""
    ceiling = _FIRST_PAUSE_S
    while True:
        yield ceiling * rng.uniform(0.5, 1.0)
        ceiling = min(2 * ceiling, _LONGEST_PAUSE_S)


class CandleStream:
    """Klines of `symbols` from a ccxt.pro exchange: `hear(symbol, row, final, market_ms)`, `cut(why)` on each break.

    Where the exchange object has ears (`open_exchange` gives it them) and its venue flags the end of a bar, every
    message is heard; elsewhere ccxt's cache is read after each wake-up, and no row is final.
    """

    def __init__(self, exchange: Any, symbols: tuple[str, ...], timeframe: Timeframe, hear: Hear, cut: Cut) -> None:
        self.exchange, self.symbols, self.timeframe = exchange, symbols, timeframe
        self.flags = hasattr(exchange, "ears") and exchange.id.startswith("binance")
        self._hear, self._cut = hear, cut
        self._known = frozenset(symbols)
        self._seen: dict[str, Row] = {}
        self._broken, self._reason = asyncio.Event(), ""

    async def run(self) -> None:
        """Listen until cancelled. Raises ExchangeError where the exchange cannot stream candles at all."""
        if not self.exchange.has.get("watchOHLCV"):
            raise ExchangeError(f"{self.exchange.id} does not stream candles; fetch them, or choose another exchange")
        if self.flags:
            self.exchange.ears.add(self)
        try:
            if self.exchange.has.get("watchOHLCVForSymbols"):
                await self._listen(self.symbols)
                return
            async with asyncio.TaskGroup() as group:
                for symbol in self.symbols:
                    group.create_task(self._listen((symbol,)))
        finally:
            if self.flags:
                self.exchange.ears.discard(self)

    def drop(self, why: str) -> None:
        """Break the connections that carry our candles, because they are dead without knowing it; `run` dials again."""
        ours = {f"ohlcv::{symbol}::{self.timeframe}" for symbol in self.symbols}
        clients = list((self.exchange.clients or {}).values())
        carrying = [client for client in clients if ours & set(client.subscriptions)] or clients
        for client in carrying:
            client.on_error(ccxt.NetworkError(why))

    def wants(self, symbol: str, timeframe: str) -> bool:
        """As an ear of the exchange: which klines."""
        return timeframe == self.timeframe.text and symbol in self._known

    def heard(self, symbol: str, timeframe: str, row: Row, final: bool, event_ms: int) -> None:
        """As an ear of the exchange: every kline message of our markets."""
        self._hear(symbol, row, final, event_ms)

    def cut(self, reason: str) -> None:
        """As an ear of the exchange: a connection of it broke, perhaps while nobody awaited it."""
        self._reason = reason
        self._broken.set()

    async def _listen(self, symbols: tuple[str, ...]) -> None:
        waits = pauses(random.Random())
        while True:
            try:
                await self._wake(symbols)
                waits = pauses(random.Random())
            except _StreamBroke as error:
                where = self.exchange.options.get("workbenchUrl") or self.exchange.id
                self._cut(ExchangeError(f"the candle stream of {where} broke ({error}); dialling again"))
                await asyncio.sleep(next(waits))
            except ccxt.BaseError as error:
                self._cut(plainly(error, self.exchange))
                await asyncio.sleep(next(waits))
            except asyncio.CancelledError:
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise
                # ccxt cancels what is awaited when somebody closes the exchange; nobody has cancelled us
                raise ExchangeError(f"{self.exchange.id} was closed while its candles were being read") from None

    async def _wake(self, symbols: tuple[str, ...]) -> None:
        """Wait for the next message, or, where ears hear them all, for any sign of life or of a break."""
        self._broken.clear()
        if len(symbols) == 1 and not self.exchange.has.get("watchOHLCVForSymbols"):
            await self.exchange.watch_ohlcv(symbols[0], self.timeframe.text)
        else:
            await self.exchange.watch_ohlcv_for_symbols([[symbol, self.timeframe.text] for symbol in symbols])
        if not self.flags:
            self._read_cache(symbols)
            return
        try:
            async with asyncio.timeout(_GLANCE_S):
                await self._broken.wait()
        except TimeoutError:
            return
        raise _StreamBroke(self._reason)

    def _read_cache(self, symbols: tuple[str, ...]) -> None:
        for symbol in symbols:
            cached = (self.exchange.ohlcvs.get(symbol) or {}).get(self.timeframe.text) or ()
            seen = self._seen.get(symbol)
            for row in [list(row[:6]) for row in cached if seen is None or row[0] >= seen[0]]:
                if row != seen:
                    self._seen[symbol] = row
                    self._hear(symbol, row, False, 0)
