"""One description, every surface: nothing of the future, nothing left out, legible, and words that stay words."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.drawn import drawings
from workbench.domain.drawings import Board
from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.domain.market import FormingCandle
from workbench.market.sample import load
from workbench.market.timeframes import Timeframe
from workbench.visual import overlays
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import SCREEN, Average, ChartSpec, Panel, PriceMark, Span
from workbench.visual.fan_reading import read
from workbench.visual.picture import SPEC_VERSION
from workbench.visual.sheet_frame import apart, flowed
from workbench.visual.show_piece import DAY, FOUR_HOURS, HOUR, show_piece

HALF = Timeframe.parse("30m")


@pytest.fixture(scope="module")
def piece():
    return show_piece()


def rows(spec, layer, panel=0):
    return AdvancedRenderer(spec).vega_lite()["datasets"].get(f"p{panel}_{layer}", [])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(300, 900),
    st.integers(0, 60),
    st.sampled_from([FOUR_HOURS, DAY, HOUR]),
    st.integers(2, 12),
    st.booleans(),
)
def test_a_longer_timeframe_is_never_read_from_an_unfinished_bar(start, cut, target, bars, exponential):
    """What a longer bar says at a moment is the same when nothing after that moment has happened yet."""
    whole = load("BTC/USD").iloc[start - 300 : start + 60]
    known = whole.iloc[: 300 + cut]
    end = known.index[-1] + HALF.step

    for read_off in (
        lambda table: overlays.average(table, HALF, Average(bars, target, exponential)),
        lambda table: overlays.higher_levels(table, HALF, target),
    ):
        said = read_off(known)
        assert said.index.empty or said.index[-1] <= end
        later = read_off(whole)
        assert said.equals(later[later.index <= end])
    boxes = overlays.higher_candles(known, HALF, target)
    assert boxes.index.empty or boxes.index[-1] + target.step <= end
    assert boxes.equals(overlays.higher_candles(whole, HALF, target).loc[: end - target.step])


@pytest.mark.parametrize("moving", [False, True])
def test_the_specification_is_valid_and_loads_nothing(piece, moving):
    two = replace(piece, panels=(piece.panels[0], show_piece(symbol="ETH/USD").panels[0]), title="Two")
    for spec, kind in ((piece, alt.LayerChart), (two, alt.VConcatChart)):
        made = AdvancedRenderer(spec).vega_lite(moving)
        assert "url" not in re.findall(r'"(\w+)":', json.dumps(made))
        compiled = vl_convert.vegalite_to_vega(made, vl_version=SPEC_VERSION)
        assert {data["name"] for data in compiled["data"]} >= set(made["datasets"])
        chart = AdvancedRenderer(spec).chart()
        assert isinstance(chart, kind)
        assert chart.to_dict(validate=False)["datasets"] == AdvancedRenderer(spec).vega_lite(moving=True)["datasets"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_is_a_picture_in_both_themes(piece, theme):
    renderer = AdvancedRenderer(replace(piece, theme=theme))

    assert renderer.png().startswith(b"\x89PNG")
    svg = renderer.svg()
    for words in (
        "BTC/USD · 1h",
        "double bottom · 71 %, 9 of 14",
        "resistance, 4 touches",
        "stop breakout",
        "turbulent",
    ):
        assert words in svg
    assert "EMA 50 of 4h" in svg


def test_assets_share_one_time_axis(piece):
    shorter = replace(show_piece(symbol="ETH/USD").panels[0], fans=(), drawings=())
    made = AdvancedRenderer(replace(piece, panels=(piece.panels[0], shorter))).vega_lite()

    axes = [plot["layer"][0]["encoding"]["x"] for plot in made["vconcat"]]
    assert axes[0]["scale"]["domain"] == axes[1]["scale"]["domain"]
    assert made["resolve"]["scale"]["x"] == "shared"
    assert [axis["axis"].get("labels", True) for axis in axes] == [False, True]


def test_the_candles_of_a_picture_are_the_bars(piece):
    table = piece.panels[0].candles.iloc[-300:]
    columns = pd.DataFrame(rows(piece, "columns")).dropna()

    wicks = columns[columns["id"].str.startswith("wicks")].groupby("t")["p"]
    np.testing.assert_allclose(wicks.max(), table["high"])
    np.testing.assert_allclose(wicks.min(), table["low"])


def test_a_zoomed_chart_has_a_box_for_each_bar_and_tells_it(piece):
    made = AdvancedRenderer(piece).vega_lite(moving=True)

    assert len(made["datasets"]["p0_bodies"]) == len(made["datasets"]["p0_bars"]) == 300
    assert made["layer"][0]["params"][0]["bind"] == "scales"


def test_letters_are_legible_on_a_phone(piece):
    spec = piece.for_phone()
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)px"', AdvancedRenderer(spec).svg())]

    assert min(sizes) * SCREEN / spec.width >= 10
    assert len(rows(spec, "columns")) <= 120 * 6


def test_the_forming_bar_moves_its_own_candle_and_the_price_and_nothing_else():
    candles = load("BTC/USD").iloc[:90]
    opened = (candles.index[-1] + HALF.step).to_pydatetime()
    close = float(candles["close"].iloc[-1])
    bar = FormingCandle("BTC/USD", HALF, opened, close, close * 1.001, close * 0.999, close * 1.0005, 1.0, opened)
    panel = Panel("BTC/USD", HALF, candles, overlays=(Average(20),))
    closed, moving = ChartSpec((panel,)), ChartSpec((replace(panel, forming=bar),))

    assert rows(closed, "boxes") == []
    (body,) = rows(moving, "boxes")
    assert body["o"] < 1
    assert rows(moving, "tag")[-1]["text"] == f"{bar.close:,.2f}"
    for layer in ("columns", "volume_columns", "paths"):
        assert rows(moving, layer) == rows(closed, layer)


def test_words_are_words_on_every_surface(piece):
    hostile = "</script><img src=x onerror=alert(1)> {{datum}} ${1}"
    board = Board("you", "BTC/USD", HOUR)
    drawn = replace(piece.panels[0].drawings[0], board=board, text=hostile)
    spec = replace(piece, panels=(replace(piece.panels[0], drawings=(drawn,)),), title=hostile)
    svg = AdvancedRenderer(spec).svg()

    assert "<img" not in svg
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; {{datum}} ${1}" in svg


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(drawings(Board("you", "BTC/USD", HOUR)), max_size=5))
def test_any_drawing_can_be_pictured(piece, drawn):
    spec = replace(piece, bars=30)
    made = AdvancedRenderer(replace(spec, panels=(replace(spec.panels[0], drawings=tuple(drawn)),))).vega_lite()

    frame = made["layer"][0]["encoding"]
    for layer in ("solid", "dashed", "dotted", "boxes"):
        for row in made["datasets"].get(f"p0_{layer}", []):
            low, high = frame["y"]["scale"]["domain"]
            start, end = frame["x"]["scale"]["domain"]
            assert low - 1e-6 <= min(row["p"], row["p2"]) <= max(row["p"], row["p2"]) <= high + 1e-6
            assert start - 1 <= min(row["t"], row["t2"]) <= max(row["t"], row["t2"]) <= end + 1


def test_a_forecast_is_judged_by_what_is_known_so_far():
    made = pd.Timestamp("2018-01-01", tz="UTC")
    fan = Forecast("trend", "BTC/USD", HOUR, 4, (0.1, 0.5, 0.9), (90.0, 110.0, 130.0), 100.0, made.to_pydatetime())
    closes = pd.Series([100.0, 102.0, 105.0, 90.0, 110.0, 999.0], made + pd.to_timedelta(np.arange(6), "h"))

    nothing, half, ended = (read(fan, closes.iloc[:n]) for n in (1, 3, 6))

    assert nothing.error is None
    assert (half.elapsed, half.price, half.held) == (0.5, 105.0, True)
    assert half.error == pytest.approx(0.0)
    assert (ended.elapsed, ended.price, ended.held) == (1.0, 110.0, True)
    assert ended.words == "+0.00 % at its end, inside 80 %"
    assert read(fan, closes.iloc[:4]).words == "−16.28 % so far, 75 % of the way, outside 80 %"


@given(st.lists(st.floats(0, 300), min_size=1, max_size=15))
def test_labels_keep_apart_and_in_order_while_there_is_room(wanted):
    spots = apart(sorted(wanted), 16, 8, 292)

    assert all(b - a >= 16 - 1e-9 for a, b in pairwise(spots))
    assert all(8 - 1e-9 <= spot <= 292 + 1e-9 for spot in spots)


def test_a_legend_wraps_where_it_is_wide():
    assert [line for _, line in flowed(["SMA 20", "a long name of a forecast", "x"], 200, 11)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: ChartSpec(()), "at least one market"),
        (lambda p: ChartSpec((p,), theme="pink"), "no theme 'pink'"),
        (lambda p: ChartSpec((p,), width=10), "240 to 4000"),
        (lambda p: Panel("BTC/USD", HOUR, p.candles.iloc[:0]), "no closed bar"),
        (lambda p: PriceMark("hope", 1.0), "got 'hope'"),
    ],
)
def test_what_cannot_be_shown_is_refused(piece, make, says):
    with pytest.raises(ValueRefused, match=says):
        make(piece.panels[0])


def test_a_regime_nobody_knows_is_shown_as_unknown(piece):
    at = piece.panels[0].end
    spec = replace(piece, panels=(replace(piece.panels[0], ribbon=(Span(at - 99 * HOUR.step, at, "odd"),)),))

    assert len(rows(spec, "ribbon")) == 1
