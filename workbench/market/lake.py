"""Recorded candles: Parquet by venue, symbol, timeframe and month, a durable log for the newest bars, panels as cache.

root/candles/<venue>/<symbol>/<timeframe>/2024-01.parquet   the record; local, or anywhere fsspec reaches
root/hot/bars.log                                           newest bars, local only; merged into the record
root/cache/panels/                                          may be deleted at any time

Bars given to the lake must be closed. Reading merges log and record; a bar given later overrules an earlier one.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.domain.candles import as_candles, empty_candles
from workbench.domain.errors import CandleError
from workbench.domain.market import Candle, Timeframe
from workbench.market.hot_log import ROW, HotLog
from workbench.market.lake_files import files_at, locked
from workbench.market.lake_months import Bars
from workbench.market.lake_paths import Series
from workbench.market.lake_record import Record, Written
from workbench.market.panels import Panels
from workbench.market.timeframes import Audit, audit

HOT_LIMIT = 4 << 20  # bytes; about three hours of 200 one-minute symbols


@dataclass(frozen=True, slots=True)
class Stored:
    """A series in the lake. `first`, `last`: open times, UTC. `hot`: of the rows, those still in the log."""

    series: Series
    rows: int
    first: datetime
    last: datetime
    hot: int = 0


class Lake:
    """A lake at `root`: a folder, or a URL such as 's3://bucket/prefix' (then `local` names the folder for log and
    panels; without one there are none). Threads and processes may share a local lake; a remote one has one writer per
    series. Raises CandleError throughout."""

    def __init__(self, root: str | Path, local: str | Path | None = None) -> None:
        at = str(root).rstrip("/")
        self.record = Record(files_at(f"{at}/candles"))
        here = local if local is not None else (None if "://" in at else root)
        self._local = None if here is None else Path(here).expanduser()
        self._hot = None if self._local is None else HotLog(self._local / "hot" / "bars.log")
        self._panels = Panels(None if self._local is None else self._local / "cache" / "panels", self.record)

    def write(self, venue: str, symbol: str, timeframe: Timeframe | str, candles: pd.DataFrame) -> Written:
        """Record a candle table; durable when this returns. A month is replaced whole or not at all."""
        series = _series(venue, symbol, timeframe)
        bars = _checked(series, candles)
        with _writing(self._local):
            if self._hot is not None and series.key in self._hot.held():
                self._hot.drain(self.record.write_all)  # older than this, so it must not overrule it later
            return self.record.write(series, bars)

    def append(self, venue: str, symbol: str, timeframe: Timeframe | str, candles: pd.DataFrame) -> None:
        """Keep a table of the newest bars of one series; durable when this returns."""
        series = _series(venue, symbol, timeframe)
        bars = _checked(series, candles)
        rows = np.empty(len(bars), ROW)
        rows["opened_ms"], rows["values"] = bars.opened, bars.values.T
        self._keep({series.key: rows} if len(rows) else {})

    def append_candles(self, venue: str, candles: Iterable[Candle]) -> None:
        """Keep bars of any symbols and timeframes with one wait for the disk (about half a millisecond); durable when
        this returns. One that finds the log full merges it first, which takes seconds where it holds hundreds of
        series: call from a thread, or `merge` at quiet times."""
        rows: dict[bytes, list[Any]] = {}
        for bar in candles:
            series = _series(venue, bar.symbol, bar.timeframe.text)
            opened_ms = round(bar.opened_at.timestamp() * 1000)
            if (opened_ms - series.timeframe.anchor_s * 1000) % series.timeframe.milliseconds:
                raise CandleError(f"{series}: no {series.timeframe} bar opens at {bar.opened_at}")
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            rows.setdefault(series.key, []).append((opened_ms, values))
        self._keep({key: np.array(kept, ROW) for key, kept in rows.items()})

    def merge(self) -> None:
        """Move the log into the record. A kill at any point loses nothing."""
        if self._hot is not None:
            with _writing(self._local):
                self._hot.drain(self.record.write_all)
            self.record.sweep()

    def read(
        self,
        venue: str,
        symbol: str,
        timeframe: Timeframe | str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """The candle table of the bars that opened in [since, until) (UTC); empty where there are none."""
        series = _series(venue, symbol, timeframe)
        since_ms, until_ms = _ms(since), _ms(until)
        hot = _newest(self._hot, series)  # before the record: a merge in between shows bars twice, never not at all
        bars = self.record.read(series, since_ms, until_ms).overruled_by(hot).between(since_ms, until_ms)
        return bars.table() if len(bars) else empty_candles()

    def panel(
        self,
        venue: str,
        symbols: Iterable[str],
        timeframe: Timeframe | str,
        since: datetime | None = None,
        until: datetime | None = None,
        column: str = "close",
    ) -> pd.DataFrame:
        """One column of many symbols side by side, shape (n_bars, n_symbols), NaN where a bar is missing.

        The index holds every open time between the first and the last bar in [since, until). Months that are complete
        come memory-mapped from the cache, without a copy; a change to the result never reaches it.
        """
        all_series = [_series(venue, symbol, timeframe) for symbol in symbols]
        hot = {series: _newest(self._hot, series) for series in all_series}
        return self._panels.read(all_series, column, _ms(since), _ms(until), hot)

    def list(self) -> "list[Stored]":
        """Every series, by venue, symbol and timeframe."""
        known = {series for series in map(Series.of_key, self._hot.held() if self._hot is not None else ()) if series}
        return [self._stored(series) for series in sorted(known | set(self.record.series()))]

    def check(self, venue: str, symbol: str, timeframe: Timeframe | str) -> Audit:
        """What a series lacks. Reads every file with its checksums. Raises CandleError where one is damaged."""
        series = _series(venue, symbol, timeframe)
        hot = _newest(self._hot, series)
        bars = self.record.read(series, None, None).overruled_by(hot)
        if len(bars):
            as_candles(bars.table(), str(series))
        return audit(pd.DatetimeIndex(bars.opened.view("datetime64[ms]")).tz_localize(UTC), series.timeframe)

    def close(self) -> None:
        """Let go of open files; the lake stays usable."""
        if self._hot is not None:
            self._hot.close()

    def _keep(self, records: Mapping[bytes, np.ndarray]) -> None:
        if self._hot is None:
            raise CandleError("a remote lake keeps no log of newest bars; give Lake(..., local=folder), or use write")
        if self._hot.size > HOT_LIMIT:
            self.merge()
        if records:
            self._hot.append(records)

    def _stored(self, series: Series) -> Stored:
        hot, spans = _newest(self._hot, series), self.record.spans(series)
        newer = hot.between(max((last for _, _, last in spans), default=-1) + 1, None)
        times = [at for _, *ends in spans for at in ends] + [int(at) for at in newer.opened[[0, -1][: len(newer)]]]
        first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in (min(times), max(times)))
        return Stored(series, sum(rows for rows, _, _ in spans) + len(newer), first, last, len(hot))


def _newest(hot: HotLog | None, series: Series) -> Bars:
    """A series' bars in the log; the later of two rows for one bar counts."""
    if hot is None:
        return Bars.none()
    rows = hot.rows(series.key)[::-1]
    opened, at = np.unique(rows["opened_ms"], return_index=True)
    return Bars(opened, np.ascontiguousarray(rows["values"][at].T))


@contextmanager
def _writing(local: Path | None) -> Iterator[None]:
    if local is None:
        yield
        return
    with locked(local / "hot" / "write.lock"):
        yield


@lru_cache(maxsize=4096)
def _series(venue: str, symbol: str, timeframe: Timeframe | str) -> Series:
    return Series(venue, symbol, Timeframe.parse(str(timeframe)))


def _checked(series: Series, candles: pd.DataFrame) -> Bars:
    bars = Bars.of(as_candles(candles, str(series)))
    off = (bars.opened - series.timeframe.anchor_s * 1000) % series.timeframe.milliseconds != 0
    if off.any():
        raise CandleError(f"{series}: no {series.timeframe} bar opens at {candles.index[int(np.argmax(off))]}")
    return bars


def _ms(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise CandleError(f"{moment} has no zone; candle times are UTC")
    return int(pd.Timestamp(moment).timestamp() * 1000)
