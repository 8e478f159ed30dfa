"""Longer bars: only finished ones, honest about holes, the same whatever comes later."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_market as naive
from workbench.domain.candles import as_candles
from workbench.domain.errors import CandleError, TimeframeError, ValueRefused
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.timeframes import audit, coverage, gaps, resample, windows

HALF, HOUR, FOUR, DAY, WEEK = map(Timeframe.parse, ("30m", "1h", "4h", "1d", "1w"))
START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


@st.composite
def tables(draw):
    """Half-hour bars with holes, from a random start."""
    first = draw(st.integers(0, 400))
    present = draw(st.lists(st.booleans(), min_size=1, max_size=120))
    at = [START + timedelta(minutes=30 * (first + n)) for n, there in enumerate(present) if there]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    o, c = rng.uniform(50, 150, (2, len(at)))
    high, low = np.maximum(o, c) + rng.uniform(0, 5, len(at)), np.minimum(o, c) - rng.uniform(0, 5, len(at))
    columns = {"open": o, "high": high, "low": low, "close": c, "volume": rng.uniform(0, 9, len(at))}
    return as_candles(pd.DataFrame(columns, index=pd.DatetimeIndex(at, tz="UTC")))


def listed(candles):
    return [(t.to_pydatetime(), *row) for t, row in zip(candles.index, candles.to_numpy().tolist(), strict=True)]


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([HALF, HOUR, FOUR, DAY, WEEK]), st.none() | st.integers(0, 30_000))
def test_resampling_agrees_with_its_naive_twin(candles, target, minutes):
    until = None if minutes is None else START + timedelta(minutes=minutes)

    fast = listed(resample(candles, HALF, target, until))
    slow = naive.resample(listed(candles), HALF, target, until)

    assert [row[:5] for row in fast] == [row[:5] for row in slow]
    assert [row[5] for row in fast] == pytest.approx([row[5] for row in slow], rel=1e-12)


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([HOUR, FOUR, DAY, WEEK]), st.integers(0, 120), st.booleans())
def test_cutting_off_the_future_changes_no_past_value(candles, target, kept, whole):
    full = resample(candles, HALF, target, whole=whole)

    past = resample(candles[:kept], HALF, target, whole=whole)

    assert past.equals(full[: len(past)])


@settings(max_examples=100, deadline=None)
@given(tables(), st.sampled_from([HOUR, FOUR, DAY]), st.integers(0, 30_000))
def test_what_is_known_at_a_moment_does_not_depend_on_what_came_after(candles, target, minutes):
    until = START + timedelta(minutes=minutes)
    known = candles[candles.index + HALF.step <= until]

    assert resample(candles, HALF, target, until).equals(resample(known, HALF, target, until))


@settings(max_examples=100, deadline=None)
@given(tables(), st.sampled_from([HOUR, FOUR, DAY]))
def test_result_is_a_candle_table_and_coverage_tells_of_holes(candles, target):
    bars, share = resample(candles, HALF, target), coverage(candles, HALF, target)

    assert as_candles(bars).equals(bars)
    assert share.index.equals(bars.index)
    assert resample(candles, HALF, target, whole=True).equals(bars[share == 1])


def test_an_unfinished_bar_is_left_out():
    candles = sample.load("BTC/USD")[:3]  # 00:00, 00:30, 01:00

    assert len(resample(candles, HALF, HOUR)) == 1
    assert len(resample(candles, HALF, HOUR, START.replace(year=2017, month=10, hour=0, minute=59))) == 0


def test_two_steps_give_what_one_gives():
    candles = sample.load("XRP/USD")

    stepwise = resample(resample(candles, HALF, HOUR), HOUR, DAY)
    direct = resample(candles, HALF, DAY, stepwise.index[-1].to_pydatetime() + DAY.step)

    assert stepwise[["open", "high", "low", "close"]].equals(direct[["open", "high", "low", "close"]])
    np.testing.assert_allclose(stepwise["volume"], direct["volume"], rtol=1e-12)


def test_weeks_open_on_monday():
    assert (resample(sample.load("BTC/USD"), HALF, WEEK).index.day_of_week == 0).all()


@pytest.mark.parametrize(("source", "target"), [("1h", "30m"), ("30m", "45m"), ("1w", "10d"), ("2d", "1w")])
def test_lengths_that_do_not_fit_are_refused(source, target):
    with pytest.raises(TimeframeError, match=f"{target} bars cannot be made of {source} bars"):
        resample(sample.load("BTC/USD")[:2], Timeframe.parse(source), Timeframe.parse(target))


def test_bars_off_the_grid_are_refused():
    with pytest.raises(CandleError, match="no 1h bar opens at 2017-10-01 00:30"):
        resample(sample.load("BTC/USD")[:4], HOUR, DAY)


@settings(max_examples=100, deadline=None)
@given(tables())
def test_gaps_agree_with_their_naive_twin(candles):
    times = [moment.to_pydatetime() for moment in candles.index]

    found = gaps(candles, HALF)

    listed_gaps = [gap.first + n * HALF.step for gap in found for n in range(gap.bars)]
    assert listed_gaps == (naive.missing(times, HALF.step) if times else [])
    assert all(gap.last == gap.first + (gap.bars - 1) * HALF.step for gap in found)


def test_an_audit_names_repeats_and_strangers():
    times = pd.DatetimeIndex(["2024-01-01 01:00", "2024-01-01", "2024-01-01 01:00", "2024-01-01 01:07"], tz="UTC")

    found = audit(times, HALF)

    assert (found.rows, found.missing, found.clean) == (2, 1, False)
    assert found.duplicates == (datetime(2024, 1, 1, 1, tzinfo=UTC),)
    assert found.off_grid == (datetime(2024, 1, 1, 1, 7, tzinfo=UTC),)


def test_the_sample_lacks_what_its_provenance_says():
    assert sum(gap.bars for gap in gaps(sample.load("LTC/USD"), HALF)) == 52


FRAMES = (HALF, HOUR, FOUR, DAY)


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 30_000), st.integers(1, 6))
def test_windows_hold_only_what_had_closed_and_no_later_bar_changes_them(candles, minutes, bars):
    at = START + timedelta(minutes=minutes)
    later = candles.index > at - HALF.step
    rough = candles.assign(**{name: candles[name].where(~later, 1e6) for name in candles})

    found = windows(candles, HALF, FRAMES, at, bars)

    for frame, window in found.items():
        assert len(window) <= bars
        assert all(opened + frame.step <= at for opened in window.index)
        assert [row[0] for row in naive.resample(listed(candles), HALF, frame, at)][-bars:] == [*window.index]
        whole = resample(candles, HALF, frame, at)
        assert window.equals(whole.iloc[-bars:])
        assert window.equals(windows(rough, HALF, FRAMES, at, bars)[frame])
        assert window.equals(windows(candles[~later], HALF, FRAMES, at, bars)[frame])


def test_windows_of_several_lengths_are_one_call():
    candles = sample.load("BTC/USD")
    at = candles.index[5000].to_pydatetime() + timedelta(minutes=7)

    found = windows(candles, HALF, FRAMES, at, 24)

    assert {str(frame): len(table) for frame, table in found.items()} == {"30m": 24, "1h": 24, "4h": 24, "1d": 24}
    assert found[HALF].index[-1] == candles.index[4999]  # the bar that is still open at 7 minutes past is not there


def test_windows_refuse_what_they_cannot_make():
    with pytest.raises(TimeframeError, match="30m"):
        windows(sample.load("BTC/USD"), HALF, [Timeframe.parse("45m")], START, 3)
    with pytest.raises(ValueRefused, match="1 bar or more"):
        windows(sample.load("BTC/USD"), HALF, [HOUR], START, 0)
