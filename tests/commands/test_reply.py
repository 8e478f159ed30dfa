"""Replies hold raw values; how they are written is decided in one place."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.commands.formats import ago, cells, header, written
from workbench.commands.reply import Chart, Choice, Choices, Column, Question, Reply, Shape, Table, Text, Tone, failure
from workbench.domain.portfolio import Money

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shape", "text"),
    [
        (None, Shape.PRICE, "–"),
        (float("nan"), Shape.PRICE, "–"),
        (float("inf"), Shape.PERCENT, "–"),
        (0.0, Shape.PRICE, "0.00"),
        (61234.5, Shape.PRICE, "61,234.50"),
        (8.12345, Shape.PRICE, "8.1235"),
        (0.253102, Shape.PRICE, "0.25310"),
        (0.0000123456, Shape.PRICE, "0.000012346"),
        (0.5, Shape.SIZE, "0.5"),
        (-1234.0, Shape.SIZE, "−1,234"),
        (0.0, Shape.SIZE, "0"),
        (Money(10_000.0, "USD"), Shape.MONEY, "10,000.00 USD"),
        (Money(-0.001, "USD"), Shape.MONEY, "0.00 USD"),
        (Money(12.345, "USD"), Shape.CHANGE, "+12.35 USD"),
        (Money(-12.0, "USD"), Shape.CHANGE, "−12.00 USD"),
        (Money(0.0, "USD"), Shape.CHANGE, "0.00 USD"),
        (Money(-0.001, "USD"), Shape.CHANGE, "0.00 USD"),
        (0.0123, Shape.PERCENT, "+1.23 %"),
        (-0.5, Shape.PERCENT, "−50.00 %"),
        (0.25, Shape.SHARE, "25.0 %"),
        (1234567, Shape.COUNT, "1,234,567"),
        (61.2, Shape.NUMBER, "61.2"),
        (3.2, Shape.AGE, "3.2 s"),
        (45.0, Shape.AGE, "45 s"),
        (600.0, Shape.AGE, "10 min"),
        (7200.0, Shape.AGE, "2 h"),
        (400_000.0, Shape.AGE, "5 d"),
        (3.21, Shape.LATENCY, "3.2 ms"),
        (1234.5, Shape.LATENCY, "1,234 ms"),
        ("<b>x</b>", Shape.TEXT, "<b>x</b>"),
    ],
)
def test_values_are_written_as_a_trader_reads_them(value, shape, text):
    assert written(value, shape) == text


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([Shape.PRICE, Shape.SIZE, Shape.PERCENT]))
def test_any_number_can_be_written(value, shape):
    text = written(value, shape)

    assert text
    assert "e" not in text
    assert "nan" not in text


def test_times_are_shown_in_the_viewers_zone_and_name_it():
    berlin, column = ZoneInfo("Europe/Berlin"), Column("opened", Shape.TIME)

    assert written(NOW, Shape.TIME, berlin) == "2026-07-01 14:00:00"
    assert header(column, berlin) == "opened (Europe/Berlin)"
    assert header(column) == "opened (UTC)"


def test_relative_only_under_an_hour():
    assert ago(NOW - timedelta(seconds=12), NOW) == "12 s ago"
    assert ago(NOW - timedelta(hours=3), NOW) == "2026-07-01 09:00:00 UTC"
    assert ago(NOW + timedelta(minutes=5), NOW) == "2026-07-01 12:05:00 UTC"


def test_json_keeps_raw_values_and_knows_no_nan():
    table = Table(
        (Column("bot", Shape.BOT), Column("equity", Shape.MONEY), Column("x", Shape.NUMBER), Column("at", Shape.TIME)),
        (("a", Money(1.5, "USD"), float("nan"), NOW), ("b", None, 2.0, None)),
        why={(1, "equity"): "b is down"},
    )
    question = Question("really?", "/yes 1234", NOW)
    chart = Chart({"mark": "line"}, "a line")
    choices = Choices("next", ((Choice("a", "/a"),),))
    reply = Reply("T", (Text("hi", Tone.MUTED), table, question, chart, choices), as_of=NOW, notes=("n",))

    said = json.loads(json.dumps(reply.to_json(), allow_nan=False))

    assert said["parts"][1]["rows"] == [
        {"bot": "a", "equity": {"amount": 1.5, "currency": "USD"}, "x": None, "at": "2026-07-01T12:00:00Z"},
        {"bot": "b", "equity": None, "x": 2.0, "at": None},
    ]
    assert said["parts"][1]["why"] == [{"row": 1, "column": "equity", "reason": "b is down"}]
    assert [part["type"] for part in said["parts"]] == ["text", "table", "question", "chart", "choices"]
    assert said["parts"][4]["rows"] == [[{"label": "a", "line": "/a"}]]
    assert cells(table)[1] == ["b", "–", "2", "–"]


def test_a_failure_says_why():
    reply = failure("/x", "no such thing", misread=True)

    assert (reply.ok, reply.misread) == (False, True)
    assert reply.to_json()["error"] == "no such thing"
