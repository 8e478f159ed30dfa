"""One column of many symbols on one time grid, from a memory-mapped cache that knows when it is out of date.

A cache file holds consecutive months of one set of symbols as rows of a C-ordered float64 matrix, NaN where a bar is
missing, and in its head the mark of every month file it was made from; a mark that differs means that month is read
again. The newest month of a set still grows and is never cached. Files appear whole (temporary name, rename), readers
of an old one keep it, and a reader's changes stay private to it.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe
from workbench.market.lake_files import make_folder
from workbench.market.lake_months import Bars, month_after, month_at, month_start_ms
from workbench.market.lake_paths import Series
from workbench.market.lake_record import Record

_PAGE = 4096
_KEPT = 4  # cache files; the ones used last
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Grid:
    """The open times of a bar length, counted from the anchor."""

    timeframe: Timeframe

    def first_row(self, at_ms: int) -> int:
        """Number of the first bar that opens at or after a moment."""
        return -((self.timeframe.anchor_s * 1000 - at_ms) // self.timeframe.milliseconds)

    def rows(self, opened_ms: np.ndarray) -> np.ndarray:
        return (opened_ms - self.timeframe.anchor_s * 1000) // self.timeframe.milliseconds

    def index(self, start: int, end: int) -> pd.DatetimeIndex:
        opened = np.arange(start, end, dtype=np.int64) * self.timeframe.milliseconds + self.timeframe.anchor_s * 1000
        return pd.DatetimeIndex(opened.view("datetime64[ms]"), name=INDEX).tz_localize("UTC")

    def span(self, month: str) -> tuple[int, int]:
        return self.first_row(month_start_ms(month)), self.first_row(month_start_ms(month_after(month)))


class Panels:
    """Panels from `record`, cached in `folder` (None: not at all)."""

    def __init__(self, folder: Path | None, record: Record) -> None:
        self.folder, self.record = folder, record

    def read(
        self,
        series: Sequence[Series],
        column: str,
        since_ms: int | None,
        until_ms: int | None,
        hot: Mapping[Series, Bars],
    ) -> pd.DataFrame:
        """See `Lake.panel`. `hot`: bars that overrule the record."""
        if column not in COLUMNS:
            raise CandleError(f"candles have no column {column!r}; they have {', '.join(COLUMNS)}")
        if len(set(series)) < len(series) or not series:
            raise CandleError("a panel needs at least one symbol, each once")
        grid, names = _Grid(series[0].timeframe), [one.symbol for one in series]
        recorded, months = self._months(series, since_ms, until_ms, hot)
        if not months:
            return pd.DataFrame(np.empty((0, len(series))), index=grid.index(0, 0), columns=names)
        start = grid.span(months[0])[0]
        values = self._values(series, column, recorded, months)
        self._overlay(values, start, series, column, hot)
        low = start if since_ms is None else max(start, grid.first_row(since_ms))
        high = start + len(values) if until_ms is None else min(start + len(values), grid.first_row(until_ms))
        low, high = _trimmed(values, start, low, max(low, high))
        return pd.DataFrame(values[low - start : high - start], index=grid.index(low, high), columns=names, copy=False)

    def _months(
        self, series: Sequence[Series], since_ms: int | None, until_ms: int | None, hot: Mapping[Series, Bars]
    ) -> tuple[list[str], list[str]]:
        """Recorded months of any symbol, and all consecutive months the answer spans."""
        recorded = sorted({month for one in series for month in self.record.months(one)})
        newer = [month_at(int(at)) for one in series for at in hot[one].opened[[0, -1][: len(hot[one])]]]
        known = sorted({*recorded, *newer})
        if not known:
            return [], []
        first = max(known[0], month_at(since_ms) if since_ms is not None else known[0])
        last = min(known[-1], month_at(until_ms - 1) if until_ms is not None else known[-1])
        spanned = []
        while first <= last:
            spanned.append(first)
            first = month_after(first)
        return recorded, spanned

    def _values(self, series: Sequence[Series], column: str, recorded: list[str], months: list[str]) -> np.ndarray:
        settled = [month for month in months if recorded and month < recorded[-1]] if self.folder else []
        fresh = [self._block(series, column, month) for month in months[len(settled) :]]
        if not settled:
            return np.concatenate(fresh)
        cached = self._cached(series, column, settled)
        return np.concatenate([cached, *fresh]) if fresh else cached

    def _block(self, series: Sequence[Series], column: str, month: str) -> np.ndarray:
        """One month of the grid, read from the record."""
        grid = _Grid(series[0].timeframe)
        start, end = grid.span(month)
        block, at = np.full((end - start, len(series)), np.nan), COLUMNS.index(column)
        for n, one in enumerate(series):
            bars = self.record.month(one, month)
            block[grid.rows(bars.opened) - start, n] = bars.values[at]
        return block

    def _overlay(
        self, values: np.ndarray, start: int, series: Sequence[Series], column: str, hot: Mapping[Series, Bars]
    ) -> None:
        grid, at = _Grid(series[0].timeframe), COLUMNS.index(column)
        for n, one in enumerate(series):
            rows = grid.rows(hot[one].opened) - start
            inside = (rows >= 0) & (rows < len(values))
            values[rows[inside], n] = hot[one].values[at][inside]

    def _cached(self, series: Sequence[Series], column: str, months: list[str]) -> np.ndarray:
        """Rows of `months` from the cache, which is made or mended first where it must be."""
        assert self.folder is not None
        path = self.folder / f"{_name(series, column)}.panel"
        marks = {month: [self.record.mark(one, month) for one in series] for month in months}
        for _ in range(3):  # another process may put another file there between our writing and our opening
            with suppress(FileNotFoundError), _Held(path, series) as held:
                if all(held.months.get(month) == marks[month] for month in months):
                    os.utime(path)
                    return held.rows(months[0], months[-1])
            self._rebuild(path, series, column, marks)
        return np.concatenate([self._block(series, column, month) for month in months])

    def _rebuild(self, path: Path, series: Sequence[Series], column: str, marks: dict[str, list[Any]]) -> None:
        """Write the cache anew for all months from the first to the last that it held or that are wanted."""
        make_folder(path.parent)
        temporary = path.with_name(f".tmp-{secrets.token_hex(6)}")
        with _Held(path, series) if path.exists() else nullcontext() as held:
            old = held.months if held else {}
            every, last = [min([*old, *marks])], max([*old, *marks])
            while every[-1] < last:
                every.append(month_after(every[-1]))
            head = {m: marks[m] if m in marks else [self.record.mark(one, m) for one in series] for m in every}
            try:
                with open(temporary, "wb") as file:
                    _write_head(file, head)
                    for month in every:
                        kept = held is not None and old.get(month) == head[month]
                        rows = held.rows(month, month) if held and kept else self._block(series, column, month)
                        file.write(np.ascontiguousarray(rows).data)
                    file.flush()
                    os.fsync(file.fileno())  # a head that outlives its body in a power cut would vouch for garbage
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        self._forget_old()

    def _forget_old(self) -> None:
        assert self.folder is not None
        by_use = sorted(self.folder.glob("*.panel"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_use[_KEPT:]:
            path.unlink(missing_ok=True)


class _Held:
    """An open cache file: what it holds stays readable though another takes its name. Raises FileNotFoundError."""

    def __init__(self, path: Path, series: Sequence[Series]) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed in __exit__
        self._width, self._grid = len(series), _Grid(series[0].timeframe)
        self.months: dict[str, Any] = {}
        with suppress(ValueError, KeyError, TypeError):  # whatever is not ours is made anew
            length = int(self._file.read(16))
            told = json.loads(self._file.read(length))
            if told["format"] == _FORMAT:
                self.months, self._offset = told["months"], _body_at(length)

    def rows(self, first: str, last: str) -> np.ndarray:
        """The rows of the months from `first` to `last`, memory-mapped; changes to them stay private."""
        begin, start, end = (self._grid.span(min(self.months))[0], self._grid.span(first)[0], self._grid.span(last)[1])
        place = self._offset + (start - begin) * self._width * 8
        return np.memmap(self._file, np.float64, "c", place, (end - start, self._width))

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _write_head(file: BinaryIO, months: dict[str, Any]) -> None:
    text = json.dumps({"format": _FORMAT, "months": months}).encode()
    file.write(f"{len(text):016}".encode() + text)
    file.seek(_body_at(len(text)))


def _body_at(length: int) -> int:
    return -(-(16 + length) // _PAGE) * _PAGE


def _name(series: Sequence[Series], column: str) -> str:
    text = json.dumps([column, *(one.folder for one in series)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _trimmed(values: np.ndarray, start: int, low: int, high: int) -> tuple[int, int]:
    """[low, high) without the leading and trailing rows that hold no bar at all."""
    rows = np.asarray(values)[low - start : high - start]
    ahead = _empty_rows(rows)
    return low + ahead, high - (_empty_rows(rows[::-1]) if ahead < len(rows) else 0)


def _empty_rows(rows: np.ndarray, block: int = 1024) -> int:
    """How many rows, from the first on, are NaN throughout."""
    for at in range(0, len(rows), block):
        held = np.flatnonzero(~np.isnan(rows[at : at + block]).all(axis=1))
        if len(held):
            return at + int(held[0])
    return len(rows)
