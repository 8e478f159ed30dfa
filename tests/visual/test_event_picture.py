"""The chart of an event about a market shows what was known when it happened, and nothing after it."""

from datetime import UTC, datetime

import pytest

from workbench.domain.errors import ValueRefused
from workbench.domain.events import Event
from workbench.domain.forecasts import Forecast, forecast_json
from workbench.domain.market import Timeframe
from workbench.domain.outlook import FORECAST_TURNED, REGIME_CHANGED
from workbench.domain.setups import CHANGED as SETUP_CHANGED
from workbench.domain.sightings import SEEN
from workbench.market.sample import load
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import PHONE_WIDTH, Span
from workbench.visual.event_picture import event_picture, scene_of

HALF = Timeframe.parse("30m")
TABLE = load("BTC/USD").iloc[:400]
AT = (TABLE.index[300] + HALF.step).to_pydatetime()
CLOSE = float(TABLE["close"].iloc[300])
FORECAST = Forecast("collective", "BTC/USD", HALF, 24, (0.1, 0.5, 0.9), (CLOSE * 0.97, CLOSE, CLOSE * 1.05), CLOSE, AT)
MARKET = {"symbol": "BTC/USD", "timeframe": "30m", "run_id": "r"}
WINDOW = {"first_at": TABLE.index[260].isoformat(), "last_at": TABLE.index[300].isoformat(), "probability": 0.7}
EVENTS = {
    SETUP_CHANGED: {"at": AT.isoformat(), "level": CLOSE, "stop": CLOSE * 0.99, "target": None},
    REGIME_CHANGED: {"as_of": AT.isoformat(), "regime": "turbulent"},
    FORECAST_TURNED: forecast_json(FORECAST),
    SEEN: {**WINDOW, "seen_at": AT.isoformat(), "pattern": "cup"},
}
REGIMES = (Span(TABLE.index[200].to_pydatetime(), AT, "calm"),)


def event(kind, **more):
    return Event(1, kind, "desk", {**MARKET, **EVENTS[kind], **more}, "e", datetime.now(UTC))


@pytest.mark.parametrize(
    ("kind", "layer"),
    [(SETUP_CHANGED, "dashed"), (REGIME_CHANGED, "ribbon"), (FORECAST_TURNED, "areas"), (SEEN, "boxes")],
)
def test_each_kind_shows_what_it_is_about_and_the_future_changes_nothing(kind, layer):
    told = event(kind)
    scene = scene_of(told)

    spec = event_picture(told, scene, TABLE, regimes=REGIMES)
    known = event_picture(told, scene, TABLE.iloc[:301], regimes=REGIMES)

    made = AdvancedRenderer(spec).vega_lite()
    assert made == AdvancedRenderer(known).vega_lite()
    assert made["datasets"][f"p0_{layer}"]
    assert spec.phone
    assert spec.width == PHONE_WIDTH
    assert spec.panels[0].end.to_pydatetime() == AT


def test_a_long_pattern_is_shown_whole():
    told = event(SEEN, first_at=TABLE.index[150].isoformat())

    spec = event_picture(told, scene_of(told), TABLE)

    assert spec.panels[0].candles.index[0] <= TABLE.index[150]


def test_what_cannot_be_drawn_is_said():
    told = event(REGIME_CHANGED)

    with pytest.raises(ValueRefused, match="10 bars by"):
        event_picture(told, scene_of(told), TABLE.iloc[291:])
    assert scene_of(event(REGIME_CHANGED, as_of="yesterday")) is None
    assert scene_of(event(REGIME_CHANGED, timeframe="soon")) is None
    assert scene_of(Event(1, "BotWentDown", "trend", {}, "e", datetime.now(UTC))) is None
