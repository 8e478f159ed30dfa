"""Closed candles as they happen, from any ccxt.pro exchange, whole: the start and every gap are filled over REST.

feed = CandleFeed(open_exchange("binance", pro=True, url=url), ["BTC/USD"], "30m")
await feed.start()
async for close in feed.closes(): ...
await feed.stop()

Candle times are the venue's market time, ages are this machine's: the two are never compared.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import structlog

from workbench.domain.errors import ExchangeError, SymbolError
from workbench.domain.market import Timeframe
from workbench.market.exchange import load_market
from workbench.market.feed_mending import Mender
from workbench.market.feed_state import BarClosed, FeedState, Inbox, Report
from workbench.market.feed_stream import CandleStream
from workbench.market.pending_bars import Row

__all__ = ["BarClosed", "CandleFeed", "Closes", "FeedLimits"]

_log = structlog.get_logger()
_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", None)


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """keep: bars of each symbol held in memory. stale_after_s: silence after which the venue is asked over REST whether
    something was missed (and the connection dropped if so). grace_s: how long the venue's own word on a bar is awaited
    before REST is asked. inbox: closes that may wait for one reader before the oldest are lost."""

    keep: int = 20_000
    stale_after_s: float = 30.0
    grace_s: float = 1.0
    inbox: int = 100_000


class CandleFeed:
    """An owner of the tasks that keep candle tables current. `report` is told of every trouble.

    exchange : from `open_exchange(..., pro=True)`; it stays the caller's to close, after `stop`.
    history : closed bars of each symbol to have before `start` returns (fewer where the venue has fewer).
    """

    def __init__(
        self,
        exchange: Any,
        symbols: Iterable[str],
        timeframe: Timeframe | str,
        *,
        history: int = 500,
        report: Report | None = None,
        limits: FeedLimits = FeedLimits(),
    ) -> None:
        self.exchange, self.symbols, self.limits = exchange, tuple(symbols), limits
        self.timeframe = Timeframe.parse(str(timeframe))
        self.report = report or _log_trouble
        stream = CandleStream(exchange, self.symbols, self.timeframe, self._heard, self._cut)
        self.state = FeedState(self.symbols, self.timeframe, stream.flags, max(limits.keep, history), self.report)
        self._mender = Mender(stream, self.state, history, limits, seconds)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe, fill `history` over REST and return. Raises ExchangeError, SymbolError or TimeframeError."""
        if self._task is not None:
            return
        for symbol in self.symbols:
            if (known := await load_market(self.exchange, symbol, self.timeframe)) != symbol:
                raise SymbolError(f"{self.exchange.id} writes {symbol!r} as {known}; ask for that")
        self._task = asyncio.create_task(self._run(), name=f"candles of {self.exchange.id}")
        self._task.add_done_callback(lambda _: self.state.wake())
        try:
            await self.wait(lambda: self.state.filled)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the tasks; readers of `closes` come to their end. May be repeated; does not close the exchange."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def closed(self, symbol: str) -> pd.DataFrame:
        """Every closed bar known of `symbol` (the newest `limits.keep`), as a candle table."""
        return self.state.lane(symbol).store.table()

    def closes(self) -> "Closes":
        """Bars as they close, each once, in order within a symbol: `async for close in feed.closes()`.

        Counts from this call on; each call is a reader of its own. Ends when the feed stops, raises when it dies.
        """
        return Closes(self)

    async def until(self, moment: datetime, symbols: Iterable[str] | None = None) -> None:
        """Wait until every bar of `symbols` (all) that closed at or before `moment`, in market time, is known."""
        end_ms = moment.timestamp() * 1000
        watches = [self.state.lane(symbol).watch for symbol in (self.symbols if symbols is None else symbols)]
        if not await self.wait(lambda: all(watch.known_to_ms >= end_ms for watch in watches)):
            raise ExchangeError(f"the candle feed of {self.exchange.id} was stopped")

    def age_s(self, symbol: str | None = None) -> float:
        """Seconds since there was news of `symbol`, or of the symbol that has been silent longest; inf: never."""
        return self.state.age_s(seconds(), symbol and self.state.lane(symbol).symbol)

    @property
    def market_time(self) -> datetime | None:
        """The newest moment of the venue's clock that was heard of (UTC), None before the first."""
        return datetime.fromtimestamp(self.state.market_ms / 1000, UTC) if self.state.market_ms else None

    async def wait(self, true: Callable[[], bool]) -> bool:
        """Wait until `true()`; False where the feed was stopped first. Raises ExchangeError where it has died."""
        waiter = asyncio.Event()
        self.state.wakers.add(waiter.set)
        try:
            while not true():
                if self._task is None or self._task.cancelled():
                    return False
                if self._task.done():
                    raise self._task.exception() or ExchangeError("the candle feed has ended")
                waiter.clear()
                await waiter.wait()
            return True
        finally:
            self.state.wakers.discard(waiter.set)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._mender.stream.run())
                group.create_task(self._mender.run())
        except BaseExceptionGroup as several:
            error = _first(several)
            if isinstance(error, Exception):
                self.report(error)
            raise error from several

    def _heard(self, symbol: str, row: Row, final: bool, market_ms: int) -> None:
        self.state.heard(symbol, row, final, market_ms, seconds())

    def _cut(self, why: ExchangeError) -> None:
        self.state.cut()
        self.report(why)
        self._mender.wake()


class Closes:
    """One reader of a feed's closed bars."""

    def __init__(self, feed: CandleFeed) -> None:
        self._feed, self._inbox = feed, Inbox(feed.limits.inbox)
        feed.state.inboxes.add(self._inbox)

    @property
    def lost(self) -> int:
        """How many closes were dropped, oldest first, because this reader fell too far behind."""
        return self._inbox.lost

    def __aiter__(self) -> "Closes":
        return self

    async def __anext__(self) -> BarClosed:
        waiting = self._inbox.waiting
        if not waiting and not await self._feed.wait(lambda: bool(waiting)):
            raise StopAsyncIteration
        return waiting.popleft()


def seconds() -> float:
    """Monotonic seconds, counted also while the machine sleeps where it can: data grows old then too."""
    return time.monotonic() if _COUNTS_SLEEP is None else time.clock_gettime(_COUNTS_SLEEP)


def _first(several: BaseExceptionGroup) -> BaseException:
    error = several.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _log_trouble(error: Exception) -> None:
    _log.warning("candle feed", trouble=str(error))
