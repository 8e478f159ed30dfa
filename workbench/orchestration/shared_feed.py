"""One connection to a venue for everybody: whoever holds the feed's lease listens, and all read from the ledger.

    feed = SharedFeed(sync, ledger, "binance", open_feed)   # in every process that wants its bars
    await feed.start()
    async for bar in feed.bars(["BTC/USD"], after=last_seen): ...

A holder that dies is followed by another process, which first fills in, from the venue's history, what was not
published meanwhile. The same bar has the same key whoever publishes it, so it is in the log once.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from workbench.domain.errors import LeaseLost, WorkbenchError
from workbench.domain.market import Candle, Timeframe
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.market.live import CandleFeed, Closes
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.effects import process_name
from workbench.orchestration.sync_topics import TOPICS
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
TTL = timedelta(seconds=6)
TRY_S = 0.5
GATHER_S = 0.02
KNOWN = 5000  # newest shared bars among which the last of each market is looked for
Open = Callable[[], AbstractAsyncContextManager[CandleFeed]]


@dataclass(frozen=True, slots=True)
class SharedBar:
    """A closed bar with its number in the ledger, to resume after."""

    seq: int
    candle: Candle


class SharedFeed:
    """`venue`: its name and, for a replay, the run: two runs are two markets. `open_feed` connects and disconnects."""

    def __init__(self, sync: DataSync, ledger: SqlLedger, venue: str, open_feed: Open, ttl: timedelta = TTL):
        self.venue, self._sync, self._ledger, self._open = venue, sync, ledger, open_feed
        self._keeper = LeaseKeeper(ledger, f"feed:{venue}", process_name(), ttl, lambda why: None)
        self._task = OwnedTask(self._stand_by, f"shared feed of {venue}")

    @property
    def connected(self) -> bool:
        """Whether it is this process that listens to the venue."""
        return self._keeper.held

    async def start(self) -> None:
        """Listen, or stand by while another process does. Returns at once."""
        self._task.start()

    async def stop(self) -> None:
        """Disconnect and let another process take over."""
        await self._task.stop()
        await self._keeper.stop()

    async def bars(self, symbols: Iterable[str] | None = None, after: int | None = None) -> AsyncIterator[SharedBar]:
        """Closed bars of this venue as they are published, from any process: those numbered above `after` (None: from
        now on), each once. symbols: only these."""
        wanted = None if symbols is None else frozenset(symbols)
        async with aclosing(self._sync.subscribe("candles", after)) as things:
            async for thing in things:
                if thing.data.get("venue") == self.venue and (wanted is None or thing.data["symbol"] in wanted):
                    yield SharedBar(thing.seq, _candle(thing.data))

    async def _stand_by(self) -> None:
        while True:
            try:
                if await self._keeper.start() is not None:
                    await self._listen()
            except WorkbenchError as error:  # the venue or the ledger is away: try until it is back
                log.warning("shared_feed_interrupted", venue=self.venue, error=str(error))
                await self._keeper.stop()
            await asyncio.sleep(TRY_S)

    async def _listen(self) -> None:
        async with self._open() as feed:
            closes = feed.closes()  # before the history is read: what closes meanwhile comes twice and is kept once
            await self._publish(await self._missed(feed), feed.timeframe)
            while self._keeper.held:
                bars = await _closed_together(closes)
                if bars is None:
                    return
                await self._publish(bars, feed.timeframe)
        raise LeaseLost(f"the feed of {self.venue} is read by another process now")

    async def _missed(self, feed: CandleFeed) -> list[Candle]:
        """Bars that closed after the newest published one of each market; none where nothing was ever published."""
        found = await asyncio.to_thread(self._ledger.last, KNOWN, [TOPICS["candles"][0]])
        newest = {
            event.payload["data"]["symbol"]: event.payload["data"]["opened_at"]
            for event in found
            if event.payload["data"].get("venue") == self.venue
            and event.payload["data"]["timeframe"] == feed.timeframe.text
        }
        bars = []
        for symbol, opened_at in newest.items():
            if symbol in feed.symbols:
                later = feed.closed(symbol).loc[lambda t, at=opened_at: t.index > datetime.fromisoformat(at)]
                rows = zip(later.index, later.to_numpy().tolist(), strict=True)
                bars += [Candle(symbol, feed.timeframe, at.to_pydatetime(), *row) for at, row in rows]
        return sorted(bars, key=lambda bar: (bar.opened_at, bar.symbol))

    async def _publish(self, bars: list[Candle], timeframe: Timeframe) -> None:
        if bars:
            keys = [f"{self.venue}:{timeframe}:{bar.symbol}:{bar.opened_at:%Y%m%dT%H%M%S}" for bar in bars]
            told = {key: _told(self.venue, bar) for key, bar in zip(keys, bars, strict=True)}
            await self._sync.publish_many("candles", told)


async def _closed_together(closes: Closes) -> list[Candle] | None:
    """What closes next: bars of one boundary come together and are written together. Empty where nothing closes for a
    while, None where the feed has ended."""
    found: list[Candle] = []
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(GATHER_S if found else TRY_S):
                close = await anext(closes, None)
            if close is None:
                return found or None
            found.append(close.candle)
    return found


def _told(venue: str, bar: Candle) -> dict[str, Any]:
    return {
        "venue": venue,
        "symbol": bar.symbol,
        "timeframe": bar.timeframe.text,
        "opened_at": bar.opened_at.astimezone(UTC).isoformat(),
        "values": [bar.open, bar.high, bar.low, bar.close, bar.volume],
    }


def _candle(said: Any) -> Candle:
    at = datetime.fromisoformat(said["opened_at"])
    return Candle(said["symbol"], Timeframe.parse(said["timeframe"]), at, *said["values"])
