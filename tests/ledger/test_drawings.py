"""Drawings in the ledger: the same for every reader, undone step by step, each step an event."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.drawn import BOARD, HOUR, drawings, level
from workbench.domain.drawings import Board
from workbench.domain.errors import LedgerError
from workbench.ledger.drawings import CHANGED, told_by


def test_what_one_draws_another_reads(ledger, second):
    ledger.drawings.change(BOARD, [level("a"), level("b", 4100.0)])

    assert second.drawings.board(BOARD) == [level("a"), level("b", 4100.0)]
    assert second.drawings.on("BTC/USD") == second.drawings.on("BTC/USD", "1h", "ana")
    assert second.drawings.on("BTC/USD", "4h") == second.drawings.on("ETH/USD") == []


def test_authors_do_not_touch_each_other(ledger):
    bots = Board("bot:trend", "BTC/USD", HOUR)
    ledger.drawings.change(BOARD, [level("a")])
    ledger.drawings.change(bots, [level("a", 5000.0, bots)])

    ledger.drawings.undo(BOARD)

    assert ledger.drawings.on("BTC/USD") == [level("a", 5000.0, bots)]


def test_a_step_is_undone_and_redone_whole(ledger):
    table = ledger.drawings
    table.change(BOARD, [level("a"), level("b")])
    table.change(BOARD, [level("a", 4200.0)], drop=["b"])

    assert [step and step.verb for step in (table.undo(BOARD), table.undo(BOARD), table.undo(BOARD))] == [
        "undid",
        "undid",
        None,
    ]
    assert table.board(BOARD) == []
    table.redo(BOARD)
    assert table.board(BOARD) == [level("a"), level("b")]
    table.redo(BOARD)
    assert table.board(BOARD) == [level("a", 4200.0)]
    assert table.redo(BOARD) is None


def test_drawing_anew_ends_what_could_be_redone(ledger):
    table = ledger.drawings
    table.change(BOARD, [level("a")])
    table.undo(BOARD)
    table.change(BOARD, [level("b")])

    assert table.redo(BOARD) is None
    assert table.board(BOARD) == [level("b")]


def test_each_step_is_an_event_that_tells_all_of_it(ledger):
    made = [ledger.drawings.change(BOARD, [level("a")]), ledger.drawings.undo(BOARD), ledger.drawings.redo(BOARD)]

    told = ledger.read(kinds=[CHANGED])

    assert [told_by(event) for event in told] == made
    assert told[0].payload["words"] == "ana drew a level on BTC/USD 1h"


@pytest.mark.parametrize(
    ("put", "drop", "says"),
    [
        ([], [], "nothing to change"),
        ([], ["nothing"], "has no drawing 'nothing'; it has a"),
        ([level("b"), level("b", 1.0)], [], "'b' comes twice"),
        ([level("b", board=Board("eve", "BTC/USD", HOUR))], [], "belongs to eve's BTC/USD 1h"),
        ([level(str(n)) for n in range(1001)], [], "more than 1000"),
    ],
)
def test_a_refused_step_leaves_everything(ledger, put, drop, says):
    ledger.drawings.change(BOARD, [level("a")])

    with pytest.raises(LedgerError, match=says):
        ledger.drawings.change(BOARD, put, drop)

    assert ledger.drawings.board(BOARD) == [level("a")]
    assert len(ledger.read(kinds=[CHANGED])) == 1


acts = st.lists(
    st.one_of(
        st.tuples(st.just("put"), drawings()),
        st.tuples(st.just("drop"), st.sampled_from("abcdef")),
        st.tuples(st.sampled_from(["undo", "redo"]), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts)
def test_any_steps_leave_what_an_obvious_list_of_boards_says(ledger, steps):
    board = Board("ana", f"BTC/{ledger.head()}", HOUR)  # one nobody has drawn on
    past, ahead, now = [], [], {}
    for act, what in steps:
        if act == "put":
            drawing = type(what)(what.drawing_id, board, what.shape, what.text, what.style)
            ledger.drawings.change(board, [drawing])
            past, ahead, now = [*past, now], [], {**now, drawing.drawing_id: drawing}
        elif act == "drop" and what in now:
            ledger.drawings.change(board, drop=[what])
            past, ahead, now = [*past, now], [], {key: d for key, d in now.items() if key != what}
        elif act == "undo":
            assert (ledger.drawings.undo(board) is None) == (not past)
            if past:
                ahead, now, past = [now, *ahead], past[-1], past[:-1]
        elif act == "redo":
            assert (ledger.drawings.redo(board) is None) == (not ahead)
            if ahead:
                past, now, ahead = [*past, now], ahead[0], ahead[1:]

    stands = ledger.drawings.board(board)
    assert {drawing.drawing_id: drawing for drawing in stands} == now
