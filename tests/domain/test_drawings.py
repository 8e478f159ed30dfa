"""Drawings as values: what may be drawn, what moving means, and JSON that gives back what it was given."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawn import BOARD, START, anchor, drawings, level
from workbench.domain.drawings import Anchor, Board, Drawing, Level, Note, Style, TrendLine, Zone, from_json, to_json
from workbench.domain.errors import ValueRefused, WorkbenchError


@given(drawings())
def test_json_gives_back_what_it_was_given(drawing):
    assert from_json(json.loads(json.dumps(to_json(drawing)))) == drawing


@given(drawings(), st.integers(-500, 500), st.floats(0, 1000))
def test_moving_there_and_back_changes_no_time_and_hardly_a_price(drawing, hours, higher):
    shift = timedelta(hours=hours)
    back = drawing.moved(shift, higher).moved(-shift, -higher)

    assert [handle.at for handle in back.handles] == [handle.at for handle in drawing.handles]
    for one, other in zip(back.handles, drawing.handles, strict=True):
        assert one.price == pytest.approx(other.price, abs=1e-8)


@given(drawings(), st.integers(0, 1), st.integers(0, 9999), st.floats(0.001, 1e6))
def test_a_handle_taken_elsewhere_leaves_a_drawing_or_is_refused(drawing, handle, hour, price):
    try:
        after = drawing.reshaped(handle, anchor(hour, price))
    except ValueRefused:
        return

    assert after.kind == drawing.kind
    assert price in [held.price for held in after.handles]


def test_a_line_and_a_zone_drawn_backwards_are_turned_round():
    line = TrendLine(anchor(5, 10.0), anchor(1, 20.0))
    zone = Zone(9.0, 7.0, START + timedelta(hours=2), START)

    assert (line.start, line.end) == (anchor(1, 20.0), anchor(5, 10.0))
    assert (zone.low, zone.high, zone.since) == (7.0, 9.0, START)
    assert line.price_at(START + timedelta(hours=3)) == 15.0
    assert line.price_at(START + timedelta(hours=7)) == 5.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Level(float("nan")), "above 0, got nan"),
        (lambda: Level(-1.0), "above 0"),
        (lambda: Zone(5.0, 5.0), "draw a level"),
        (lambda: TrendLine(anchor(1), anchor(1, 2.0)), "two moments"),
        (lambda: Note(Anchor(None, 1.0)), "stands at a moment"),
        (lambda: Anchor(datetime(2019, 1, 1), 1.0), "carries its zone"),
        (lambda: level("../../etc"), "id is 1 to 64 letters"),
        (lambda: level(text="a\x1b[31mb"), r"U\+001B"),
        (lambda: level(text="abc\u202edcba"), r"U\+202E"),
        (lambda: level(text="x" * 281), "at most 280"),
        (lambda: Drawing("a", BOARD, Note(anchor()), "  "), "needs its text"),
        (lambda: Style("url(x)"), "no ink"),
        (lambda: Style(width=99), "pixels wide"),
        (lambda: Board("", "BTC/USD", BOARD.timeframe), "1 to 64 characters"),
        (lambda: level(price=5.0).moved(higher=-5.0), "above 0"),
        (lambda: level().reshaped(1, anchor()), "has 1 handles"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(make, says):
    with pytest.raises(ValueRefused, match=says):
        make()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["id", "user", "symbol", "timeframe", "shape", "kind", "price", "start", "at", "style"]),
            inner,
        ),
        max_leaves=12,
    )
)
def test_what_a_page_sends_is_a_drawing_or_refused(data):
    try:
        from_json(data if isinstance(data, dict) else {"id": data})
    except WorkbenchError:
        return


def test_markup_is_text():
    drawing = level(text="<img src=x onerror=alert(1)> {{7*7}} $(id)")

    assert from_json(to_json(drawing)).text == "<img src=x onerror=alert(1)> {{7*7}} $(id)"
