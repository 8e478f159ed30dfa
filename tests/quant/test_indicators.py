"""Indicators against slow twins; no look-ahead; a finite memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from tests.support import naive_bots as naive
from workbench.quant import indicators as ind

series = arrays(float, st.integers(1, 60), elements=st.floats(1, 1e5))
window = st.integers(1, 12)


@pytest.mark.parametrize(
    ("fast", "how"),
    [
        (ind.rolling_mean, np.mean),
        (ind.rolling_std, np.std),
        (ind.rolling_max, max),
        (ind.rolling_min, min),
    ],
)
@given(values=series, window=window)
def test_rolling_figures_agree_with_their_twins(fast, how, values, window):
    assert_allclose(fast(values, window), naive.rolling(values, window, how), rtol=1e-9)


@given(series, series, series, window)
def test_average_true_range_agrees_with_its_twin(a, b, c, window):
    n = min(map(len, (a, b, c)))
    low, high, close = np.minimum(a[:n], b[:n]), np.maximum(a[:n], b[:n]), c[:n]

    expected = naive.rolling(naive.true_range(high, low, close), window, np.mean)

    assert_allclose(ind.atr(high, low, close, window), expected, rtol=1e-9)


@given(series)
def test_mixed_volatility_agrees_with_its_twin(close):
    fast = ind.mixed_volatility(ind.log_returns(close), 2, 3, 5)

    assert_allclose(fast, naive.mixed_volatility(close, (2, 3, 5)), rtol=1e-9, atol=1e-15)


@given(series, window)
def test_a_zscore_of_something_that_never_moves_is_zero(values, window):
    flat = np.full(len(values), values[0])

    assert np.nansum(np.abs(ind.zscore(flat, window))) == 0


@given(series, window)
def test_a_close_stands_within_its_channel(close, window):
    position = ind.channel_position(close, close, close, window)

    assert (np.abs(position[~np.isnan(position)]) <= 1 + 1e-9).all()


CAUSAL = [
    lambda v, w: ind.rolling_mean(v, w),
    lambda v, w: ind.rolling_std(v, w),
    lambda v, w: ind.zscore(v, w),
    lambda v, w: ind.log_returns(v, w),
    lambda v, w: ind.lagged(v, w),
    lambda v, w: ind.atr(v * 1.01, v * 0.99, v, w),
    lambda v, w: ind.channel_position(v * 1.01, v * 0.99, v, w),
    lambda v, w: ind.standardised(v, ind.mixed_volatility(ind.log_returns(v), w, w + 1, w + 2), w),
]


@pytest.mark.parametrize("indicator", CAUSAL)
@given(values=series, window=window, data=st.data())
def test_the_future_changes_no_past_value(indicator, values, window, data):
    cut = data.draw(st.integers(1, len(values)))

    assert np.array_equal(indicator(values, window)[:cut], indicator(values[:cut], window), equal_nan=True)


@pytest.mark.parametrize("indicator", CAUSAL)
@given(values=series, window=window)
def test_what_lies_before_the_window_changes_no_bit(indicator, values, window):
    whole, tail = indicator(values, window), indicator(values[-2 * window - 4 :], window)

    assert np.array_equal(whole[-1:], tail[-1:], equal_nan=True) or len(values) < 2 * window + 4
