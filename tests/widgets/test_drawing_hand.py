"""From the mouse to the ledger, and from other hands back to the page."""

import asyncio

import pytest

from workbench.domain.drawings import Board, Drawing, Level
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.widgets.drawing_hand import DrawingHand

HOUR = Timeframe.parse("1h")
BOARD = Board("you", "BTC/USD", HOUR)
STYLE = {"ink": "accent", "width": 1.5, "dash": "solid"}


@pytest.fixture
async def scene(tmp_path):
    ledger, told, seen = open_ledger(tmp_path / "ledger.sqlite"), [], []
    hand = DrawingHand(ledger.drawings, BOARD, told.append, seen.append)
    yield ledger, hand, told, seen
    await hand.stop()
    ledger.close()


def level(price, name="d-1", **more):
    return {"id": name, "shape": {"kind": "level", "price": price}, "text": "", "style": STYLE} | more


async def answered(told, turn):
    async with asyncio.timeout(60):
        while not any(m["kind"] == "drawings" and m["turn"] == turn for m in told):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_what_is_drawn_is_a_value_in_the_ledger_and_on_the_page(scene):
    ledger, hand, told, seen = scene

    hand.hear({"kind": "draw", "page": "p", "turn": 1, "put": [level(7000.5)], "drop": []})
    await answered(told, 1)

    assert hand.drawings == (Drawing("d-1", BOARD, Level(7000.5)),)
    assert seen[-1] == hand.drawings
    assert tuple(ledger.drawings.on("BTC/USD", HOUR)) == hand.drawings
    assert told[-1]["page"] == "p"
    assert told[-1]["items"][0]["shape"] == {"kind": "level", "price": 7000.5}


async def test_acts_are_done_in_order_and_undone_one_by_one(scene):
    _, hand, told, _ = scene
    for turn, price in enumerate((100.0, 110.0, 120.0), start=1):
        hand.hear({"kind": "draw", "page": "p", "turn": turn, "put": [level(price)]})
    hand.hear({"kind": "draw", "page": "p", "turn": 4, "drop": ["d-1"]})
    await answered(told, 4)
    assert hand.drawings == ()

    for turn, kind in enumerate(("undo", "undo", "redo"), start=5):
        hand.hear({"kind": kind, "page": "p", "turn": turn})
    await answered(told, 7)

    assert [one.shape.price for one in hand.drawings] == [120.0]


async def test_nonsense_is_refused_in_words_and_the_rest_goes_on(scene):
    _, hand, told, _ = scene
    for turn, put in enumerate(([level(-5)], [{"id": "d-2"}], [7], [level(1.0, "x y")]), start=1):
        hand.hear({"kind": "draw", "page": "p", "turn": turn, "put": put})
    hand.hear({"kind": "draw", "page": "p", "turn": 5, "drop": ["nobody"]})
    hand.hear({"kind": "draw", "page": "p", "turn": 6, "put": [level(42.0)]})
    await answered(told, 6)

    assert [m["turn"] for m in told if m["kind"] == "refused"] == [1, 2, 3, 4, 5]
    assert all(m["words"] for m in told if m["kind"] == "refused")
    assert [one.shape.price for one in hand.drawings] == [42.0]


async def test_a_page_cannot_draw_in_anothers_name_or_on_another_chart(scene):
    ledger, hand, told, _ = scene

    hand.hear({"kind": "draw", "turn": 1, "put": [level(42.0, user="bot:trend", symbol="ETH/USD", timeframe="1m")]})
    await answered(told, 1)

    assert [one.board for one in ledger.drawings.on("BTC/USD")] == [BOARD]
    assert ledger.drawings.on("ETH/USD") == []


async def test_what_a_bot_draws_is_shown_after_a_refresh_and_not_undone_by_us(scene):
    ledger, hand, told, _ = scene
    theirs = Board("bot:trend", "BTC/USD", HOUR)
    ledger.drawings.change(theirs, [Drawing("b-1", theirs, Level(99.0), "<b>stop</b>")])

    await hand.refresh()
    hand.hear({"kind": "undo", "turn": 1})
    await answered(told, 1)

    assert [(one.board.user, one.text) for one in hand.drawings] == [("bot:trend", "<b>stop</b>")]
