"""Candles packed into the least Parquet that loses nothing: how the bundled sample is stored.

Prices are decimals of eight places kept as 64-bit integers (any Parquet reader shows them as decimals), which delta
coding squeezes; volumes keep their float64 bits, since the source carries float noise past the eighth place.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError

PRICES = COLUMNS[:4]
_SCALE = 1e8
_DECIMAL = pa.decimal64(18, 8)
_CODING = {INDEX: "DELTA_BINARY_PACKED", "volume": "BYTE_STREAM_SPLIT"} | dict.fromkeys(PRICES, "DELTA_BINARY_PACKED")


def write_packed(candles: pd.DataFrame, path: Path) -> None:
    """Write a candle table. Raises CandleError where a price has more than eight decimal places: never rounds."""
    columns = {INDEX: pa.array(candles.index.as_unit("ms").asi8, pa.int64()).view(pa.timestamp("ms", "UTC"))}
    for name in PRICES:
        columns[name] = pa.array(_whole(candles[name].to_numpy(), name, path)).view(_DECIMAL)
    columns["volume"] = pa.array(candles["volume"].to_numpy())
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        column_encoding=_CODING,
        store_decimal_as_integer=True,
    )


def read_packed(path: Path) -> pd.DataFrame:
    """Read what `write_packed` wrote: a candle table, every float the same bits as before."""
    table = pq.read_table(path)
    # Arrow's own decimal-to-float cast is off by an ulp for about one price in eight; the division is exact to rounding
    values = {name: _ints(table[name]) / _SCALE for name in PRICES} | {"volume": table["volume"].to_numpy()}
    index = pd.DatetimeIndex(table[INDEX].to_numpy()).tz_localize("UTC").rename(INDEX)
    return pd.DataFrame(values, index=index)


def value_hash(candles: pd.DataFrame) -> str:
    """SHA-256 over the times (int64 ms) and the five columns (float64), little endian: the same for any writer."""
    digest = hashlib.sha256(candles.index.as_unit("ms").asi8.astype("<i8").tobytes())
    for name in COLUMNS:
        digest.update(candles[name].to_numpy().astype("<f8").tobytes())
    return digest.hexdigest()


def _whole(values: np.ndarray, name: str, path: Path) -> np.ndarray:
    whole = np.rint(values * _SCALE).astype(np.int64)
    exact = whole / _SCALE == values
    if not exact.all():
        at = int(np.argmin(exact))
        raise CandleError(f"{path.name}: {name} {values[at]!r} in row {at} has more than eight decimal places")
    return whole


def _ints(column: pa.ChunkedArray) -> np.ndarray:
    return np.concatenate([chunk.view(pa.int64()).to_numpy() for chunk in column.chunks])
