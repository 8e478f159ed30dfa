"""The REST side of a candle feed: history at the start, what a broken connection missed, bars nobody called final."""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any, Protocol

from workbench.domain.errors import ExchangeBusy, ExchangeError
from workbench.market.bar_watch import Need, Told
from workbench.market.exchange import PAGE, read_page, settled_now
from workbench.market.feed_state import FeedState, Lane
from workbench.market.feed_stream import CandleStream
from workbench.market.pending_bars import Row

_AT_ONCE = 4
_TICK_S = 0.2
_LONGEST_PAUSE_S = 10.0  # a venue that comes back is seen again within 15 s
_FULL = 100  # an answer of fewer rows than any venue's limit is the last one


class Limits(Protocol):
    @property
    def stale_after_s(self) -> float: ...
    @property
    def grace_s(self) -> float: ...


class Mender:
    """Asks the venue what the watches need, most urgent first, and drops a stream that is silent while bars move."""

    def __init__(
        self, stream: CandleStream, state: FeedState, history: int, limits: Limits, seconds: Callable[[], float]
    ) -> None:
        self.stream, self.state, self.history, self.limits, self._seconds = stream, state, history, limits, seconds
        self.exchange: Any = stream.exchange
        self._awake = asyncio.Event()
        self._busy_until = -math.inf

    def wake(self) -> None:
        """Look now rather than at the next tick."""
        self._awake.set()

    async def run(self) -> None:
        """Mend until cancelled. Raises ExchangeError where history cannot be had at the start."""
        while True:
            if self._seconds() < self._busy_until:  # the venue asked to be left alone
                await self._rest()
                continue
            wanted = self.state.wanted(self._seconds(), self.limits.grace_s)[:_AT_ONCE]
            async with asyncio.TaskGroup() as group:
                for lane, need in wanted:
                    group.create_task(self._mend(lane, need))
            if not wanted:
                await self._probe()
                await self._rest()

    async def _rest(self) -> None:
        self._awake.clear()
        try:
            async with asyncio.timeout(_TICK_S):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _mend(self, lane: Lane, need: Need) -> None:
        before = need[:3]
        told = await self._ask(lane, need)
        stuck = told is None or (not told.news and (lane.watch.need() or ())[:3] == before)
        lane.failures = lane.failures + 1 if stuck else 0
        pause = min(_LONGEST_PAUSE_S, 0.25 * 2 ** min(lane.failures, 10)) * random.uniform(0.5, 1.0) if stuck else 0.0
        lane.ask_s = self._seconds() + pause

    async def _ask(self, lane: Lane, need: Need, probing: bool = False) -> Told | None:
        """Where the stream cannot tell the venue's time (before it began, after it broke), the venue is asked."""
        filling = lane.watch.settled_ms is None
        try:
            asked_clock = filling or lane.watch.torn or probing
            now = await settled_now(self.exchange, **self._tries(lane)) if asked_clock else None
            rows = await (self._newest(lane) if filling else self._from(lane, need.since_ms or 0))
        except ExchangeError as error:
            if filling:
                raise
            if isinstance(error, ExchangeBusy):
                self._busy_until = self._seconds() + error.retry_after_s
            self.state.report(error)
            return None
        return self.state.read(lane, need, rows, now, self._seconds())

    @staticmethod
    def _tries(lane: Lane) -> dict[str, int]:
        """The start is patient; later a question that failed is asked anew, with what is known by then."""
        return {} if lane.watch.settled_ms is None else {"tries": 1}

    async def _newest(self, lane: Lane) -> list[Row]:
        wanted = self.history + 2  # one still forms, and one may have begun since
        rows = await read_page(self.exchange, lane.symbol, self.state.timeframe, None, min(wanted, PAGE))
        if not rows or len(rows) >= wanted or len(rows) < min(wanted, _FULL):
            return rows
        return await self._from(lane, int(rows[-1][0]) - (wanted - 1) * self.state.timeframe.milliseconds)

    async def _from(self, lane: Lane, since_ms: int) -> list[Row]:
        """Every row from `since_ms` on. Pages overlap by a row: the last of a page may have been unfinished."""
        rows: list[Row] = []
        while True:
            since = int(rows[-1][0]) if rows else since_ms
            page = await read_page(self.exchange, lane.symbol, self.state.timeframe, since, **self._tries(lane))
            fresh = [row for row in page if row[0] >= since]
            moved = len(fresh) > 1 or (bool(fresh) and not rows)
            rows = rows[:-1] + fresh if fresh else rows
            if len(fresh) < _FULL or not moved:
                return rows

    async def _probe(self) -> None:
        """Silence: a quiet market, a paused replay, or a dead connection that still answers pings? Ask one symbol."""
        now, limit = self._seconds(), self.limits.stale_after_s
        silent = [lane for lane in self.state.lanes.values() if now - max(lane.heard_s, lane.probed_s) > limit]
        if not silent:
            return
        lane = min(silent, key=lambda lane: lane.heard_s)
        lane.probed_s = now
        watch = lane.watch
        since = (watch.settled_ms or watch.step_ms) - watch.step_ms
        told = await self._ask(lane, Need(since, False, watch.cuts, watch.market_ms), probing=True)
        if told is not None and told.news:
            self.stream.drop(f"no word of {lane.symbol} for {limit:g} s though it has moved")
