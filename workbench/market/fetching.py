"""Download candles from an exchange into the lake: page by page, so that a stopped download goes on where it was.

Beside the months of a series lies fetched.json: the stretches of time that were asked for and answered, so that an hour
the exchange itself lacks is not asked for again each day. Deleting it, or `again`, asks anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from workbench.domain.market import Timeframe
from workbench.market.exchange import fetch_candles, load_market, settled_now
from workbench.market.lake import Lake
from workbench.market.lake_paths import Series
from workbench.market.lake_record import Written

Stretch = tuple[int, int]  # [start, end) in ms
Progress = Callable[[float, datetime, int], None]
"""(fraction done, downloaded up to, bars so far)"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download did. `resumed`: some of what was asked for had been downloaded before. `first`, `last`: open
    times (UTC) of the bars that came now, None where none did; a `first` later than asked means that the exchange
    keeps no more, or that the market is younger."""

    symbol: str
    written: Written
    resumed: bool
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to download: [since, until) in UTC, `until` None for all there is. `again`: also what was had before."""

    symbol: str
    timeframe: Timeframe
    since: datetime
    until: datetime | None = None
    again: bool = False


async def fetch_into(lake: Lake, exchange: Any, wanted: Wanted, progress: Progress | None = None) -> Fetched:
    """Bring the lake's series of a market at this exchange up to date.

    Each page is durable before the next is asked for, so stopping costs at most a page. Raises ExchangeError,
    SymbolError, TimeframeError or CandleError.
    """
    symbol = await load_market(exchange, wanted.symbol, wanted.timeframe)
    series = Series(exchange.id, symbol, wanted.timeframe)
    since, until = _ms(wanted.since), None if wanted.until is None else _ms(wanted.until)
    end = min(filter(None, (until, await settled_now(exchange))), default=since)
    had = [] if wanted.again else answered(lake, series)
    written, times, stretches = Written(), [], missing(since, until, had)
    for start, stop in stretches:
        async for page, reached in fetch_candles(exchange, symbol, wanted.timeframe, start, stop):
            written += lake.write(exchange.id, symbol, wanted.timeframe, page)
            _note(lake, series, (start, reached))
            times += [page.index[0], page.index[-1]]
            if progress is not None:
                bars = written.new + written.replaced + written.same
                progress(_share(since, reached, end), datetime.fromtimestamp(reached / 1000, UTC), bars)
    first, last = (min(times).to_pydatetime(), max(times).to_pydatetime()) if times else (None, None)
    return Fetched(symbol, written, stretches != [(since, until)], first, last)


def missing(since: int, until: int | None, had: list[Stretch]) -> list[tuple[int, int | None]]:
    """The parts of [since, until) that `had` (rising, apart) leaves open. Pure."""
    found: list[tuple[int, int | None]] = []
    at = since
    for start, end in had:
        if until is not None and start >= until:
            break
        if start > at:
            found.append((at, start))
        at = max(at, end)
    if until is None or at < until:
        found.append((at, until))
    return found


def joined_with(had: list[Stretch], new: Stretch) -> list[Stretch]:
    """Stretches with one more, rising and apart: those that touch become one. Pure."""
    found: list[Stretch] = []
    for start, end in sorted([*had, new]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def answered(lake: Lake, series: Series) -> list[Stretch]:
    """The stretches of a series that were asked for and answered; none where the note is missing or unreadable."""
    data = lake.record.files.get(_note_name(series))
    try:
        return [] if data is None else [(int(start), int(end)) for start, end in orjson.loads(data.to_pybytes())]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return []  # asking again costs time, never truth


def _note(lake: Lake, series: Series, stretch: Stretch) -> None:
    lake.record.files.put(_note_name(series), orjson.dumps(joined_with(answered(lake, series), stretch)))


def _note_name(series: Series) -> str:
    return f"{series.folder}/fetched.json"


def _share(since: int, reached: int, end: int) -> float:
    return 1.0 if end <= since else min(1.0, (reached - since) / (end - since))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
