"""Closes to score forecasts with: the venue's own bars, and from the lake where the venue has none."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import numpy as np

from workbench.domain.desk import MarketClock
from workbench.domain.errors import CandleError, ExchangeError
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode

OPENED, CLOSE, CLOSED = 0, 4, 6  # of a kline row
PAGE = 1000


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
    """The venue at `url`. `lake`: folder of recorded candles of the same exchange, asked for what the venue lacks."""

    def __init__(self, url: str, lake: Path | None = None):
        self._url, self._lake = url, lake

    async def closes(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes:
        frame = Timeframe.parse(market.timeframe)
        first = frame.open_of(since)
        count = max(0, (min(until, market.market_time) - first) // frame.step) + 1
        grid = np.full(count, np.nan)
        found = await self._from_venue(symbol, frame, first, until, market)
        _enter(grid, found, first, frame)
        recorded = market.mode is not MoneyMode.REPLAY and self._lake is not None and self._lake.is_dir()
        if recorded and np.isnan(grid).any():
            known = await asyncio.to_thread(self._from_lake, market.source, symbol, frame, (first, until))
            _enter(grid, {at: close for at, close in known.items() if at not in found}, first, frame)
        return Closes(first, frame, grid)

    async def _from_venue(
        self, symbol: str, frame: Timeframe, first: datetime, until: datetime, market: MarketClock
    ) -> dict[int, float]:
        """Closes by the millisecond the bar ended."""
        now_ms, start = market.market_time.timestamp() * 1000, int(first.timestamp() * 1000) - frame.milliseconds
        last = int(until.timestamp() * 1000) - frame.milliseconds
        closes: dict[int, float] = {}
        try:
            async with httpx.AsyncClient(base_url=self._url, timeout=10.0, trust_env=False) as http:
                while start <= last:
                    rows = await _page(http, symbol, market.timeframe, start, last)
                    closes |= {
                        row[OPENED] + frame.milliseconds: float(row[CLOSE]) for row in rows if row[CLOSED] < now_ms
                    }
                    if len(rows) < PAGE:
                        break
                    start = rows[-1][OPENED] + frame.milliseconds
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise ExchangeError(f"the venue gives no {frame} bars of {symbol} ({type(error).__name__})") from error
        return closes

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


async def _page(http: httpx.AsyncClient, symbol: str, interval: str, start: int, last: int) -> list[list[Any]]:
    query: dict[str, str | int] = {"symbol": symbol.replace("/", ""), "interval": interval, "limit": PAGE}
    answer = await http.get("/api/v3/klines", params={**query, "startTime": start, "endTime": last})
    answer.raise_for_status()
    return list(answer.json())


def _enter(grid: np.ndarray, closes: Mapping[int, float], first: datetime, frame: Timeframe) -> None:
    start = int(first.timestamp() * 1000)
    for ended_ms, close in closes.items():
        row, rest = divmod(ended_ms - start, frame.milliseconds)
        if not rest and 0 <= row < len(grid) and close > 0:
            grid[row] = close
