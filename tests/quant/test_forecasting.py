"""Forecasts from any list of series; promotion only on later data; return fans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.domain.errors import TimeframeError, ValueRefused
from workbench.quant.fans import LEVELS
from workbench.quant.forecasting import Request, forecast_series
from workbench.quant.lags import features, prepared, seasonal_offsets, targets
from workbench.quant.promotion import Terms, judge
from workbench.quant.return_fans import (
    NORMAL_SHAPE,
    from_sigmas,
    future_returns,
    in_sigmas,
    learn_shape,
    price_fan,
    return_fan,
)
from workbench.quant.scoring import covered, pinball

calm = settings(deadline=None, max_examples=40)
some_series = st.lists(
    st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)), min_size=3, max_size=30).filter(
        lambda values: np.isfinite(values).sum() >= 3
    ),
    min_size=1,
    max_size=4,
)


def weekly(rng, count, bars):
    """Sales-like series: level, week, noise."""
    at = np.arange(bars)
    return [200 + 40 * np.sin(2 * np.pi * at / 7 + phase) + rng.normal(0, 3, bars) for phase in range(count)]


@calm
@given(some_series, st.integers(1, 6), st.sampled_from(["1h", "1d", "1w", "M", "Q", "Y"]))
def test_anything_numeric_gets_a_fan_that_does_not_cross(series, horizon, frequency):
    found = forecast_series(series, Request(horizon, frequency))

    assert found.values.shape == (len(series), horizon, len(LEVELS))
    assert not np.isnan(found.values).any()
    assert (np.diff(found.values, axis=-1) >= 0).all()


def test_a_season_is_found_and_beats_staying():
    rng = np.random.default_rng(0)
    series = weekly(rng, 8, 400)
    found = forecast_series([s[:-7] for s in series], Request(7, "1d"))

    truth = np.stack([s[-7:] for s in series])
    naive = pinball(LEVELS, found.values - found.values[..., 5:6] + np.stack(series)[:, -8, None, None], truth)
    assert found.method in ("seasonal", "pooled")
    assert found.judgements["seasonal"].promoted
    assert pinball(LEVELS, found.values, truth).mean() < 0.3 * naive.mean()


def test_a_random_walk_is_left_to_the_naive_forecast_with_honest_intervals():
    rng, hits = np.random.default_rng(1), []
    for _ in range(6):
        walks = np.cumsum(rng.normal(size=(12, 420)), axis=1)
        found = forecast_series(list(walks[:, :400]), Request(20, "1d"))
        hits.append(covered(LEVELS, found.values, walks[:, 400:]))
        assert found.method == "naive"
        assert_allclose(found.values[..., 5], walks[:, [399] * 20], atol=1e-9)

    assert np.mean(hits) == pytest.approx(0.9, abs=0.06)


def test_a_trend_is_followed():
    rng = np.random.default_rng(8)
    series = [slope * np.arange(300.0) + rng.normal(0, 1, 300) for slope in (2.0, -1.0, 3.0)]

    found = forecast_series(series, Request(10, "1w"))

    assert found.method != "naive"
    assert_allclose(found.values[:, -1, 5], [2 * 309, -309, 3 * 309], atol=8)


def test_positive_series_stay_positive_and_units_do_not_matter():
    rng = np.random.default_rng(2)
    prices = np.exp(np.cumsum(rng.normal(0, 0.5, (3, 200)), axis=1))

    found = forecast_series(list(prices), Request(30, "1d"))
    scaled = forecast_series(list(prices * 1e4), Request(30, "1d"))

    assert (found.values > 0).all()
    assert_allclose(scaled.values, found.values * 1e4, rtol=1e-6)


def test_what_cannot_be_forecast_is_refused_by_number():
    with pytest.raises(ValueRefused, match="series 1"):
        forecast_series([[1, 2, 3], [1, np.nan]], Request(1, "1d"))
    with pytest.raises(ValueRefused, match="one series"):
        forecast_series([], Request(1, "1d"))
    with pytest.raises(ValueRefused, match="horizon"):
        Request(0, "1d")
    with pytest.raises(TimeframeError):
        forecast_series([[1, 2, 3]], Request(1, "fortnight"))


@pytest.mark.parametrize(("frequency", "season"), [("1h", 24), ("30m", 48), ("1d", 7), ("1w", 52), ("M", 12), ("Y", 1)])
def test_the_calendar_of_each_frequency(frequency, season):
    assert Request(1, frequency).season == season


def test_what_is_seen_at_an_origin_does_not_depend_on_later_bars():
    raw = np.cumsum(np.random.default_rng(3).normal(size=120))
    spoiled = np.concatenate([raw[:80], np.full(20, 1e7), np.full(20, np.nan)])
    at = np.arange(5, 80)
    whole, cut, bad = (prepared(r) for r in (raw, raw[:80], spoiled))

    for function in (lambda s: features(s, at, 7), lambda s: s.steps[:80], lambda s: s.values[:80]):
        assert_array_equal(function(whole), function(cut))
        assert_array_equal(function(whole), function(bad))
    early = np.arange(14, 70)
    assert_array_equal(seasonal_offsets(whole, early, 5, 7), seasonal_offsets(cut, early, 5, 7))


def test_seasonal_offsets_repeat_the_last_season():
    one = prepared(np.arange(-10.0, 40.0))  # straight line: a season ago it stood 7 lower
    offset = seasonal_offsets(one, np.array([30]), 10, 7) * one.steps[30]

    assert_allclose(offset[0], [-6, -5, -4, -3, -2, -1, 0, -6, -5, -4])
    assert_allclose(targets(one, np.array([30]), 3) * one.steps[30], [[1, 2, 3]])


def test_a_challenger_is_promoted_only_for_what_it_did_after_training():
    rng = np.random.default_rng(4)
    at = np.arange(400.0)
    champion = rng.exponential(size=400)
    memorised = np.where(at < 300, 0.0, champion + rng.normal(0.1, 0.1, 400))  # perfect on what it learned from

    assert not judge(champion, memorised, at, 300, Terms(least_rows=50)).promoted
    assert judge(champion, 0.8 * champion, at, 300, Terms(least_rows=50)).promoted
    assert "chance" in judge(champion, champion + rng.normal(-0.001, 1, 400), at, 0).reason
    assert "matured" in judge(champion, 0.5 * champion, at, 390).reason
    assert not judge(champion, champion, at, 0).promoted


def test_many_symbols_at_one_time_are_one_witness():
    rng = np.random.default_rng(5)
    at = np.repeat(np.arange(30.0), 40)
    shared = np.repeat(rng.normal(-0.1, 1.0, 30), 40)  # one shock a time, the same for forty symbols

    many = judge(np.full(1200, 2.0), 2 + shared, at, 0, Terms(least_rows=20))
    one = judge(np.full(30, 2.0), 2 + shared[::40], at[::40], 0, Terms(least_rows=20))

    assert many.rows == 30
    assert many.p_value == pytest.approx(one.p_value)


def test_false_promotions_are_as_rare_as_said():
    rng = np.random.default_rng(6)
    promoted = [
        judge(*rng.exponential(size=(2, 300)), np.arange(300.0), 0, Terms(doubt=0.05)).promoted for _ in range(400)
    ]

    assert np.mean(promoted) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_losses_that_do_not_match_are_refused():
    with pytest.raises(ValueRefused):
        judge([1.0], [1.0, 2.0], [1.0], 0)
    with pytest.raises(ValueRefused):
        judge([1.0, 2.0], [1.0, 2.0], [2.0, 1.0], 0)


def test_a_learned_shape_scales_with_the_forecast():
    rng = np.random.default_rng(7)
    sigma = np.exp(rng.normal(0, 0.5, 5000))
    returns = rng.normal(size=5000) * sigma

    shape = learn_shape(returns, sigma**2)
    fan = return_fan(sigma**2, shape)

    assert_allclose(shape, NORMAL_SHAPE, atol=0.06)
    assert covered(LEVELS, fan, returns).mean() == pytest.approx(0.9, abs=0.005)
    assert_allclose(price_fan(100.0, fan[0])[5], 100 * np.exp(fan[0, 5]))
    with pytest.raises(ValueRefused, match="50 matured"):
        learn_shape(returns[:20], sigma[:20])


def test_prices_in_sigmas_and_back():
    prices = np.array([[90.0, 100.0, 120.0], [1.0, 2.0, 4.0]])

    found = in_sigmas(prices, [100.0, 2.0], [0.1, np.log(2)])

    assert_allclose(found[1], [-1, 0, 1])
    assert_allclose(from_sigmas(found, [100.0, 2.0], [0.1, np.log(2)]), prices)


def test_future_returns_say_that_they_look_ahead():
    closes = np.array([1.0, 2.0, 4.0, 8.0])

    assert_allclose(future_returns(closes, 2)[:2], np.log(4))
    assert np.isnan(future_returns(closes, 2)[2:]).all()
    assert np.isnan(future_returns(closes, 9)).all()
