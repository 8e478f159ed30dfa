"""Many candles at once: the one table shape that rooms hand to each other.

A candle table is a DataFrame of *closed* bars: index `opened_at` (DatetimeIndex, UTC, millisecond unit, rising and
unique), columns open, high, low, close, volume (float64; prices in quote currency, volume in base currency). Missing
bars are missing rows, never filled.
"""

from datetime import datetime

import numpy as np
import pandas as pd

from workbench.domain.errors import CandleError
from workbench.domain.market import Candle, Timeframe

COLUMNS = ("open", "high", "low", "close", "volume")
INDEX = "opened_at"


def empty_candles() -> pd.DataFrame:
    """A candle table without rows."""
    index = pd.DatetimeIndex([], dtype="datetime64[ms, UTC]", name=INDEX)
    return pd.DataFrame({name: np.empty(0) for name in COLUMNS}, index=index)


def as_candles(frame: pd.DataFrame, name: str = "candles") -> pd.DataFrame:
    """Check `frame` and return it in the canonical shape (a copy only where something had to change).

    Raises CandleError naming `name` and the first row that breaks a rule: a missing column, a naive or unsorted or
    repeated time, a value that is NaN, infinite or not a candle.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise CandleError(f"{name}: column {missing[0]!r} is missing; a candle table has {', '.join(COLUMNS)}")
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise CandleError(f"{name}: the index must be UTC open times, got {type(frame.index).__name__} without a zone")
    index = frame.index.tz_convert("UTC").as_unit("ms").rename(INDEX)
    if not (index.is_monotonic_increasing and index.is_unique):
        at = index[1:][index[1:] <= index[:-1]][0]
        raise CandleError(f"{name}: open times must rise, but {at} comes twice or late; sort and drop duplicates first")
    table = frame.loc[:, list(COLUMNS)].astype(float).set_axis(index)
    _check_values(table, name)
    return table


def _check_values(table: pd.DataFrame, name: str) -> None:
    o, h, low, c, v = (table[column].to_numpy() for column in COLUMNS)
    good = (low > 0) & (low <= np.minimum(o, c)) & (h >= np.maximum(o, c)) & np.isfinite(h) & (v >= 0) & np.isfinite(v)
    if not good.all():
        at = int(np.argmin(good))
        raise CandleError(f"{name}: the bar of {table.index[at]} is not a candle: {table.iloc[at].to_dict()}")


def candle_at(table: pd.DataFrame, row: int, symbol: str, timeframe: Timeframe) -> Candle:
    """Row `row` of a candle table as a `Candle`."""
    return Candle(symbol, timeframe, table.index[row].to_pydatetime(), *map(float, table.iloc[row]))


def closed_before(table: pd.DataFrame, timeframe: Timeframe, moment: datetime) -> pd.DataFrame:
    """The bars that had closed at `moment` (UTC), which is all a decision at `moment` may see."""
    return table[: pd.Timestamp(moment) - timeframe.step]
