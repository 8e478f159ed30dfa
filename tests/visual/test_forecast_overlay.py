"""The fan on a live chart, and its record."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.visual.forecast_overlay import ForecastOverlay, path

HOUR = Timeframe.parse("1h")
SEEN = datetime(2024, 1, 1, tzinfo=UTC)


def fan(seen=SEEN, horizon=4, values=(90.0, 100.0, 115.0), symbol="BTC/USD"):
    return Forecast("trend", symbol, HOUR, horizon, (0.1, 0.5, 0.9), values, 100.0, seen)


def test_a_fan_opens_at_the_last_close_and_ends_at_what_was_said():
    overlay = ForecastOverlay("BTC/USD", HOUR)

    view = overlay.update_forecast_overlay(fan())

    assert view["steps"] == [0, 1, 2, 3, 4]
    assert view["fan"][0] == [100.0] * 5
    assert view["fan"][-1][0] == pytest.approx(90.0)
    assert view["fan"][-1][-1] == pytest.approx(115.0)
    assert view["by"] == "trend"
    assert overlay.update_forecast_overlay(None) is None


@given(st.lists(st.floats(50, 200), min_size=3, max_size=3).map(sorted), st.integers(1, 300), st.floats(0, 1))
def test_bands_never_cross_and_only_widen(values, horizon, share):
    forecast = fan(horizon=horizon, values=tuple(values))
    low, middle, high = path(forecast, share * horizon, (0.1, 0.5, 0.9))
    wider = path(forecast, horizon, (0.1, 0.5, 0.9))

    assert low <= middle * (1 + 1e-12)
    assert middle <= high * (1 + 1e-12)
    assert high / low <= wider[2] / wider[0] * (1 + 1e-9)


def test_the_record_counts_matured_forecasts_and_says_how_the_shown_one_does():
    overlay = ForecastOverlay("BTC/USD", HOUR)
    overlay.update_forecast_overlay(fan())

    view = overlay.closed(SEEN + HOUR.step, 101.0)
    assert view["so_far"]["inside"]
    assert view["record"] is None

    for hours, close in ((2, 104.0), (3, 108.0), (4, 116.0)):
        view = overlay.closed(SEEN + timedelta(hours=hours), close)
    assert view["record"] == {"n": 1, "inside": 0.0, "miss": pytest.approx(0.16)}
    assert not view["so_far"]["inside"]


def test_a_forecast_is_never_scored_on_bars_before_it():
    overlay = ForecastOverlay("BTC/USD", HOUR)
    overlay.update_forecast_overlay(fan(SEEN + 3 * HOUR.step))

    for hours in range(1, 4):
        view = overlay.closed(SEEN + hours * HOUR.step, 500.0)

    assert view["so_far"] is None
    assert view["record"] is None


def test_the_same_as_a_mapping_and_what_is_none_of_this_chart_is_refused():
    overlay, said = ForecastOverlay("BTC/USD", HOUR), fan()
    data = {name: getattr(said, name) for name in ("bot_id", "symbol", "horizon", "levels", "values", "reference")}

    view = overlay.update_forecast_overlay(data | {"timeframe": "1h", "seen_at": SEEN.isoformat()})

    assert view["fan"][-1][0] == pytest.approx(90.0)
    with pytest.raises(ValueRefused, match="does not belong"):
        overlay.update_forecast_overlay(fan(symbol="ETH/USD"))
    with pytest.raises(ValueRefused, match="not a forecast"):
        overlay.update_forecast_overlay({"symbol": "BTC/USD"})


def test_a_long_fan_has_about_forty_corners():
    overlay = ForecastOverlay("BTC/USD", HOUR)

    steps = overlay.update_forecast_overlay(fan(horizon=500))["steps"]

    assert steps[0] == 0
    assert steps[-1] == 500
    assert len(steps) <= 41
