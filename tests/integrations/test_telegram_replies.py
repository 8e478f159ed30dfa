"""Replies as pages: everything from outside is text, every page within Telegram's limits, as the server reads it."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.support.telegram_server import seen
from workbench.commands.reply import Chart, Choice, Choices, Column, Question, Reply, Shape, Table, Text, Tone, failure
from workbench.domain.portfolio import Money
from workbench.domain.telling import Message, Severity
from workbench.integrations.telegram_digest import SHOWN, Digest
from workbench.integrations.telegram_replies import LONGEST, digest, live_page, pages, told, units

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOSTILE = "<b>&amp; <script>alert(1)</script> </pre><a href='tg://x'>"


def shown(page):
    return seen(page.html, "HTML")


def test_a_narrow_table_is_a_grid_with_numbers_to_the_right():
    columns = (Column("bot", Shape.BOT), Column("P&L", Shape.CHANGE), Column("note"))
    reply = Reply("T", (Table(columns, (("a", Money(5, "USD"), ""), ("bb", None, ""))),))

    (page,) = pages(reply, "/x")

    assert shown(page).splitlines() == ["T", "bot        P&L", "a    +5.00 USD", "bb           –"]
    assert page.html.count("<pre>") == 1


def test_a_wide_table_is_a_block_a_row_without_what_says_nothing():
    columns = (Column("bot", Shape.BOT), *(Column(f"column {n}") for n in range(6)))
    reply = Reply("T", (Table(columns, (("a", *"12345", ""), ("b", *["long text"] * 5, ""))),))

    (page,) = pages(reply, "/x")

    assert "a  column 0 1 · column 1 2" in shown(page)
    assert "column 5" not in shown(page)


def test_choices_are_rows_of_buttons_that_ask_their_lines():
    choices = Choices("Keep or drop <each>:", ((Choice("Keep sr1", "/draw keep B sr1"), Choice("Drop sr1", "/x")),))

    page = pages(Reply("T", (choices,)), "/draw sr B")[0]

    assert "Keep or drop &lt;each&gt;:" in page.html
    assert [[button.label for button in row] for row in page.buttons] == [["Keep sr1", "Drop sr1"]]


def test_a_question_has_its_answer_as_words_and_as_a_button():
    (page,) = pages(Reply("Release?", (Question("Sure?", "/release all abc123", NOW),)), "/release all")

    assert "/release all abc123" in shown(page)
    assert [(b.module, b.action, b.params) for b in page.buttons[0]] == [
        ("ask", "line", "/release all abc123"),
        ("ask", "drop", ""),
    ]


def test_a_chart_is_a_page_of_its_own_and_a_live_one_is_one_page():
    reply = Reply("T", (Text("x"), Chart({"mark": "line"}, "the fan & more")))

    made = pages(reply, "/x")
    live = live_page(reply, "/x")

    assert [page.chart is not None for page in made] == [False, True]
    assert shown(made[1]) == "the fan & more"
    assert live.chart
    assert shown(live) == "T\nx\nthe fan & more"


def test_markup_from_outside_stays_text_everywhere():
    table = Table((Column("bot", Shape.BOT), Column("why")), ((HOSTILE, HOSTILE),), HOSTILE)
    parts = (Text(HOSTILE), Text(HOSTILE, Tone.MUTED), table, Question(HOSTILE, HOSTILE, NOW), Chart({}, HOSTILE))

    made = pages(Reply(HOSTILE, parts, False, HOSTILE, notes=(HOSTILE,)), "/x")

    assert sum(shown(page).count(HOSTILE) for page in made) == 11


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)
_part = st.one_of(
    st.builds(Text, _texts, st.sampled_from(Tone)),
    st.builds(Chart, st.just({}), _texts),
    st.builds(Question, _texts, st.text(max_size=80), st.just(NOW)),
    st.lists(st.tuples(_texts, _texts), max_size=30).map(
        lambda rows: Table((Column("a", Shape.BOT), Column("b")), tuple(rows), "t")
    ),
)


@given(_texts, st.lists(_part, max_size=5), _texts)
def test_every_page_is_within_the_limits_and_its_markup_is_whole(title, parts, error):
    for page in [
        *pages(Reply(title, tuple(parts), not error, error), "/x"),
        live_page(Reply(title, tuple(parts)), "/x"),
    ]:
        assert (not page.pictured) <= units(shown(page).strip()) <= (1024 if page.pictured else 4096)


@given(_texts, st.binary(max_size=4), st.sampled_from(Severity))
def test_messages_are_within_the_limits_too(text, png, severity):
    for page in told(Message("T", text, png or None, severity)):
        assert 1 <= units(shown(page)) <= (1024 if page.pictured else 4096)


def test_a_failure_is_one_line():
    assert [shown(page) for page in pages(failure("/x", "no <bot> is named x"), "/x")] == ["/x\n⛔ no <bot> is named x"]


def test_a_flood_of_alerts_is_a_few_words_with_the_loudest_first():
    waiting = Digest()
    for number in range(10_000):
        waiting.add(Message(f"trade {number}", topic="trades"))
    waiting.add(Message("HALT <all>", severity=Severity.CRITICAL, topic="halts"))

    (page,) = digest(waiting)

    lines = shown(page).splitlines()
    assert lines[0] == "10,001 alerts"
    assert lines[1] == "🛑 HALT <all>"
    assert lines[-1] == "… and 9,993 more (trades: 10,000, halts: 1)"
    assert len(lines) == 2 + SHOWN
    assert sum(map(len, waiting.kept.values())) <= 3 * SHOWN
    assert units(page.html) <= LONGEST


def test_one_alert_is_told_whole():
    waiting = Digest()
    waiting.add(Message("x", "two\nlines", b"\x89PNG"))

    (page,) = digest(waiting)

    assert shown(page) == "x\ntwo\nlines"
    assert page.png


def test_digests_join_in_order():
    first, later = Digest(), Digest()
    first.add(Message("a"))
    later.add(Message("b"))

    assert first.joined(later).lines() == ["a", "b"]
    assert first.joined(later).size == 2
