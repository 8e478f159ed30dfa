"""Days, weeks and months of a clock on the wall: nothing lost, nothing twice, also when the clock is changed."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import naive_trades as naive
from workbench.quant.trade_periods import Unit, by_period, first_day

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"]
BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2018, 2, 20), datetime(2018, 11, 30)).map(lambda at: at.replace(tzinfo=UTC))
trades = st.lists(st.tuples(moments, st.floats(-1e6, 1e6)), max_size=40)
zones = st.sampled_from(ZONES).map(ZoneInfo)


@given(trades, zones)
def test_days_agree_with_the_calendar_asked_day_by_day(told, zone):
    closed, profits = [at for at, _ in told], [gain for _, gain in told]

    found = by_period(closed, profits, zone, Unit.DAY)
    slow = naive.by_day(closed, profits, zone)

    assert [(period.first_day, period.trades) for period in found] == [(day, count) for day, _, count in slow]
    for period, (_, profit, _) in zip(found, slow, strict=True):
        assert math.isclose(period.profit, profit, rel_tol=1e-9, abs_tol=1e-6)


@given(trades, zones, st.sampled_from(Unit))
def test_every_way_of_cutting_time_sums_to_the_same(told, zone, unit):
    closed, profits = [at for at, _ in told], [gain for _, gain in told]

    periods = by_period(closed, profits, zone, unit)

    assert sum(period.trades for period in periods) == len(told)
    assert sum(period.wins for period in periods) == sum(gain > 0 for gain in profits)
    assert math.isclose(math.fsum(period.profit for period in periods), math.fsum(profits), rel_tol=1e-9, abs_tol=1e-6)


@given(trades, zones)
def test_weeks_and_months_are_made_of_their_days(told, zone):
    closed, profits = [at for at, _ in told], [gain for _, gain in told]
    days = by_period(closed, profits, zone, Unit.DAY)

    for unit in (Unit.WEEK, Unit.MONTH):
        for period in by_period(closed, profits, zone, unit):
            own = [day for day in days if first_day(day.first_day, unit) == period.first_day]
            assert period.trades == sum(day.trades for day in own)
            assert math.isclose(period.profit, math.fsum(day.profit for day in own), rel_tol=1e-9, abs_tol=1e-6)


@pytest.mark.parametrize(("day", "hours"), [(date(2018, 3, 25), 23), (date(2018, 10, 28), 25), (date(2018, 6, 1), 24)])
def test_the_day_of_a_clock_change_is_as_long_as_it_was(day, hours):
    begins = naive.midnight(day, BERLIN)
    every_hour = [begins + timedelta(hours=n) for n in range(-2, 30)]

    found = by_period(every_hour, [1.0] * len(every_hour), BERLIN, Unit.DAY)

    assert {period.first_day: period.trades for period in found}[day] == hours


def test_a_trade_belongs_to_the_day_of_whoever_looks():
    late = [datetime(2018, 6, 30, 23, 30, tzinfo=UTC)]

    (here,) = by_period(late, [5.0], BERLIN, Unit.MONTH)
    (there,) = by_period(late, [5.0], ZoneInfo("America/New_York"), Unit.MONTH)

    assert (here.first_day, there.first_day) == (date(2018, 7, 1), date(2018, 6, 1))
