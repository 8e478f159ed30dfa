"""The lasting part of a lake: months of Parquet. Knows nothing of the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.market.lake_files import Files, LocalFiles, sweep
from workbench.market.lake_months import (
    Bars,
    from_parquet,
    joined,
    month_at,
    span_in_parquet,
    split_by_month,
    to_parquet,
)
from workbench.market.lake_paths import Series, month_of


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: bars that were new, that overruled another value, that stood there already."""

    new: int = 0
    replaced: int = 0
    same: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.new + other.new, self.replaced + other.replaced, self.same + other.same)


class Record:
    """Months of bars by series, in `files`."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def series(self) -> list[Series]:
        """Every series that has a month. Strangers' files are passed over."""
        folders = (folder for folder, names in self.files.walk() if any(map(month_of, names)))
        return [series for series in map(Series.of_folder, folders) if series is not None]

    def months(self, series: Series) -> list[str]:
        """'2024-01' …, rising."""
        return [month for month in map(month_of, self.files.names(series.folder)) if month]

    def month(self, series: Series, month: str) -> Bars:
        """One month's bars, none where it is not there. Raises CandleError where the file is damaged."""
        name = f"{series.folder}/{month}.parquet"
        data = self.files.get(name)
        return Bars.none() if data is None else from_parquet(data, f"{month} of {series} ({name})")

    def mark(self, series: Series, month: str) -> Any:
        """A JSON value that changes whenever the month does, None where there is none."""
        return self.files.mark(f"{series.folder}/{month}.parquet")

    def read(self, series: Series, since_ms: int | None, until_ms: int | None) -> Bars:
        """All bars of the months that touch [since, until)."""
        first = None if since_ms is None else month_at(since_ms)
        last = None if until_ms is None else month_at(until_ms - 1)
        wanted = [m for m in self.months(series) if (first is None or m >= first) and (last is None or m <= last)]
        return joined([self.month(series, month) for month in wanted])

    def spans(self, series: Series) -> list[tuple[int, int, int]]:
        """(rows, first, last open time in ms) of each month, from the footers alone."""
        found = []
        for month in self.months(series):
            name = f"{series.folder}/{month}.parquet"
            if (data := self.files.get(name)) is not None:
                found.append(span_in_parquet(data, f"{month} of {series} ({name})"))
        return found

    def write(self, series: Series, bars: Bars) -> Written:
        """Add bars, overruling what stood there; a month that would not change is not written."""
        done = Written()
        for month, fresh in split_by_month(bars).items():
            old = self.month(series, month)
            merged = old.overruled_by(fresh)
            told = _difference(old, fresh, len(merged) - len(old))
            if told.new or told.replaced:
                self.files.put(f"{series.folder}/{month}.parquet", memoryview(to_parquet(merged)))
            done += told
        return done

    def write_all(self, rows: Mapping[bytes, np.ndarray]) -> None:
        """Add the rows of a hot log, in the order they were kept."""
        for key, kept in rows.items():
            series = Series.of_key(key)
            if series is not None:
                opened, at = np.unique(kept["opened_ms"][::-1], return_index=True)
                self.write(series, Bars(opened, np.ascontiguousarray(kept["values"][::-1][at].T)))

    def sweep(self) -> None:
        """Remove what killed writers left half-written."""
        if isinstance(self.files, LocalFiles):
            sweep(self.files.root)


def _difference(old: Bars, fresh: Bars, new: int) -> Written:
    at = np.searchsorted(old.opened, fresh.opened)
    at[at == len(old)] = 0
    stood = old.opened[at] == fresh.opened if len(old) else np.zeros(len(fresh), bool)
    same = int((old.values[:, at[stood]] == fresh.values[:, stood]).all(axis=0).sum()) if stood.any() else 0
    return Written(new, int(stood.sum()) - same, same)
