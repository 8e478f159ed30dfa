"""Files of a table: what is read back is what was shown, to the last bit."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from workbench.domain.errors import ValueRefused
from workbench.widgets.export_hand import ExportHand, parquet

COLUMNS = [{"name": "Bot", "kind": "text"}, {"name": "P&L", "kind": "number"}, {"name": "Closed", "kind": "time"}]
words = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
times = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
)


def read(made):
    return pq.read_table(io.BytesIO(made))


@given(st.lists(st.tuples(words, numbers, times), max_size=20))
def test_what_is_read_back_is_what_was_shown(rows):
    sent = [[word, number, at and at.isoformat().replace("+00:00", "Z")] for word, number, at in rows]

    table = read(parquet(COLUMNS, sent))

    assert table.schema.field("Closed").type.tz == "UTC"
    assert table.column("Bot").to_pylist() == [word for word, _, _ in rows]
    assert table.column("P&L").to_pylist() == [number for _, number, _ in rows]
    assert table.column("Closed").to_pylist() == [at for _, _, at in rows]


def test_a_symbol_that_looks_like_a_number_or_a_formula_stays_text():
    table = read(parquet([{"name": "Market", "kind": "text"}], [["1E5"], ["=1+1"], ["00123"]]))

    assert table.column("Market").to_pylist() == ["1E5", "=1+1", "00123"]


def test_names_that_occur_twice_are_told_apart():
    columns = [{"name": "P&L", "kind": "number"}] * 2

    assert read(parquet(columns, [[1.0, 2.0]])).column_names == ["P&L", "P&L 2"]


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ("none", [], "a list of columns"),
        ([], [], "columns"),
        ([{"kind": "text"}], [], "name and a kind"),
        (COLUMNS, [["a"]], "3 values"),
        (COLUMNS, [["a", 1.0, "yesterday"]], "no time"),
    ],
)
def test_what_is_no_table_is_refused_in_words(columns, rows, words):
    with pytest.raises(ValueRefused, match=words):
        parquet(columns, rows)


async def test_the_answer_carries_the_file_or_the_reason():
    sent = []
    hand = ExportHand(lambda told, buffers: sent.append((told, buffers)))

    for rows in ([["trend", 1.5, None]], "nonsense"):
        hand.hear({"kind": "export", "id": "7", "columns": COLUMNS, "rows": rows})
    await hand.settled()

    assert sent[0][0] == {"kind": "exported", "id": "7"}
    assert read(sent[0][1][0]).num_rows == 1
    assert "list of rows" in sent[1][0]["error"]
