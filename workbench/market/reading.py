"""Files of other programs as raw columns: CSV, Parquet, feather, Freqtrade's JSON. Finds columns, judges no candle."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from workbench.domain.candles import COLUMNS
from workbench.domain.errors import CandleError

_TIMES = ("opened_at", "date", "datetime", "time", "timestamp", "ts", "open_time", "opentime", "unix")
_SHORT = dict(zip("ohlcv", COLUMNS, strict=True))
_EPOCHS = ((1e11, "s"), (1e14, "ms"), (1e17, "us"), (float("inf"), "ns"))  # up to the year 5138 in each unit


@dataclass(frozen=True, eq=False, slots=True)
class RawTable:
    """A file's rows. `frame`: columns opened_ms (int64), the five of COLUMNS (float64) and, in files of many markets,
    symbol. `first_row`: number of its first row as a person counts in that file. `notes`: what was assumed."""

    frame: pd.DataFrame
    first_row: int
    notes: tuple[str, ...] = ()


def read_raw(path: Path) -> RawTable:
    """Read a file by its ending: .csv, .csv.gz, .parquet, .feather, .json, .json.gz. Raises CandleError naming file,
    row and value."""
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            frame, first_row = _csv(path)
        elif name.endswith((".parquet", ".feather")):
            frame = pd.read_parquet(path) if name.endswith(".parquet") else pd.read_feather(path)
            frame, first_row = _with_index(frame), 0
        elif name.endswith((".json", ".json.gz")):
            frame, first_row = _json(path), 0
        else:
            raise CandleError(f"{path}: cannot tell its kind; .csv, .parquet, .feather and .json are read, also .gz")
    except FileNotFoundError as error:
        raise CandleError(f"{path}: there is no such file") from error
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        raise CandleError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    return _columns(frame, path, first_row)


def _csv(path: Path) -> tuple[pd.DataFrame, int]:
    with (
        gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else open(path, encoding="utf-8-sig")
    ) as file:
        head = file.readline()
    bare = re.fullmatch(r"[\d.eE+,;\s-]+", head) is not None
    if not bare:
        return pd.read_csv(path, sep=None if ";" in head else ",", engine="python" if ";" in head else "c"), 2
    frame = pd.read_csv(path, header=None)  # no names: time, open, high, low, close, volume, as exchanges' dumps have
    if frame.shape[1] < 6:
        raise CandleError(f"{path} has no header and {frame.shape[1]} columns; time, open, high, low, close, volume")
    return frame.iloc[:, :6].set_axis(["time", *COLUMNS], axis=1), 1


def _json(path: Path) -> pd.DataFrame:
    data = path.read_bytes()
    rows = orjson.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    if not isinstance(rows, list):
        raise CandleError(f"{path}: a list of rows [time, open, high, low, close, volume] is read, not an object")
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) < 6:
            raise CandleError(f"{path}, row {at}: {str(row)[:80]} is not [time, open, high, low, close, volume]")
    return pd.DataFrame([row[:6] for row in rows], columns=["date", *COLUMNS])


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index() if isinstance(frame.index, pd.DatetimeIndex) else frame


def _columns(frame: pd.DataFrame, path: Path, first_row: int) -> RawTable:
    plain = {str(name).lower().split(".")[-1].strip().replace(" ", "_"): name for name in frame.columns}
    plain = {_SHORT.get(short, short): name for short, name in plain.items()}
    time = next((plain[name] for name in _TIMES if name in plain), None)
    missing = [name for name in COLUMNS if name not in plain]
    if time is None or missing:
        wanted = "a time column (" + ", ".join(_TIMES[:6]) + " …)" if time is None else f"column {missing[0]!r}"
        raise CandleError(f"{path}: {wanted} is missing; it has {', '.join(map(str, frame.columns))}")
    if not len(frame):
        raise CandleError(f"{path} holds no candles")
    opened, notes = _times(frame[time], path, first_row)
    table = {"opened_ms": opened} | {c: _numbers(frame[plain[c]], c, path, first_row) for c in COLUMNS}
    market = next((plain[name] for name in ("symbol", "pair", "market") if name in plain), None)
    if market is not None:
        table["symbol"] = frame[market].astype(str).astype("category")
    return RawTable(pd.DataFrame(table), first_row, notes)


def _numbers(column: pd.Series, name: str, path: Path, first_row: int) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~np.isfinite(numbers)
    if bad.any():
        at = int(np.argmax(bad))
        value = "empty" if pd.isna(column.iloc[at]) else repr(column.iloc[at])
        raise CandleError(f"{path}, row {first_row + at}: {name} is {value}, not a finite number")
    return numbers


def _times(column: pd.Series, path: Path, first_row: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Open times in ms. Numbers count from the epoch in the unit their size tells; text without a zone is UTC."""
    if pd.api.types.is_numeric_dtype(column):
        return _epochs(column, path, first_row)
    found = column
    if not pd.api.types.is_datetime64_any_dtype(column):
        found = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    if found.isna().any():
        at = int(np.argmax(found.isna().to_numpy()))
        raise CandleError(f"{path}, row {first_row + at}: {column.iloc[at]!r} is not a time")
    if found.dt.tz is None:
        return pd.DatetimeIndex(found).as_unit("ms").asi8, ("its times carry no zone and were taken as UTC",)
    bare = column is not found and not column.astype(str).str.contains(r"(?:Z|[+-]\d\d:?\d\d)\s*$").iloc[0]
    notes = ("its times carry no zone and were taken as UTC",) if bare else ()
    return pd.DatetimeIndex(found).tz_convert("UTC").as_unit("ms").asi8, notes


def _epochs(column: pd.Series, path: Path, first_row: int) -> tuple[np.ndarray, tuple[str, ...]]:
    numbers = _numbers(column, "time", path, first_row)
    units = [next(unit for limit, unit in _EPOCHS if abs(at) < limit) for at in (numbers.min(), numbers.max())]
    if units[0] != units[1]:
        raise CandleError(
            f"{path}: its times are in {units[0]} and in {units[1]}; split the file where the unit changes"
        )
    whole = column.to_numpy(dtype=np.int64) if pd.api.types.is_integer_dtype(column) else numbers.astype(np.int64)
    factor = {"s": 1000, "ms": 1}.get(units[0])
    return (whole * factor if factor else whole // {"us": 1000, "ns": 1_000_000}[units[0]]), ()
