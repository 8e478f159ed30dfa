"""What travels to the page is finite, short, and free of disguises."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.desk_views import PlayedDesk, hostile, troubled
from workbench.domain.events import Event
from workbench.domain.portfolio import EquityPoint, Position
from workbench.widgets import desk_wire as wire

NOW = datetime(2018, 4, 12, tzinfo=UTC)


@pytest.fixture
async def data():
    return await PlayedDesk().get_unified_dashboard_data()


@given(st.text())
def test_clean_text_is_short_and_can_be_sent(text):
    shown = wire.clean(text)

    assert len(shown) <= wire.WORDS_CHARS
    assert shown.encode("utf-8").decode() == shown
    assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in shown)


def test_a_disguise_is_made_visible():
    assert wire.clean("trend\u202egnp.exe") == "trend\ufffdgnp.exe"
    assert wire.clean("one\ntwo") == "one two"
    assert wire.clean("x" * 999).endswith("…")


def test_a_number_that_is_not_finite_travels_as_unknown():
    held = Position("BTC/USD", 1.0, math.nan, math.inf, NOW)

    told = wire.position(held)

    assert (told["entry"], told["mark"], told["unrealised"], told["stop"]) == (None, None, None, None)


def test_every_case_survives_strict_json(data):
    for change in (lambda d: d, troubled, hostile):
        rows = [wire.bot(row, data.as_of) for row in change(data).bots]

        assert json.loads(json.dumps(rows, allow_nan=False).encode("utf-8")) == rows


def test_a_bot_never_heard_has_no_status_and_says_why(data):
    down = wire.bot(troubled(data).bots[1], data.as_of)

    assert down["status"] is None
    assert down["word"] == "down"
    assert "does not answer" in down["reason"]


def test_the_age_is_told_as_a_moment_so_that_it_can_grow_on_the_page(data):
    row = data.bots[0]
    unheard = replace(row, status=None, health=replace(row.health, data_age_s=30.0))

    assert wire.bot(row, data.as_of)["data_at"] == wire.millis(row.status.data_at)
    assert abs(wire.bot(unheard, data.as_of)["data_at"] - wire.millis(data.as_of - timedelta(seconds=30))) <= 1000


def test_an_events_own_words_win_over_its_payload():
    said = Event(1, "ChildDied", "desk", {"words": "trend ended", "exit_code": 1}, "e", NOW)
    told = Event(2, "OrderFilled", "trend", {"price": 6512.25, "side": "buy", "note": None}, "f", NOW)

    assert wire.event(said)["words"] == "trend ended"
    assert wire.event(told)["words"] == "price 6,512.25, side buy"


def test_a_line_of_equity_rises_in_time_and_is_finite():
    values = [1.0, math.nan, 3.0, 4.0]
    points = [EquityPoint(NOW + timedelta(minutes=m), v, "USD") for m, v in zip((0, 1, 2, 2), values, strict=True)]

    line = wire.series(points)

    assert line["v"] == [1.0, 3.0]
    assert line["t"] == sorted(set(line["t"]))


@given(st.integers(0, 30), st.integers(-1, 31))
def test_newer_points_are_those_after_the_last_told(count, last):
    points = [EquityPoint(NOW + timedelta(minutes=m), 1.0, "USD") for m in range(count)]

    found = wire.newer(points, wire.millis(NOW + timedelta(minutes=last)))

    assert found == [point for point in points if point.at > NOW + timedelta(minutes=last)]
