"""Closes to score forecasts with: the venue's own bars, and from the lake where the venue has none."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import numpy as np

from workbench.domain.desk import MarketClock
from workbench.domain.errors import CandleError, ExchangeError
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode

OPENED, CLOSE, CLOSED = 0, 4, 6  # of a kline row
PAGE = 1000
Ask = Callable[[str], Awaitable[Any]]
AGAIN = 200  # newest bars in which a hole is looked at again


@dataclass(frozen=True, slots=True, eq=False)
class Closes:
    """Closes of one market on a full grid. values : (n,), quote currency, NaN where no bar closed; values[i] is of the
    bar that ended at `first` + i · step."""

    first: datetime
    step: Timeframe
    values: np.ndarray

    def index(self, at: datetime) -> int | None:
        """The row of the bar that ended at `at`; None where that lies outside or between."""
        steps, rest = divmod(at - self.first, self.step.step)
        return steps if not rest and 0 <= steps < len(self.values) else None


class Bars(Protocol):
    """Where closed bars come from."""

    async def closes(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes:
        """Bars of the market's own length that ended in [since, until] and by `market.market_time`. Raises
        ExchangeError where nothing can be read now."""
        ...


class VenueBars:
    """The venue that answers `ask` (`Venue.market_data`). `lake`: a folder of recorded candles of the same exchange,
    read where the venue lacks a bar."""

    def __init__(self, ask: Ask, lake: Path | None = None):
        self._ask, self._lake = ask, lake
        self._read: dict[tuple[str, ...], Closes] = {}

    async def closes(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes:
        frame = Timeframe.parse(market.timeframe)
        first = frame.open_of(since)
        count = max(0, (min(until, market.market_time) - first) // frame.step) + 1
        grid, known = np.full(count, np.nan), (market.source, market.run_id, symbol, market.timeframe)
        from_row = _fill(grid, first, self._read.get(known))
        found = await self._from_venue(symbol, frame, first + from_row * frame.step, until, market)
        _enter(grid, found, first, frame)
        recorded = market.mode is not MoneyMode.REPLAY and self._lake is not None and self._lake.is_dir()
        if recorded and np.isnan(grid).any():
            recorded_ones = await asyncio.to_thread(self._from_lake, market.source, symbol, frame, (first, until))
            _enter(grid, {at: close for at, close in recorded_ones.items() if at not in found}, first, frame)
        self._read[known] = Closes(first, frame, grid)
        return self._read[known]

    async def _from_venue(
        self, symbol: str, frame: Timeframe, first: datetime, until: datetime, market: MarketClock
    ) -> dict[int, float]:
        """Closes by the millisecond the bar ended."""
        now_ms, start = market.market_time.timestamp() * 1000, int(first.timestamp() * 1000) - frame.milliseconds
        last = int(until.timestamp() * 1000) - frame.milliseconds
        closes: dict[int, float] = {}
        while start <= last:
            rows = await self._page(symbol, market.timeframe, start, last)
            closes |= {row[OPENED] + frame.milliseconds: float(row[CLOSE]) for row in rows if row[CLOSED] < now_ms}
            if len(rows) < PAGE:
                break
            start = rows[-1][OPENED] + frame.milliseconds
        return closes

    async def _page(self, symbol: str, interval: str, start: int, last: int) -> list[list[Any]]:
        query = {"symbol": symbol.replace("/", ""), "interval": interval, "limit": PAGE}
        rows = await self._ask(f"klines?{urlencode({**query, 'startTime': start, 'endTime': last})}")
        if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) > CLOSED for row in rows):
            raise ExchangeError(f"the venue gives no {interval} bars of {symbol}: what came are no klines")
        return rows

    def _from_lake(
        self, venue: str, symbol: str, frame: Timeframe, between: tuple[datetime, datetime]
    ) -> dict[int, float]:
        from workbench.market.lake import Lake  # brings pandas, which a desk without gaps need not pay for

        assert self._lake
        try:
            table = Lake(self._lake).read(venue, symbol, frame, between[0] - frame.step, between[1])
        except CandleError:  # a series the lake does not have, or cannot have: the venue's word stands
            return {}
        ends = table.index.as_unit("ms").asi8 + frame.milliseconds
        return dict(zip(ends.tolist(), table["close"].tolist(), strict=True))


def _fill(grid: np.ndarray, first: datetime, known: Closes | None) -> int:
    """Put in what was read before; returns the first row that must be read: closed bars do not change, but one that was
    missing lately may have come."""
    if known is None or not known.first <= first <= known.first + len(known.values) * known.step.step:
        return 0
    past = known.values[(first - known.first) // known.step.step :][: len(grid)]
    grid[: len(past)] = past
    recent = np.flatnonzero(np.isnan(grid[-AGAIN:]))
    return len(grid) if not len(recent) else max(0, len(grid) - AGAIN) + int(recent[0])


def _enter(grid: np.ndarray, closes: Mapping[int, float], first: datetime, frame: Timeframe) -> None:
    start = int(first.timestamp() * 1000)
    for ended_ms, close in closes.items():
        row, rest = divmod(ended_ms - start, frame.milliseconds)
        if not rest and 0 <= row < len(grid) and close > 0:
            grid[row] = close
