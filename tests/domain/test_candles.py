"""Candle tables."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from workbench.domain.candles import as_candles, candle_at, closed_before, empty_candles
from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe

HOUR = Timeframe.parse("1h")


def table(n=4, **changes):
    index = pd.date_range("2024-01-01", periods=n, freq="1h", tz="UTC")
    columns = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 5.0} | changes
    return pd.DataFrame({name: np.full(n, value) for name, value in columns.items()}, index=index)


def test_a_good_table_becomes_canonical():
    candles = as_candles(table().tz_convert("Asia/Tokyo"))

    assert str(candles.index.dtype) == "datetime64[ms, UTC]"
    assert candles.index.name == "opened_at"
    assert as_candles(candles).equals(candles)
    assert as_candles(empty_candles()).empty


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (table().drop(columns="low"), "'low' is missing"),
        (table().tz_localize(None), "without a zone"),
        (table()[::-1], "must rise"),
        (pd.concat([table(2), table(2)]), "must rise"),
        (table(high=10.5), "not a candle"),
        (table(close=np.nan), "not a candle"),
        (table(volume=np.inf), "not a candle"),
        (table(low=0.0), "not a candle"),
    ],
)
def test_a_bad_table_is_refused_by_name(bad, said):
    with pytest.raises(CandleError, match=f"BTC.*{said}"):
        as_candles(bad, "BTC")


def test_only_closed_bars_are_seen():
    candles = as_candles(table())

    seen = closed_before(candles, HOUR, datetime(2024, 1, 1, 2, 59, tzinfo=UTC))

    assert len(seen) == 2
    assert len(closed_before(candles, HOUR, datetime(2024, 1, 1, 3, tzinfo=UTC))) == 3


def test_a_row_is_a_candle():
    assert candle_at(as_candles(table()), 1, "BTC/USD", HOUR).closed_at == datetime(2024, 1, 1, 2, tzinfo=UTC)
