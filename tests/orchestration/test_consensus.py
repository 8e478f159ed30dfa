"""One fan out of many: averaged, never crossed, and clear about who is in it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_orchestration as naive
from tests.support.plain_bots import a_forecast
from workbench.orchestration.consensus import combine

SEEN = datetime(2019, 3, 1, tzinfo=UTC)


@st.composite
def fans(draw):
    made = {}
    for number in range(draw(st.integers(1, 5))):
        levels = sorted(draw(st.sets(st.integers(1, 99), min_size=2, max_size=9)))
        offsets = sorted(draw(st.lists(st.floats(-400, 400), min_size=len(levels), max_size=len(levels))))
        levels, values = tuple(p / 100 for p in levels), tuple(8000 + offset for offset in offsets)
        made[f"bot{number}"] = a_forecast(f"bot{number}", levels=levels, values=values)
    return made


@given(fans(), st.data())
def test_agrees_with_its_naive_twin_and_never_crosses(forecasts, data):
    weights = {bot: data.draw(st.floats(0.01, 10)) for bot in forecasts}

    together = combine(forecasts, weights=weights)

    twin = naive.consensus({b: (f.levels, f.values) for b, f in forecasts.items()}, weights)
    if together.forecast is None:
        assert twin == {}
        return
    assert together.forecast.levels == tuple(twin)
    assert_allclose(together.forecast.values, list(twin.values()), rtol=1e-12)
    assert list(together.forecast.values) == sorted(together.forecast.values)
    assert_allclose(sum(together.weights.values()), 1)


@given(fans())
def test_the_order_of_bots_changes_nothing(forecasts):
    there, back = combine(forecasts), combine(dict(reversed(forecasts.items())))

    assert there.forecast == back.forecast
    assert there.weights == back.weights


def test_one_bot_alone_is_the_consensus():
    only = a_forecast("trend")

    together = combine({"trend": only})

    assert together.forecast.values == only.values
    assert together.weights == {"trend": 1.0}


def test_who_did_not_speak_is_named_with_the_reason():
    forecasts = {
        "a": a_forecast("a"),
        "b": a_forecast("b"),
        "short": a_forecast("short", horizon=4),
        "late": a_forecast("late", seen_at=SEEN - timedelta(hours=3)),
        "elsewhere": a_forecast("elsewhere", reference=9.0),
    }

    together = combine(forecasts, {"silent": "no answer within 3 s"})

    assert set(together.weights) == {"a", "b"}
    assert together.left_out["short"] == "it looks 4 bars ahead, the others 24"
    assert together.left_out["late"] == "it saw 3 bars less than the newest"
    assert "its last close 9" in together.left_out["elsewhere"]
    assert together.left_out["silent"] == "no answer within 3 s"


def test_a_bar_of_difference_is_a_matter_of_milliseconds_and_forgiven():
    forecasts = {"a": a_forecast("a"), "b": a_forecast("b", seen_at=SEEN + timedelta(hours=1))}

    together = combine(forecasts)

    assert set(together.weights) == {"a", "b"}
    assert together.forecast.seen_at == SEEN + timedelta(hours=1)


def test_without_anybody_there_is_no_forecast():
    assert combine({}).forecast is None


def test_weights_that_are_no_weights_count_as_none():
    forecasts = {name: a_forecast(name) for name in "abc"}

    together = combine(forecasts, weights={"a": 1.0, "b": float("nan"), "c": -2.0})

    assert together.weights == {"a": 1.0}
    assert together.left_out == {"b": "its weight is 0", "c": "its weight is 0"}


def test_fans_without_a_common_range_are_not_extrapolated():
    low = a_forecast("low", levels=(0.1, 0.2), values=(1.0, 2.0))
    high = a_forecast("high", levels=(0.8, 0.9), values=(3.0, 4.0))

    together = combine({"low": low, "high": high})

    assert together.forecast is None
    assert set(together.left_out) == {"low", "high"}
