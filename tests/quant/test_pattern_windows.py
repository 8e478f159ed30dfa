"""Windows as the classifier sees them, beside their definition; what is no window is refused by its shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_shapes as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.pattern_windows import CHANNELS, POINTS, prepared, prepared_all


def bars(seed, n):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(rng.normal(0, 0.01, n).cumsum())
    return np.c_[close, close * rng.uniform(1, 1.01, n), close / rng.uniform(1, 1.01, n), close, rng.uniform(0, 9, n)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(4, 300))
def test_a_window_is_what_its_definition_says(seed, n):
    window = bars(seed, n)

    np.testing.assert_allclose(prepared(window), naive.prepared(window), atol=2e-6)


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(4, 130), max_size=6))
def test_a_window_does_not_depend_on_the_others(lengths):
    windows = [bars(seed, n) for seed, n in enumerate(lengths)]

    together = prepared_all(windows)

    assert together.shape == (len(lengths), CHANNELS, POINTS)
    assert together.dtype == np.float32
    for one, window in zip(together, windows, strict=True):
        np.testing.assert_array_equal(one, prepared(window))


def test_a_flat_channel_is_zeros():
    flat = np.tile([5.0, 5.0, 5.0, 5.0, 0.0], (30, 1))

    assert not prepared(flat).any()


@pytest.mark.parametrize(("value", "column"), [(np.nan, 1), (np.inf, 4), (0.0, 3), (-1.0, 2)])
def test_a_bar_that_is_none_is_refused_with_its_window(value, column):
    broken = bars(1, 24)
    broken[7, column] = value

    with pytest.raises(ValueRefused, match=r"finite; got \(24, 5\)"):
        prepared_all([bars(0, 30), broken, bars(2, 40)])
    with pytest.raises(ValueRefused, match=r"got \(3, 5\)"):
        prepared(bars(0, 3))
    with pytest.raises(ValueRefused, match=r"got \(30, 4\)"):
        prepared(bars(0, 30)[:, :4])
