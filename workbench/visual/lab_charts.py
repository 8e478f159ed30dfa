"""The candles a pattern lab looks at: markets and bar lengths, each read once, all cut at one moment."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, closed_before
from workbench.domain.errors import CandleError, SymbolError
from workbench.domain.market import Timeframe
from workbench.domain.patterns import FEWEST_BARS, MOST_BARS, Bar
from workbench.market import sample
from workbench.market.lake import Lake
from workbench.market.timeframes import resample

Reads = Callable[[str, Timeframe], pd.DataFrame]
SHOWN = 3000


@dataclass(frozen=True, slots=True)
class Window:
    """Bars of a market from one open time to another, both included, UTC."""

    symbol: str
    timeframe: Timeframe
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A stretch of a chart. `newest`: open time of the newest bar of the whole chart, which a viewer may pan to."""

    symbol: str
    timeframe: Timeframe
    bars: pd.DataFrame
    before: int
    after: int
    newest: datetime


class LabCharts:
    """Candle tables by market and bar length, read when first asked for and kept.

    markets : what there is, by symbol: its bar lengths. until : what closes later is not there; None: everything.
    """

    def __init__(
        self, read: Reads, markets: Mapping[str, Sequence[str]], until: datetime | None = None, source: str = ""
    ):
        self._read, self.until, self.source = read, until, source
        self.markets = {symbol: tuple(lengths) for symbol, lengths in markets.items()}
        self._tables: dict[tuple[str, str], pd.DataFrame] = {}
        self._closes: dict[tuple[str, str], np.ndarray] = {}
        self._lock = threading.Lock()

    @property
    def first(self) -> tuple[str, str]:
        """The chart to begin with. Raises CandleError where there is none."""
        for symbol, lengths in self.markets.items():
            if lengths:
                return symbol, "1h" if "1h" in lengths else lengths[0]
        raise CandleError("no candles to look at; `workbench candles fetch` or `import` brings some")

    def table(self, symbol: str, timeframe: str) -> pd.DataFrame:
        """The candle table, cut. Raises SymbolError where there is none of that market and length."""
        if timeframe not in self.markets.get(symbol, ()):
            known = ", ".join(f"{name} {' '.join(lengths)}" for name, lengths in list(self.markets.items())[:6])
            raise SymbolError(f"no {timeframe[:12]} candles of {symbol[:40]!r} here; there are {known or 'none'}")
        with self._lock:
            if (symbol, timeframe) not in self._tables:
                length = Timeframe.parse(timeframe)
                table = self._read(symbol, length)
                self._tables[symbol, timeframe] = (
                    table if self.until is None else closed_before(table, length, self.until)
                )
            return self._tables[symbol, timeframe]

    def log_closes(self, timeframe: str) -> dict[str, np.ndarray]:
        """Log closes of every market that has this bar length."""
        found = {}
        for symbol, lengths in self.markets.items():
            if timeframe in lengths:
                table = self.table(symbol, timeframe)
                if (symbol, timeframe) not in self._closes:
                    self._closes[symbol, timeframe] = np.log(table["close"].to_numpy())
                found[symbol] = self._closes[symbol, timeframe]
        return found

    def part(self, symbol: str, timeframe: str, around: datetime | None = None, most: int = SHOWN) -> Part:
        """`most` bars of a chart: the newest, or those around a moment."""
        table = self.table(symbol, timeframe)
        if table.empty:
            raise CandleError(f"no {timeframe} bar of {symbol} has closed by {self.until}; look at a later moment")
        end = len(table) if around is None else int(table.index.searchsorted(pd.Timestamp(around))) + most // 2
        end = min(max(end, most), len(table))
        begin = max(0, end - most)
        newest = table.index[-1].to_pydatetime()
        return Part(symbol, Timeframe.parse(timeframe), table.iloc[begin:end], begin, len(table) - end, newest)

    def rows(self, window: Window) -> tuple[pd.DataFrame, int, int]:
        """(table, first row, last row) of a window. Raises CandleError where it is no window of this chart."""
        table = self.table(window.symbol, window.timeframe.text)
        first, last = (int(table.index.searchsorted(pd.Timestamp(at))) for at in (window.first_at, window.last_at))
        on_bars = last < len(table) and table.index[first] == window.first_at and table.index[last] == window.last_at
        if not on_bars:
            raise CandleError(
                f"{window.symbol} {window.timeframe} has no bars from {window.first_at} to {window.last_at}"
            )
        count = last - first + 1
        if not FEWEST_BARS <= count <= MOST_BARS:
            raise CandleError(f"a window has {FEWEST_BARS} to {MOST_BARS} bars, this one has {count}; brush it again")
        return table, first, last

    def window_at(self, symbol: str, timeframe: str, last: int, bars: int) -> Window:
        """The window of so many bars that ends at row `last`."""
        index = self.table(symbol, timeframe).index
        first_at, last_at = index[last - bars + 1].to_pydatetime(), index[last].to_pydatetime()
        return Window(symbol, Timeframe.parse(timeframe), first_at, last_at)


def bars_of(table: pd.DataFrame) -> tuple[Bar, ...]:
    return tuple(tuple(row) for row in table[list(COLUMNS)].to_numpy().tolist())


def sample_charts(timeframes: Sequence[str] = ("30m", "1h", "4h", "1d"), until: datetime | None = None) -> LabCharts:
    """The candles inside the package."""
    source = Timeframe.parse(sample.TIMEFRAME)

    def read(symbol: str, timeframe: Timeframe) -> pd.DataFrame:
        table = sample.load(symbol)
        return table if timeframe == source else resample(table, source, timeframe)

    return LabCharts(read, dict.fromkeys(sample.SYMBOLS, timeframes), until, "the recorded sample")


def lake_charts(root: str | Path, until: datetime | None = None) -> LabCharts | None:
    """Everything the lake at `root` holds; None where it holds nothing. A market of two venues is the first one's."""
    if "://" not in str(root) and not Path(root).is_dir():
        return None
    lake = Lake(root)
    venues: dict[tuple[str, str], str] = {}
    markets: dict[str, list[str]] = {}
    for stored in lake.list():
        key = stored.series.symbol, stored.series.timeframe.text
        if key not in venues:
            venues[key] = stored.series.venue
            markets.setdefault(key[0], []).append(key[1])

    def read(symbol: str, timeframe: Timeframe) -> pd.DataFrame:
        return lake.read(venues[symbol, timeframe.text], symbol, timeframe)

    return LabCharts(read, markets, until, "the lake") if markets else None
