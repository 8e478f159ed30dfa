"""A reply on the page: as written for people, raw for sorting and export, and never markup or a script."""

import base64
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from workbench.commands.reply import Chart, Choice, Choices, Column, Question, Reply, Shape, Table, Text, Tone
from workbench.domain.portfolio import Money
from workbench.widgets.reply_wire import MOST_ROWS, reply

AT = datetime(2024, 7, 1, 12, tzinfo=UTC)


def table_of(table, **how):
    return reply(Reply("t", (table,)), **how)["parts"][0]


def test_each_cell_is_written_for_people_and_raw_for_sorting():
    columns = (
        Column("bot", Shape.BOT),
        Column("P&L", Shape.CHANGE),
        Column("at", Shape.TIME),
        Column("n", Shape.COUNT),
    )
    table = Table(
        columns, (("trend", Money(-1234.5, "USD"), AT, 3), ("late", None, None, None)), why={(1, "P&L"): "down"}
    )

    told = table_of(table, zone=ZoneInfo("Europe/Berlin"))

    assert told["rows"][0] == ["trend", "−1,234.50 USD", "2024-07-01 14:00:00", "3"]
    assert told["raws"][0] == [None, -1234.5, "2024-07-01T12:00:00Z", 3.0]
    assert told["rows"][1] == ["late", "–", "–", "–"]
    assert told["raws"][1] == [None] * 4
    assert told["columns"][2]["name"] == "at (Europe/Berlin)"
    assert told["why"] == [[1, "P&L", "down"]]


def test_what_is_not_finite_is_unknown_and_the_whole_is_strict_json():
    columns = (Column("x", Shape.NUMBER),)
    told = reply(Reply("t", (Table(columns, ((float("nan"),), (float("inf"),))), Text("a\nb", Tone.WARNING)), as_of=AT))

    assert told["parts"][0]["rows"] == [["–"], ["–"]]
    assert told["parts"][1] == {"type": "text", "text": "a\nb", "tone": "warning"}
    json.dumps(told, allow_nan=False)


def test_a_long_table_says_how_much_is_left_out():
    told = table_of(Table((Column("i", Shape.COUNT),), tuple((i,) for i in range(MOST_ROWS + 7))))

    assert len(told["rows"]) == MOST_ROWS
    assert told["left_out"] == 7


def test_disguises_in_names_are_made_visible():
    told = reply(Reply("\u202eevil", (Table((Column("bot", Shape.BOT),), (("a\u200bb",),)),), notes=("x\x1b[2J",)))

    assert told["title"] == "\ufffdevil"
    assert told["parts"][0]["rows"] == [["a\ufffdb"]]
    assert told["notes"] == ["x\ufffd[2J"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_chart_becomes_a_picture(theme):
    spec = {
        "data": {"values": [{"x": 1, "y": 2}]},
        "mark": "point",
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }

    told = reply(Reply("t", (Chart(spec, "one point"),)), theme=theme)["parts"][0]

    drawn = base64.b64decode(told["picture"].partition("base64,")[2]).decode()
    assert drawn.startswith("<svg")
    assert "<script" not in drawn


def test_a_chart_that_cannot_be_drawn_says_why():
    told = reply(Reply("t", (Chart({"mark": "nonsense", "data": {"url": "https://example.org/x.csv"}}, "c"),)))[
        "parts"
    ][0]

    assert told["picture"] == ""
    assert told["trouble"]


def test_choices_are_labels_and_lines():
    told = reply(Reply("t", (Choices("Which?", ((Choice("Keep a", "/draw keep B a"),),)),)))["parts"][0]

    assert told == {"type": "choices", "text": "Which?", "rows": [[["Keep a", "/draw keep B a"]]]}


def test_a_question_carries_its_answer_and_its_end():
    told = reply(Reply("t", (Question("Sure?", "/release all k3", AT),)))["parts"][0]

    assert told == {
        "type": "question",
        "text": "Sure?",
        "answer": "/release all k3",
        "until": round(AT.timestamp() * 1000),
    }
