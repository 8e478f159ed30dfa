"""One feed per venue, market and bar length, shared by all charts that look at it; nobody looks, nothing is open."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from workbench.domain.errors import ExchangeError
from workbench.domain.market import Timeframe
from workbench.market.exchange import open_exchange
from workbench.market.feed_state import Lane
from workbench.market.live import CandleFeed, FeedLimits, seconds

log = structlog.get_logger(__name__)
LIMITS = FeedLimits(keep=20_000, stale_after_s=3.0, grace_s=0.5)
_SOCKETS = 4  # of a venue; ccxt would open one for each market
_PATIENCE_S = 3.0
_TIMEOUT_MS = 5000


@dataclass(frozen=True, slots=True)
class VenueAddress:
    """A ccxt exchange; `url` is the address of a paper exchange, which speaks binance's dialect."""

    name: str = "binance"
    url: str | None = None


DEFAULT = VenueAddress()


@dataclass(frozen=True, slots=True)
class FeedKey:
    venue: VenueAddress
    symbol: str
    timeframe: Timeframe


@dataclass(slots=True)
class _Line:
    """An open exchange and how many feeds use it."""

    exchange: Any
    users: int = 0


@dataclass(slots=True)
class _Shared:
    line: _Line
    feed: CandleFeed | None = None
    leases: int = 0
    ready: asyncio.Lock = field(default_factory=asyncio.Lock)


class FeedLease:
    """One chart's share of a feed. `listen` is called at every word; `release` ends it, once."""

    def __init__(self, manager: "WebSocketManager", key: FeedKey, feed: CandleFeed):
        self.key, self.feed = key, feed
        self._manager: WebSocketManager | None = manager
        self._listeners: list[Callable[[], None]] = []

    @property
    def lane(self) -> Lane:
        return self.feed.state.lane(self.key.symbol)

    def listen(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)
        self.feed.state.listeners.add(listener)

    def ages_s(self) -> tuple[float, float]:
        """Seconds since the market was heard of, and since the venue last answered a question about it."""
        now = seconds()
        return now - self.lane.heard_s, now - self.lane.answered_s

    async def mode(self) -> dict[str, Any]:
        """What money and time the venue deals in, as JSON: mode, words for a chip, market seconds a wall second."""
        exchange = self.feed.exchange
        paper = exchange.options.get("workbenchUrl")
        if not paper:
            return {"mode": "live", "words": "LIVE", "speed": 1.0, "paused": False}
        clock = await exchange.fetch(f"{paper}/workbench/v1/clock")
        replay, told = clock["mode"] == "replay", clock["speed"]
        speed = math.inf if told == "max" else float(told)
        words = f"REPLAY {'MAX' if told == 'max' else f'×{speed:g}'}" if replay else "PAPER"
        return {"mode": clock["mode"], "words": words, "speed": min(speed, 1e9), "paused": bool(clock["paused"])}

    async def release(self) -> None:
        manager, self._manager = self._manager, None
        if manager is not None:
            self.feed.state.listeners.difference_update(self._listeners)
            await manager.let_go(self.key)


class WebSocketManager:
    """Opens a feed at the first lease of it and ends it with the last; the same with the venue's sockets.

    history : closed bars a feed has at the start. The feed itself mends gaps, duplicates and broken connections
    (`workbench.market.live`); its troubles are logged. opens : makes the ccxt.pro exchange of a venue.
    """

    def __init__(self, history: int = 1000, limits: FeedLimits = LIMITS, opens: Callable[..., Any] = open_exchange):
        self._history, self._limits, self._opens = history, limits, opens
        self._lines: dict[VenueAddress, _Line] = {}
        self._shared: dict[FeedKey, _Shared] = {}

    async def acquire(self, symbol: str, timeframe: str | Timeframe, venue: VenueAddress = DEFAULT) -> FeedLease:
        """A share of the feed of `symbol`, which has its history when this returns.

        Raises SymbolError, TimeframeError or ExchangeError; then nothing stays open.
        """
        key = FeedKey(venue, symbol, Timeframe.parse(str(timeframe)))
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(self._line(venue))
            shared.line.users += 1
        shared.leases += 1
        try:
            async with shared.ready:
                if shared.feed is None:
                    shared.feed = await self._started(key, shared.line.exchange)
        except BaseException:
            await self.let_go(key)
            raise
        return FeedLease(self, key, shared.feed)

    @asynccontextmanager
    async def at(self, venue: VenueAddress) -> AsyncIterator[Any]:
        """The venue's exchange, open as long as the block lasts: its markets are loaded once for all that is in it."""
        line = self._line(venue)
        line.users += 1
        try:
            yield line.exchange
        finally:
            await self._hang_up(venue, line)

    def counts(self) -> dict[str, int]:
        """What is open: venues, feeds, leases."""
        leases = sum(shared.leases for shared in self._shared.values())
        return {"venues": len(self._lines), "feeds": len(self._shared), "leases": leases}

    async def let_go(self, key: FeedKey) -> None:
        """Give back one lease of a feed (`FeedLease.release` does)."""
        shared = self._shared[key]
        shared.leases -= 1
        if shared.leases:
            return
        del self._shared[key]
        if shared.feed is not None:
            await shared.feed.stop()
            if shared.line.users > 1:
                await self._unsubscribe(key, shared.line.exchange)
        await self._hang_up(key.venue, shared.line)

    def _line(self, venue: VenueAddress) -> _Line:
        if venue not in self._lines:
            exchange = self._opens(venue.name, pro=True, url=venue.url)
            exchange.timeout = _TIMEOUT_MS
            if "streamLimits" in exchange.options:
                exchange.options["streamLimits"] = {**exchange.options["streamLimits"], "spot": _SOCKETS}
            self._lines[venue] = _Line(exchange)
        return self._lines[venue]

    async def _started(self, key: FeedKey, exchange: Any) -> CandleFeed:
        feed = CandleFeed(exchange, [key.symbol], key.timeframe, history=self._history, limits=self._limits)
        await feed.start()
        return feed

    async def _unsubscribe(self, key: FeedKey, exchange: Any) -> None:
        """Tell the venue; a venue that does not take it keeps talking until its socket is closed, to nobody."""
        if key in self._shared or not exchange.has.get("unWatchOHLCVForSymbols"):
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_PATIENCE_S):
                await exchange.un_watch_ohlcv_for_symbols([[key.symbol, key.timeframe.text]])

    async def _hang_up(self, venue: VenueAddress, line: _Line) -> None:
        line.users -= 1
        if line.users or self._lines.get(venue) is not line:
            return
        del self._lines[venue]
        try:
            await line.exchange.close()
        except ExchangeError as error:
            log.warning("venue_not_closed", venue=venue.name, error=str(error))
