"""What is left out of a picture hides no high and no low."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.domain.candles import INDEX
from workbench.domain.market import Timeframe
from workbench.visual.decimation import in_sight, kept, merged

MINUTE = Timeframe.parse("1m")


def candles(closes, minutes):
    index = pd.DatetimeIndex(np.asarray(minutes, dtype="int64") * 60_000, dtype="datetime64[ms]", name=INDEX)
    close = np.asarray(closes, dtype=float)
    table = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": close}
    return pd.DataFrame(table, index=index.tz_localize("UTC"))


walks = st.integers(1, 300).flatmap(
    lambda n: st.tuples(
        arrays(float, n, elements=st.floats(1, 1e6)),
        st.lists(st.integers(1, 40), min_size=n, max_size=n).map(np.cumsum),
        st.integers(2, 60),
    )
)


@given(walks)
def test_merged_candles_keep_every_extreme_the_ends_and_the_volume(walk):
    closes, minutes, most = walk
    table = candles(closes, minutes)

    fewer, count = merged(table, MINUTE, most)

    assert len(fewer) <= max(most, 1)
    holder = fewer.index.searchsorted(table.index, side="right") - 1
    groups = table.groupby(holder)
    np.testing.assert_array_equal(fewer["high"], groups["high"].max())
    np.testing.assert_array_equal(fewer["low"], groups["low"].min())
    np.testing.assert_array_equal(fewer["open"], groups["open"].first())
    np.testing.assert_array_equal(fewer["close"], groups["close"].last())
    np.testing.assert_allclose(fewer["volume"].sum(), table["volume"].sum())
    assert (table.index - fewer.index[holder] < pd.Timedelta(minutes=count)).all()


lines = st.integers(1, 400).flatmap(lambda n: arrays(float, n, elements=st.floats(-1e6, 1e6) | st.just(np.nan)))


@given(lines, st.integers(4, 80))
def test_a_thinned_line_keeps_first_last_least_and_greatest_of_each_bucket(values, most):
    rows = kept(values, most)

    assert len(rows) <= max(4, most)
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert rows[-1] == len(values) - 1
    if len(rows) < len(values):
        edges = np.linspace(0, len(values), most // 4 + 1).astype(int)
        for begin, end in pairwise(edges):
            whole, left = values[begin:end], values[[row for row in rows if begin <= row < end]]
            assert {begin, end - 1} <= set(rows)
            for extreme in (np.fmin, np.fmax):
                np.testing.assert_array_equal(extreme.reduce(left), extreme.reduce(whole))


def test_a_million_bars_become_a_screenful():
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, 1_000_000)))

    fewer, count = merged(candles(closes, np.arange(1_000_000)), MINUTE, 400)

    assert 300 < len(fewer) <= 400
    assert count == 2507
    assert fewer["high"].max() == closes.max() * 1.01


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2500), st.integers(1, 2500), st.integers(5, 400))
def test_what_is_in_sight_is_merged_whole_and_the_same_wherever_one_looks_from(first, length, most):
    rng = np.random.default_rng(first)
    minutes = np.flatnonzero(rng.random(4000) < 0.8)[:3000]  # some bars do not exist
    table = candles(100 + np.cumsum(rng.normal(0, 0.01, len(minutes))), minutes)
    ends = table.index[min(first, 2999)], table.index[min(first + length, 2999)]
    since, until = (moment.timestamp() * 1000 for moment in ends)

    shown, count = in_sight(table, MINUTE, since, until, most)

    between = shown[(shown.index >= ends[0]) & (shown.index < ends[1])]
    assert len(between) <= most
    span = count * MINUTE.step
    for opened, row in shown.iloc[:: max(1, len(shown) // 7)].iterrows():
        bars = table[(table.index >= opened) & (table.index < opened + span)]
        assert (row["high"], row["low"]) == (bars["high"].max(), bars["low"].min())
        assert (row["open"], row["close"]) == (bars["open"].iloc[0], bars["close"].iloc[-1])
        assert row["volume"] == pytest.approx(bars["volume"].sum())
