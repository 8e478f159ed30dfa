"""%wb in a cell: rewritten so that it awaits, shown as text and tables, never as markup."""

import ast
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from workbench.commands.reply import Chart, Column, Question, Reply, Shape, Table, Text, Tone
from workbench.domain.portfolio import Money
from workbench.widgets.magic import NAME, Magic, install, remove, rewritten, shown

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%wb /bots\n", f"await {NAME}.show('/bots')\n"),
        ("    %wb   /cross forecast btc 1h  \n", f"    await {NAME}.show('/cross forecast btc 1h')\n"),
        ("reply = %wb /status\n", f"reply = await {NAME}.value('/status')\n"),
        ("%wb", f"await {NAME}.show('/help')\n"),
        ("%wbx /bots\n", "%wbx /bots\n"),
        ("x = 5 %wb\n", "x = 5 %wb\n"),
        ('%wb /risk --reason "it\'s"\n', f"await {NAME}.show('/risk --reason \"it\\'s\"')\n"),
    ],
)
def test_a_line_is_rewritten_and_others_are_not(cell, python):
    assert rewritten([cell]) == [python]


def test_a_cell_magic_asks_line_by_line():
    assert rewritten(["\n", "%%wb\n", "/bots\n", "\n", "/status\n"]) == [f"await {NAME}.show('/bots', '/status')\n"]


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60))
def test_whatever_is_typed_stays_one_string(typed):
    (line,) = rewritten([f"x = %wb {typed}\n"])

    if line.startswith("x = await"):
        call = ast.parse(f"async def f():\n {line}").body[0].body[0].value.value
        assert [type(argument) for argument in call.args] == [ast.Constant]
        assert call.args[0].value in (typed.strip(), "/help")


async def test_a_shell_learns_and_forgets_it():
    asked = []

    async def ask(line):
        asked.append(line)
        return Reply(line)

    shell = InteractiveShell()
    for _ in range(2):
        install(shell, Magic(ask))
    done = await shell.run_cell_async("reply = %wb /bots", transformed_cell=shell.transform_cell("reply = %wb /bots"))
    remove(shell)

    assert done.success
    assert asked == ["/bots"]
    assert shell.user_ns["reply"] == Reply("/bots")
    assert NAME not in shell.user_ns
    assert "await" not in shell.transform_cell("%wb /bots")


def test_a_reply_is_a_table_with_its_words():
    columns = (Column("bot", Shape.BOT), Column("P&L", Shape.CHANGE), Column("note"))
    table = Table(columns, (("a", Money(5, "USD"), ""), ("b", None, "")), "Money")
    (bundle,) = shown(Reply("T", (table, Text("well", Tone.GOOD)), as_of=NOW - timedelta(minutes=1)), None, NOW)

    assert '<td style="text-align:right">+5.00 USD</td>' in bundle["text/html"]
    assert "note" not in bundle["text/html"]
    assert "60 s ago" in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[0] == "T"


def test_a_chart_is_a_picture_and_one_that_cannot_be_drawn_its_words():
    spec = {"mark": "point", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a", "type": "quantitative"}}}

    _, picture, words = shown(Reply("T", (Chart(spec, "dots"), Chart({"mark": "no such"}, "none"))))

    assert picture["image/svg+xml"].startswith("<svg")
    assert picture["text/plain"] == "dots"
    assert words["text/plain"].startswith("none")


def test_markup_from_outside_stays_text():
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    table = Table((Column(hostile, Shape.BOT),), ((hostile,),), hostile)
    parts = (Text(hostile), table, Question(hostile, hostile, NOW))

    (bundle,) = shown(Reply(hostile, parts, False, hostile, notes=(hostile,)))

    assert "<script" not in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert bundle["text/html"].count("&lt;script&gt;") == 9
