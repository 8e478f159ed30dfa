"""Drawing by code: what is in memory, in the ledger and in the picture is the same after any edits; tracking; zones."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.pictured import assert_pictured
from workbench.domain.drawings import Anchor, Board, Drawing, Level, Note, TrendLine, Zone
from workbench.domain.errors import ValueRefused, WorkbenchError
from workbench.domain.market import Timeframe
from workbench.domain.setups import CHANGED
from workbench.ledger.log import open_ledger
from workbench.market.sample import load
from workbench.quant.setups import Stage
from workbench.quant.zones import Unreachable, ZoneStudy
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import ChartSpec, Panel
from workbench.visual.interactive_charts import InteractiveCharts

HALF = Timeframe.parse("30m")
CANDLES = load("BTC/USD").iloc[20_000:20_300]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    opened = open_ledger(tmp_path_factory.mktemp("drawn") / "ledger.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def second(ledger):
    opened = open_ledger(ledger.place)
    yield opened
    opened.close()


@pytest.fixture
def charts(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    yield InteractiveCharts(ledger, "BTC/USD", "30m", CANDLES)
    ledger.close()


LOW, HIGH = float(CANDLES["low"].min()), float(CANDLES["high"].max())
prices = st.floats(0.9 * LOW, 1.1 * HIGH)
points = st.builds(Anchor, st.integers(-20, 320).map(lambda bar: CANDLES.index[0] + bar * HALF.step), prices)
shapes = st.one_of(
    st.builds(Level, prices),
    st.builds(Note, points),
    st.tuples(points, points, st.booleans()).filter(lambda p: p[0].at != p[1].at).map(lambda p: TrendLine(*p)),
    st.tuples(prices, prices).filter(lambda p: p[0] != p[1]).map(lambda p: Zone(*p)),
    st.tuples(points, points)
    .filter(lambda p: p[0].at != p[1].at and p[0].price != p[1].price)
    .map(lambda p: Zone(p[0].price, p[1].price, p[0].at, p[1].at)),
)
picks = st.integers(0, 99)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("draw"), shapes, st.booleans()),
        st.tuples(st.just("move"), picks, st.tuples(st.integers(-40, 40), st.floats(-500, 500))),
        st.tuples(st.just("reshape"), picks, points),
        st.tuples(st.just("delete"), picks, st.none()),
        st.tuples(st.sampled_from(["undo", "redo"]), st.none(), st.none()),
    ),
    min_size=1,
    max_size=10,
)


def edit(charts, act, what, how):
    if act == "draw":
        charts.draw(what, "words", snap=how)
    elif act in ("undo", "redo"):
        getattr(charts, act)()
    elif charts.drawings:
        drawing = charts.drawings[what % len(charts.drawings)]
        if act == "move":
            charts.move(drawing.drawing_id, how[0] * HALF.step, how[1])
        elif act == "reshape":
            charts.move(drawing.drawing_id, handle=what % len(drawing.handles), to=how)
        else:
            charts.delete(drawing.drawing_id)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
def test_memory_ledger_and_picture_agree_after_any_edits(ledger, second, sequence):
    author = f"user {ledger.head()}"  # one who has drawn nothing yet
    charts = InteractiveCharts(ledger, "BTC/USD", "30m", CANDLES, author)
    for step in sequence:
        with suppress(ValueRefused):  # a price below 0, a zone without height: nothing was drawn
            edit(charts, *step)

    memory = {drawing.drawing_id: drawing for drawing in charts.drawings}
    stored = {d.drawing_id: d for d in second.drawings.on("BTC/USD", "30m", author)}
    panel = Panel("BTC/USD", HALF, CANDLES, drawings=tuple(stored.values()), volume=False)

    assert memory == stored
    assert_pictured(AdvancedRenderer(ChartSpec((panel,), bars=60)).vega_lite(), memory, author)


def test_what_is_drawn_snaps_to_the_bar_that_is_near(charts):
    bar = CANDLES.iloc[100]
    drawn = charts.draw(Note(Anchor(CANDLES.index[100] + timedelta(minutes=9), bar["high"] + 1)), "top")
    free = charts.draw(Level(HIGH * 2))

    assert drawn.shape == Note(Anchor(CANDLES.index[100], bar["high"]))
    assert free.shape == Level(HIGH * 2)  # nothing is near: it stays where it was put
    level = charts.draw(Level(HIGH + 2)).shape
    assert level.price == HIGH


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_a_snapped_point_is_on_a_bar_and_near(shape):
    from workbench.visual.snapping import snapped

    for handle in Drawing("a", Board("you", "BTC/USD", HALF), shape, "x").handles:
        to = snapped(CANDLES, handle)
        assert to == snapped(CANDLES, to)
        assert to.at is None or to.at in CANDLES.index
        assert to.price == handle.price or to.price in CANDLES[["open", "high", "low", "close"]].to_numpy()


def test_the_drawing_under_the_pointer_is_selected(charts):
    at = CANDLES.index[150].to_pydatetime()
    price = float(CANDLES["close"].iloc[150])
    zone = charts.draw(Zone(price - 300, price + 300), "zone", snap=False)
    level = charts.draw(Level(price), snap=False)
    note = charts.draw(Note(Anchor(CANDLES.index[10], price + 5000)), "far", snap=False)

    assert charts.select(at, price + 1) == level
    assert charts.select(at, price + 200) == zone
    assert charts.select(at, price + 20_000) is None
    assert charts.select(CANDLES.index[11].to_pydatetime(), price + 5000, reach=2) == note
    charts.delete(level.drawing_id, zone.drawing_id)
    assert charts.select(at, price + 1) is None


def test_support_and_resistance_are_drawn_in_one_step_and_dropped_one_by_one(charts):
    found = charts.levels(draw=True)

    assert found
    assert [drawing.drawing_id for drawing in charts.drawings] == [drawing_id for drawing_id, _ in found]
    first = charts.drawings[0]
    assert f"{found[0][1].touches} touches" in first.text
    charts.delete(first.drawing_id)
    charts.undo()
    charts.undo()
    assert charts.drawings == ()
    charts.levels(draw=True)
    charts.levels(draw=True)  # again: replaced, not doubled
    assert len(charts.drawings) == len(found)


def test_a_setup_lives_in_replay_as_live_and_each_change_is_told_once(charts):
    early, whole = load("BTC/USD").iloc[20_000:20_100], load("BTC/USD").iloc[20_000:20_800]
    charts.candles = early
    setup, nothing = charts.track("breakout", setup_id="mine")
    assert nothing == []

    live = []
    for end in range(101, 800, 35):  # as bars close, a few at a time
        charts.candles = whole.iloc[:end]
        live = charts.track("breakout", setup_id="mine")[1]
    other = InteractiveCharts(charts_ledger(charts), "BTC/USD", "30m", whole)
    again, at_once = other.track("breakout", setup_id="mine")

    assert again == setup
    assert live == at_once
    assert live[-1].after in (Stage.FAILED, Stage.STOP, Stage.TARGET, Stage.EXPIRED)
    events = charts_ledger(charts).read(kinds=[CHANGED])
    assert [event.payload["after"] for event in events] == [change.after.value for change in at_once]
    assert events[0].payload["words"].startswith("breakout up on BTC/USD 30m is triggered: closed beyond")


def charts_ledger(charts):
    return charts._setups._ledger


def test_a_drawn_line_can_be_waited_for(charts):
    line = charts.draw(TrendLine(Anchor(CANDLES.index[10], LOW), Anchor(CANDLES.index[90], LOW + 10)))
    level = charts.draw(Level(LOW))

    setup, _ = charts.track("line", side=-1, line_id=line.drawing_id)

    assert setup.line == line.shape
    with pytest.raises(ValueRefused, match="is no trend line"):
        charts.track("line", line_id=level.drawing_id)
    with pytest.raises(ValueRefused, match="one of breakout"):
        charts.track("hope")


def test_zones_are_studied_or_refused_clearly(charts):
    middle = float(CANDLES["close"].median())

    assert isinstance(charts.analyze(middle, middle * 1.01), ZoneStudy)
    assert isinstance(charts.analyze(45_000_000, 46_000_000), Unreachable)


def test_others_see_what_one_draws_and_nobody_undoes_anothers(charts):
    bot = InteractiveCharts(charts_ledger(charts), "BTC/USD", "30m", CANDLES, "bot:trend")
    bot.draw(Level(LOW), "stop of the trend bot")
    mine = charts.draw(Level(HIGH))

    assert bot.undo() is not None
    assert bot.undo() is None
    assert charts.drawings == (mine,)
    bot.redo()
    shown = charts.renderer().spec.panels[0].drawings
    assert {drawing.board.user for drawing in shown} == {"you", "bot:trend"}
    assert charts.renderer().png().startswith(b"\x89PNG")
    with pytest.raises(WorkbenchError, match="has no drawing 'nothing'"):
        charts.move("nothing", higher=1.0)
