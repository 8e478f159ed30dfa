"""Drawings with the uninteresting parts filled in, and any drawing at all for properties."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from workbench.domain.drawings import DASHES, INKS, Anchor, Board, Drawing, Level, Note, Style, TrendLine, Zone
from workbench.domain.market import Timeframe

HOUR = Timeframe.parse("1h")
BOARD = Board("ana", "BTC/USD", HOUR)
START = datetime(2019, 1, 1, tzinfo=UTC)


def level(drawing_id="a", price=4000.0, board=BOARD, text=""):
    return Drawing(drawing_id, board, Level(price), text)


def anchor(hour=0, price=4000.0):
    return Anchor(START + timedelta(hours=hour), price)


prices = st.floats(0.001, 1e7)
moments = st.integers(0, 10_000).map(lambda hour: START + timedelta(hours=hour))
anchors = st.builds(Anchor, moments, prices)
lines = st.builds(
    TrendLine, anchors, st.builds(lambda p: Anchor(START + timedelta(days=900), p), prices), st.booleans()
)
zones = st.builds(
    lambda low, span, since, hours: Zone(low, low + span, since, since and since + timedelta(hours=hours)),
    prices,
    st.floats(0.001, 1e5),
    st.none() | moments,
    st.integers(1, 500),
)
texts = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs"),
        exclude_characters="".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))),
    ),
    min_size=1,
    max_size=40,
)
shown_texts = texts.filter(lambda text: bool(text.strip()))
styles = st.builds(Style, st.sampled_from((*INKS, "#aabbcc")), st.floats(0.5, 8), st.sampled_from(DASHES))
shapes = st.one_of(st.builds(Level, prices), lines, zones, st.builds(Note, anchors))


IDS = st.sampled_from("abcdef")


def drawings(board=BOARD, ids=IDS):
    """Any drawing on `board`, with few ids so that later ones replace earlier ones."""
    return st.builds(Drawing, ids, st.just(board), shapes, shown_texts, styles)
