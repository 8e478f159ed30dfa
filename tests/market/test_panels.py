"""Panels: many symbols on one grid, the same with the cache and without, never out of date."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.lake import Lake
from workbench.market.timeframes import resample

HALF = Timeframe.parse("30m")
SYMBOLS = ("BTC/USD", "LTC/USD", "EOS/USD")


def by_pandas(tables, symbols, column="close"):
    """The slow and obvious panel: outer join on the grid between the first and the last bar."""
    columns = [tables[symbol][column] for symbol in symbols]
    first, last = min(c.index[0] for c in columns), max(c.index[-1] for c in columns)
    grid = pd.date_range(first, last, freq="30min").as_unit("ms").rename("opened_at")
    return pd.DataFrame({symbol: c.reindex(grid) for symbol, c in zip(symbols, columns, strict=True)})


@pytest.fixture
def tables():
    ends = {"BTC/USD": 12_000, "LTC/USD": 9_000, "EOS/USD": 11_990}
    return {symbol: sample.load(symbol)[500 * n : ends[symbol]] for n, symbol in enumerate(SYMBOLS)}


@pytest.fixture
def lake(tmp_path, tables):
    lake = Lake(tmp_path)
    for symbol, candles in tables.items():
        lake.write("v", symbol, HALF, candles)
    return lake


def same(panel, expected):
    pd.testing.assert_frame_equal(panel, expected, check_freq=False, check_column_type=False)


@pytest.mark.parametrize("column", ["close", "volume"])
def test_a_panel_agrees_with_its_slow_twin_before_and_after_caching(lake, tables, column):
    expected = by_pandas(tables, SYMBOLS, column)

    same(lake.panel("v", SYMBOLS, HALF, column=column), expected)
    same(lake.panel("v", SYMBOLS, HALF, column=column), expected)
    assert expected.isna().any().any()


def test_any_stretch_is_that_stretch(lake, tables):
    expected = by_pandas(tables, SYMBOLS)
    lake.panel("v", SYMBOLS, HALF)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(-100, 13_000), st.integers(0, 13_000))
    def holds(start, length):
        since = pd.Timestamp("2017-10-01", tz="UTC") + start * HALF.step
        until = since + length * HALF.step
        panel = lake.panel("v", SYMBOLS, HALF, since.to_pydatetime(), until.to_pydatetime())
        stretch = expected[(expected.index >= since) & (expected.index < until)]
        there = np.flatnonzero(stretch.notna().any(axis=1))
        same(panel, stretch.iloc[there[0] : there[-1] + 1] if len(there) else stretch[:0])

    holds()


def test_a_change_to_an_old_month_is_seen(lake, tables):
    lake.panel("v", SYMBOLS, HALF)
    corrected = tables["LTC/USD"][1000:1001].assign(volume=1.0)
    corrected["close"] = corrected["open"]

    lake.write("v", "LTC/USD", HALF, corrected)

    tables["LTC/USD"].loc[corrected.index[0], ["close", "volume"]] = corrected[["close", "volume"]].iloc[0]
    same(lake.panel("v", SYMBOLS, HALF), by_pandas(tables, SYMBOLS))


def test_months_that_came_before_and_after_are_seen(tmp_path):
    lake, whole = Lake(tmp_path), {symbol: sample.load(symbol)[:9000] for symbol in SYMBOLS}
    for part in (slice(3000, 6000), slice(0, 3000), slice(6000, 9000)):
        for symbol in SYMBOLS:
            lake.write("v", symbol, HALF, whole[symbol][part])
        lake.panel("v", SYMBOLS, HALF)

    same(lake.panel("v", SYMBOLS, HALF), by_pandas(whole, SYMBOLS))


def test_the_log_is_seen_on_top_of_the_cache(lake, tables):
    lake.panel("v", SYMBOLS, HALF)
    fresh = sample.load("BTC/USD")[12_000:12_100]

    lake.append("v", "BTC/USD", HALF, fresh)
    lake.append("v", "EOS/USD", HALF, tables["EOS/USD"][700:701].assign(volume=0.0))
    tables["BTC/USD"] = pd.concat([tables["BTC/USD"], fresh])

    same(lake.panel("v", SYMBOLS, HALF), by_pandas(tables, SYMBOLS))


def test_a_readers_change_stays_private(lake, tables):
    lake.panel("v", SYMBOLS, HALF)
    until = datetime(2018, 3, 1, tzinfo=UTC)

    mine = lake.panel("v", SYMBOLS, HALF, until=until)
    mine.iloc[1000:, :] = 0.0
    mine.to_numpy()  # pandas hands out read-only views of its data

    expected = by_pandas(tables, SYMBOLS)
    same(lake.panel("v", SYMBOLS, HALF, until=until), expected[expected.index < until])


def test_complete_months_come_memory_mapped(lake):
    until = datetime(2018, 3, 1, tzinfo=UTC)
    lake.panel("v", SYMBOLS, HALF, until=until)

    values = lake.panel("v", SYMBOLS, HALF, until=until).to_numpy()

    while values.base is not None and not isinstance(values, np.memmap):
        values = values.base
    assert isinstance(values, np.memmap)


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"0000000000000009{}", None])
def test_a_cache_that_is_not_ours_is_made_anew(lake, tables, tmp_path, damage):
    lake.panel("v", SYMBOLS, HALF)
    (cache,) = (tmp_path / "cache/panels").glob("*.panel")

    cache.unlink() if damage is None else cache.write_bytes(damage)

    same(lake.panel("v", SYMBOLS, HALF), by_pandas(tables, SYMBOLS))


def test_only_the_sets_used_last_stay_cached(lake, tmp_path):
    for n in range(1, len(SYMBOLS) + 1):
        for column in ("close", "volume"):
            lake.panel("v", SYMBOLS[:n], HALF, column=column)

    assert len(list((tmp_path / "cache/panels").iterdir())) == 4


def test_weeks_that_straddle_months_have_their_place(tmp_path, tables):
    lake, week = Lake(tmp_path), Timeframe.parse("1w")
    weekly = {symbol: resample(sample.load(symbol), HALF, week) for symbol in SYMBOLS}
    for symbol, candles in weekly.items():
        lake.write("v", symbol, week, candles)

    panel = lake.panel("v", SYMBOLS, week)

    assert panel.index.equals(weekly["BTC/USD"].index)
    for symbol in SYMBOLS:
        assert panel[symbol].tolist() == weekly[symbol]["close"].tolist()


def test_wrong_requests_are_refused(lake):
    assert lake.panel("nobody", SYMBOLS, HALF).shape == (0, 3)
    with pytest.raises(CandleError, match="no column 'price'"):
        lake.panel("v", SYMBOLS, HALF, column="price")
    with pytest.raises(CandleError, match="each once"):
        lake.panel("v", ["BTC/USD", "BTC/USD"], HALF)


def test_an_object_store_gives_the_same_panel(tables, tmp_path):
    lake = Lake(f"memory://panel{tmp_path.name}")
    for symbol, candles in tables.items():
        lake.write("v", symbol, HALF, candles)

    same(lake.panel("v", SYMBOLS, HALF), by_pandas(tables, SYMBOLS))
