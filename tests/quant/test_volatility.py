"""Volatility: twins, recoveries, arrays that travel, and no look-ahead anywhere."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from tests.support import naive_learning as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.garch import Garch, fit_garch, garch_variance
from workbench.quant.panels import Panel, features, log_targets, panel_of, settled
from workbench.quant.pooled import forecast_variance, model_from, train_volatility
from workbench.quant.ridge import gram, solve
from workbench.quant.scoring import qlike
from workbench.quant.trees import Growth, grow, predict, trees_from
from workbench.quant.volatility import (
    ewma_variance,
    fit_har,
    future_variance,
    har_variance,
    log_returns,
    range_variance,
    realised_variance,
    trailing_mean,
    windows_for,
)

calm = settings(deadline=None, max_examples=60)
gappy = st.lists(st.one_of(st.just(np.nan), st.floats(-5, 5)), min_size=1, max_size=40)


def moves(rng, bars, symbols=1):
    """GARCH returns of shape (bars, symbols): volatility that clusters."""
    z, out, variance = rng.standard_t(6, (bars, symbols)) / np.sqrt(1.5), np.empty((bars, symbols)), 1e-4
    variance = np.full(symbols, 1e-4)
    for t in range(bars):
        out[t] = np.sqrt(variance) * z[t]
        variance = 4e-6 + 0.1 * out[t] ** 2 + 0.86 * variance
    return out


def panel(rng, bars=1500, symbols=3):
    steps = moves(rng, bars * 4, symbols).reshape(bars, 4, symbols) / 2
    path = np.exp(np.cumsum(steps.reshape(-1, symbols), axis=0)).reshape(bars, 4, symbols) * 100
    opened = np.arange(bars) * 3600 + 1_700_000_000 // 3600 * 3600
    names = tuple(f"C{j}" for j in range(symbols))
    volume = rng.lognormal(size=(bars, symbols))
    return Panel(names, opened, 3600, path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1], volume)


@calm
@given(gappy, st.integers(1, 8), st.integers(1, 3))
def test_trailing_means_agree_with_their_naive_twin(values, window, least):
    assert_allclose(
        trailing_mean(np.array(values), window, least), naive.trailing_mean(values, window, least), atol=1e-9
    )


@calm
@given(gappy, st.floats(0.5, 0.99))
def test_ewma_agrees_with_its_naive_twin(returns, decay):
    assert_allclose(ewma_variance(np.array(returns), decay), naive.ewma(returns, decay), rtol=1e-9, atol=1e-12)


def test_the_future_is_the_past_of_a_later_bar():
    closes = np.exp(np.cumsum(moves(np.random.default_rng(0), 200)[:, 0]))

    assert_allclose(future_variance(closes, 24)[:-24], realised_variance(closes, 24)[24:])
    assert np.isnan(future_variance(closes, 24)[-24:]).all()
    assert np.isnan(future_variance(closes[:5], 24)).all()


def test_the_range_measures_the_variance_of_a_random_walk():
    steps = np.random.default_rng(0).normal(0, 0.001, (4000, 400))
    path = np.exp(np.cumsum(steps, axis=1))
    opens = np.ones(4000)
    highs, lows = np.maximum(path.max(axis=1), 1), np.minimum(path.min(axis=1), 1)

    assert range_variance(opens, highs, lows, path[:, -1]).mean() == pytest.approx(400 * 1e-6, rel=0.1)


def test_windows_span_an_eighth_of_a_day_to_a_month():
    assert windows_for(3600) == (3, 6, 12, 24, 72, 168, 720)
    assert windows_for(86400) == (1, 3, 7, 30)


def test_garch_is_found_again_from_its_own_returns():
    returns = moves(np.random.default_rng(5), 20_000)[:, 0]
    model = fit_garch(returns)

    assert model.alpha == pytest.approx(0.1, abs=0.02)
    assert model.beta == pytest.approx(0.86, abs=0.03)
    assert model.nu == pytest.approx(6, abs=1)
    assert fit_garch(returns) == model


def test_garch_likelihood_agrees_with_scipy():
    from scipy.stats import t

    r = moves(np.random.default_rng(6), 1500)[:, 0]
    m = fit_garch(r)
    variance, total = m.omega + (m.alpha + m.beta) * m.start, 0.0
    for x in r:
        total += t.logpdf(x, m.nu, loc=m.mu, scale=np.sqrt(variance * (m.nu - 2) / m.nu))
        variance = m.omega + m.alpha * (x - m.mu) ** 2 + m.beta * variance

    assert m.likelihood == pytest.approx(total, rel=1e-9)


@calm
@given(arrays(float, st.integers(1, 30), elements=st.floats(-0.1, 0.1)), st.integers(1, 30))
def test_garch_sums_agree_with_their_naive_twin(returns, horizon):
    model = Garch(0.001, 1e-6, 0.1, 0.85, 5.0, 1e-4, 0.0)

    assert garch_variance(model, returns, horizon)[-1] == pytest.approx(naive.garch_sum(model, returns, horizon))


@calm
@given(st.integers(0, 2**31), st.integers(0, 60))
def test_two_grams_add_up_to_the_fit_on_all_rows(seed, cut):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(60, 4)) * [1, 100, 0.01, 1], rng.normal(size=60)

    whole, merged = solve(gram(x, y), 3.0), solve(gram(x[:cut], y[:cut]) + gram(x[cut:], y[cut:]), 3.0)

    assert_allclose(merged.coefficients, whole.coefficients, rtol=1e-6, atol=1e-9)
    assert merged.intercept == pytest.approx(whole.intercept, abs=1e-9)


def test_without_penalty_ridge_is_least_squares():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    y = 2 + x @ [1.0, -2.0, 0.5] + rng.normal(size=80)

    found = solve(gram(np.column_stack([x, np.full(80, 7.0)]), y))

    expected = np.linalg.lstsq(np.column_stack([np.ones(80), x]), y, rcond=None)[0]
    assert_allclose([found.intercept, *found.coefficients[:3]], expected, rtol=1e-9)
    assert found.coefficients[3] == 0
    with pytest.raises(ValueRefused, match="two rows"):
        solve(gram(x * np.nan, y))


def test_trees_as_arrays_predict_what_scikit_learn_does():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 5))
    y = x[:, 0] * x[:, 1] + rng.normal(size=3000)
    theirs = HistGradientBoostingRegressor(
        max_iter=30, learning_rate=0.1, max_leaf_nodes=9, min_samples_leaf=50, l2_regularization=1.0,
        early_stopping=False, random_state=0,
    ).fit(x, y)  # fmt: skip

    trees = grow(x, y, Growth(rounds=30, learning_rate=0.1, leaves=9, leaf_rows=50, l2=1.0))
    again = trees_from(trees.arrays())

    assert_allclose(predict(trees, x), theirs.predict(x), rtol=1e-12, atol=1e-12)
    assert_array_equal(predict(again, x), predict(trees, x))
    assert np.isnan(predict(trees, np.full((1, 5), np.nan))).all()


def small_trees():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    return grow(x, x[:, 0], Growth(rounds=3, leaf_rows=20))


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("left", 0, 0),
        ("right", 0, 10**9),
        ("right", 0, -1),
        ("feature", 0, 2),
        ("roots", 1, 10**6),
        ("value", 1, np.nan),
    ],
)
def test_hostile_trees_are_refused(name, index, value):
    arrays = {key: np.array(array) for key, array in small_trees().arrays().items()}
    arrays[name][index] = value

    with pytest.raises(ValueRefused, match="not trees"):
        trees_from(arrays)


def test_trees_with_parts_missing_or_of_the_wrong_width_are_refused():
    arrays = dict(small_trees().arrays())
    del arrays["left"]

    with pytest.raises(ValueRefused, match="not trees"):
        trees_from(arrays)
    with pytest.raises(ValueRefused, match="read 2 columns"):
        predict(small_trees(), np.zeros((3, 5)))


def test_the_shared_model_beats_the_last_value_and_travels_as_arrays():
    rng = np.random.default_rng(1)
    bars = panel(rng, 2600)
    known, target = features(bars), future_variance(bars.close, 24)
    model = train_volatility(bars.rows(1800), 24, Growth(rounds=30, leaf_rows=100))

    found = forecast_variance(model, known)
    again = model_from(model.arrays())

    later = slice(1800, -24)
    assert qlike(target, found)[later].mean() < 0.8 * qlike(target, realised_variance(bars.close, 24))[later].mean()
    assert_array_equal(forecast_variance(again, known), found)
    assert model.trained_until_s == bars.opened_s[1799] + 3600


def test_a_model_that_does_not_fit_together_is_refused():
    model = train_volatility(panel(np.random.default_rng(1), 900), 24, Growth(rounds=2))
    arrays = dict(model.arrays())

    for name, wrong in (("head", np.zeros(3)), ("coefficients", np.zeros(2)), ("scalars", np.array([np.nan, 0]))):
        with pytest.raises(ValueRefused, match="not a volatility model"):
            model_from({**arrays, name: wrong})
    with pytest.raises(ValueRefused):
        model_from({})


def test_training_uses_matured_outcomes_only():
    bars = panel(np.random.default_rng(2), 1000)
    spoiled = panel(np.random.default_rng(2), 1000)
    for name in ("open", "high", "low", "close"):
        getattr(spoiled, name)[900:] *= 50.0

    one, other = (train_volatility(p.rows(900), 24, Growth(rounds=3)) for p in (bars, spoiled))

    for name, array in one.arrays().items():
        assert_array_equal(array, other.arrays()[name])
    with pytest.raises(ValueRefused, match="500 complete rows"):
        train_volatility(bars.rows(100), 24)


def test_candle_tables_meet_on_one_grid():
    def table(start, bars):
        index = pd.date_range(start, periods=bars, freq="h", tz="UTC").as_unit("ms")
        return pd.DataFrame({c: np.arange(bars) + 1.0 for c in ("open", "high", "low", "close", "volume")}, index=index)

    found = panel_of({"A": table("2024-01-01 02:00", 3), "B": table("2024-01-01 00:00", 2)}, 3600)

    assert found.symbols == ("A", "B")
    assert_array_equal(found.close, [[np.nan, 1], [np.nan, 2], [1, np.nan], [2, np.nan], [3, np.nan]])
    with pytest.raises(ValueRefused):
        panel_of({}, 3600)


def of_time():
    """Every function of time, as (name, function of a panel giving rows by bar)."""
    garch = Garch(0.0, 1e-6, 0.1, 0.85, 5.0, 1e-4, 0.0)
    rng = np.random.default_rng(3)
    har = fit_har(panel(rng, 1200).close[:, 0], 24)
    model = train_volatility(panel(rng, 900), 24, Growth(rounds=3))
    return {
        "returns": lambda p: log_returns(p.close),
        "range": lambda p: range_variance(p.open, p.high, p.low, p.close),
        "realised": lambda p: realised_variance(p.close, 24),
        "ewma": lambda p: ewma_variance(log_returns(p.close)),
        "trailing": lambda p: trailing_mean(log_returns(p.close), 30, 5),
        "har": lambda p: har_variance(har, p.close[:, 0]),
        "garch": lambda p: garch_variance(garch, log_returns(p.close)[:, 0], 24),
        "features": features,
        "settled": settled,
        "shared": lambda p: forecast_variance(model, features(p)),
    }


@pytest.mark.parametrize("name", list(of_time()))
def test_the_future_changes_nothing(name):
    function, bars = of_time()[name], panel(np.random.default_rng(4), 800)
    spoiled = panel(np.random.default_rng(4), 800)
    for column in ("open", "high", "low", "close", "volume"):
        getattr(spoiled, column)[750:] = np.random.default_rng(9).lognormal(5, 3, (50, 3))
    spoiled.close[770:] = np.nan

    whole = function(bars)

    assert_array_equal(whole[:750], function(bars.rows(750)))
    assert_array_equal(whole[:750], function(spoiled)[:750])


def test_targets_say_that_they_look_ahead():
    bars = panel(np.random.default_rng(4), 100)

    assert np.isnan(log_targets(bars, 24)[-24:]).all()
    assert not np.array_equal(log_targets(bars, 24)[:76], log_targets(bars.rows(76), 24))
