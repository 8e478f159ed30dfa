"""Closed bars of one symbol in arrays that grow: appending costs nothing, reading gives a candle table of its own."""

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX, empty_candles

_COLUMNS = pd.Index(list(COLUMNS))


class BarStore:
    """Keeps the newest `keep` bars (at least), in rising order."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._times = np.empty(1024, np.int64)
        self._values = np.empty((1024, len(COLUMNS)))
        self._size = 0
        self._table: pd.DataFrame | None = None

    def __len__(self) -> int:
        return self._size

    @property
    def last_ms(self) -> int | None:
        """Open time of the newest bar."""
        return int(self._times[self._size - 1]) if self._size else None

    def append(self, row: list[float]) -> None:
        """Add a bar newer than all before it."""
        if self._size == len(self._times):
            self._make_room()
        self._times[self._size] = row[0]
        self._values[self._size] = row[1:6]
        self._size += 1
        self._table = None

    def amend(self, row: list[float]) -> None:
        """Put right the bar that opened at row[0], if it is kept."""
        at = int(np.searchsorted(self._times[: self._size], int(row[0])))
        if at < self._size and self._times[at] == row[0]:
            self._values[at] = row[1:6]
            self._table = None

    def newest(self, count: int) -> list[list[float]]:
        """The newest `count` bars as rows [opened_ms, open, high, low, close, volume], rising."""
        first = max(0, self._size - min(count, self.keep))
        times, values = self._times[first : self._size].tolist(), self._values[first : self._size].tolist()
        return [[at, *row] for at, row in zip(times, values, strict=True)]

    def table(self) -> pd.DataFrame:
        """The bars as a candle table; a caller's change to it reaches nobody else."""
        if self._table is None:
            start = max(0, self._size - self.keep)
            index = pd.DatetimeIndex(self._times[start : self._size].view("datetime64[ms]").copy(), name=INDEX)
            values = self._values[start : self._size].copy()
            self._table = pd.DataFrame(values, index=index.tz_localize("UTC"), columns=_COLUMNS)
        return self._table.copy(deep=False) if self._size else empty_candles()

    def _make_room(self) -> None:
        kept = min(self._size, self.keep)
        capacity = max(len(self._times), 2 * kept)
        times, values = np.empty(capacity, np.int64), np.empty((capacity, len(COLUMNS)))
        times[:kept], values[:kept] = self._times[self._size - kept :], self._values[self._size - kept :]
        self._times, self._values, self._size = times, values, kept
