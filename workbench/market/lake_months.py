"""One month of one series as a Parquet file, and bars as bare arrays between files and tables.

Bars: `opened` (n,) int64 ms, rising and unique; `values` (5, n) float64 in the order of COLUMNS.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError

_TIME = pa.timestamp("ms", "UTC")
_SCHEMA = pa.schema([(INDEX, _TIME), *((name, pa.float64()) for name in COLUMNS)])
_CODING = {INDEX: "DELTA_BINARY_PACKED"} | dict.fromkeys(COLUMNS, "BYTE_STREAM_SPLIT")
_NAMES = pd.Index(list(COLUMNS))


@dataclass(frozen=True, eq=False, slots=True)
class Bars:
    """Bars as arrays, see above."""

    opened: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.opened)

    @classmethod
    def of(cls, candles: pd.DataFrame) -> "Bars":
        """A candle table's bars."""
        return cls(candles.index.as_unit("ms").asi8, np.ascontiguousarray(candles[list(COLUMNS)].to_numpy().T))

    @classmethod
    def none(cls) -> "Bars":
        return cls(np.empty(0, np.int64), np.empty((len(COLUMNS), 0)))

    def table(self) -> pd.DataFrame:
        """As a candle table, without copying: the caller must not keep the arrays."""
        index = pd.DatetimeIndex(self.opened.view("datetime64[ms]"), name=INDEX).tz_localize("UTC")
        return pd.DataFrame(self.values.T, index=index, columns=_NAMES, copy=False)

    def between(self, since_ms: int | None, until_ms: int | None) -> "Bars":
        """Those that opened in [since, until)."""
        start = 0 if since_ms is None else int(np.searchsorted(self.opened, since_ms))
        end = len(self) if until_ms is None else int(np.searchsorted(self.opened, until_ms))
        return Bars(self.opened[start : max(start, end)], self.values[:, start : max(start, end)])

    def overruled_by(self, newer: "Bars") -> "Bars":
        """Both together; where both have a bar, `newer`'s."""
        if not len(newer) or not len(self):
            return newer if len(newer) else self
        if self.opened[-1] < newer.opened[0]:
            return joined([self, newer])
        kept = ~np.isin(self.opened, newer.opened, assume_unique=True)
        both = joined([Bars(self.opened[kept], self.values[:, kept]), newer])
        order = np.argsort(both.opened, kind="stable")
        return Bars(both.opened[order], both.values[:, order])


def joined(parts: list[Bars]) -> Bars:
    """Parts that follow each other, in one."""
    if len(parts) == 1:
        return parts[0]
    opened = np.concatenate([part.opened for part in parts]) if parts else np.empty(0, np.int64)
    values = np.empty((len(COLUMNS), len(opened)))
    at = 0
    for part in parts:
        values[:, at : at + len(part)] = part.values
        at += len(part)
    return Bars(opened, values)


def to_parquet(bars: Bars) -> pa.Buffer:
    """A Parquet file with a checksum on every page: rot is found, not read."""
    times = pa.array(np.ascontiguousarray(bars.opened)).view(_TIME)
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table([times, *(pa.array(np.ascontiguousarray(column)) for column in bars.values)], schema=_SCHEMA),
        sink,
        compression="lz4",
        use_dictionary=False,
        column_encoding=_CODING,
        write_statistics=[INDEX],
        write_page_checksum=True,
    )
    return sink.getvalue()


def from_parquet(data: pa.Buffer, name: str) -> Bars:
    """What `to_parquet` wrote. Raises CandleError where the file is damaged or not ours."""
    try:
        table = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read(use_threads=False)
        if not table.schema.equals(_SCHEMA):
            raise pa.ArrowInvalid(f"its columns are {', '.join(table.schema.names)}")
    except (pa.ArrowException, OSError) as error:
        why = " ".join(str(error).split())[:160]
        raise CandleError(f"{name} is damaged ({why}); move it away and fetch that month again") from error
    opened = np.concatenate([np.empty(0, np.int64), *(c.view(pa.int64()).to_numpy() for c in table[INDEX].chunks)])
    values = np.empty((len(COLUMNS), len(opened)))
    for column, row in zip(COLUMNS, values, strict=True):
        at = 0
        for chunk in table[column].chunks:
            row[at : at + len(chunk)] = chunk.to_numpy()
            at += len(chunk)
    return Bars(opened, values)


def span_in_parquet(data: pa.Buffer, name: str) -> tuple[int, int, int]:
    """(rows, first, last open time in ms) from the footer alone."""
    try:
        footer = pq.ParquetFile(pa.BufferReader(data)).metadata
        groups = [footer.row_group(n).column(0).statistics for n in range(footer.num_row_groups)]
        first, last = min(g.min for g in groups), max(g.max for g in groups)
        return footer.num_rows, *(int(pd.Timestamp(at).timestamp() * 1000) for at in (first, last))
    except (pa.ArrowException, OSError, AttributeError, ValueError) as error:
        raise CandleError(f"{name} is damaged ({error}); move it away and fetch that month again") from error


def split_by_month(bars: Bars) -> dict[str, Bars]:
    """'2024-01' → the bars that open in it (UTC)."""
    months = bars.opened.view("datetime64[ms]").astype("datetime64[M]")
    named, starts = np.unique(months, return_index=True)
    ends = [*starts[1:], len(bars)]
    return {
        str(month): Bars(bars.opened[a:b], bars.values[:, a:b]) for month, a, b in zip(named, starts, ends, strict=True)
    }


def month_start_ms(month: str) -> int:
    """First moment of '2024-01', UTC."""
    return int(datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC).timestamp() * 1000)


def month_after(month: str) -> str:
    """'2024-01' → '2024-02'."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def month_at(opened_ms: int) -> str:
    """The month that holds a moment, UTC."""
    return datetime.fromtimestamp(opened_ms / 1000, UTC).strftime("%Y-%m")
