"""Cron in a time zone, over both changes of clocks, against a walk through every minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import naive_cron
from workbench.domain.cron import parse_cron, parse_zone
from workbench.domain.errors import ValueRefused

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)),  # 02:00 → 03:00
    ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC)),  # 03:00 → 02:00
    ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 12, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 7, 12, tzinfo=UTC)),  # at midnight
    ("America/Havana", datetime(2026, 10, 31, 12, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 3, tzinfo=UTC)),  # by half an hour
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 3, tzinfo=UTC)),
    ("America/St_Johns", datetime(2006, 10, 28, 12, tzinfo=UTC)),  # at one minute past midnight
    ("Pacific/Apia", datetime(2011, 12, 29, 0, tzinfo=UTC)),  # a whole day is missing
    ("UTC", datetime(2026, 2, 27, tzinfo=UTC)),
]


@st.composite
def fields(draw, low, high, most=3):
    one = st.integers(low, high)
    forms = [
        st.just("*"),
        st.integers(1, 30).map(lambda n: f"*/{n}"),
        one.map(str),
        st.tuples(one, one).map(lambda p: f"{min(p)}-{max(p)}"),
        st.tuples(one, st.integers(1, 9)).map(lambda p: f"{p[0]}/{p[1]}"),
    ]
    return ",".join(draw(st.lists(st.one_of(forms), min_size=1, max_size=most)))


CRONS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 28, 1), st.just("*"), fields(0, 7, 1)).map(" ".join)


@settings(max_examples=25, deadline=None)
@given(CRONS, st.sampled_from(CHANGES), st.integers(0, 1000))
@example("30 2 * * *", CHANGES[0], 0)
@example("30 2 * * *", CHANGES[1], 0)
@example("*/15 * * * *", CHANGES[1], 0)
@example("0 0 * * *", CHANGES[8], 0)
def test_due_times_agree_with_a_walk_through_every_minute(text, change, offset):
    cron, start, zone = parse_cron(text), change[1], ZoneInfo(change[0])
    after = start + timedelta(minutes=offset)

    found = cron.between(after, after + timedelta(hours=30), zone)

    assert found == naive_cron.due_times(cron, zone, after, after + timedelta(hours=30))
    assert found == sorted(set(found))
    assert cron.next_after(after, zone) == (found[0] if found else cron.next_after(after + timedelta(hours=30), zone))


@pytest.mark.parametrize(
    ("text", "after", "due"),
    [
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 does not exist: at 03:00, summer time
        ("30 2 * * *", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("30 2 * * *", "2026-10-24T12:00", "2026-10-25T00:30"),  # twice: at the first
        ("30 2 * * *", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 * * * *", "2026-10-25T00:30", "2026-10-25T01:30"),  # hourly: at both
        ("0 7 * * mon-fri", "2026-11-27T06:00", "2026-11-30T06:00"),
        ("0 7 29 feb *", "2026-01-01T00:00", "2028-02-29T06:00"),
        ("0 7 13 * fri", "2026-11-01T00:00", "2026-11-06T06:00"),  # the 13th or any Friday
        ("@daily", "2026-11-29T23:00", "2026-11-30T23:00"),
    ],
)
def test_known_times_in_berlin(text, after, due):
    found = parse_cron(text).next_after(datetime.fromisoformat(after).replace(tzinfo=UTC), BERLIN)

    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has 0 fields"),
        ("0 7 * *", "has 4 fields"),
        ("61 * * * *", "minute '61' lies outside 0 to 59"),
        ("0 7 * * xyz", "weekday 'xyz'"),
        ("0 7 * * 5-1", "means no time"),
        ("*/0 * * * *", "means no time"),
        ("0 0 30 2 *", "never comes"),
        ("0 7 ; rm *", "cannot be read"),
    ],
)
def test_what_is_no_schedule_is_refused_by_name(text, said):
    with pytest.raises(ValueRefused, match="cron") as refusal:
        parse_cron(text)

    assert said in str(refusal.value)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "/etc/localtime"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(ValueRefused, match="no time zone"):
        parse_zone(name)
