"""Copies of windows where they are few: their number, their names, and that they stay windows of the same values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.quant.blend import fit_blend
from workbench.quant.window_copies import BEND, COPIES, CUT, FEW, with_copies


def walks(count, channels, bars, seed=0):
    return np.random.default_rng(seed).normal(size=(count, channels, bars)).cumsum(axis=2).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(2, 15), channels=st.integers(1, 3), bars=st.integers(2, 90), seed=st.integers(0, 99))
def test_copies_follow_their_windows_and_keep_their_names_and_bounds(count, channels, bars, seed):
    windows, classes = walks(count, channels, bars, seed), np.arange(count) % 2

    x, y = with_copies(windows, classes, seed)

    assert x.dtype == windows.dtype
    np.testing.assert_array_equal(x[:count], windows)
    parts = x.reshape(1 + COPIES, *windows.shape)
    np.testing.assert_array_equal(y.reshape(1 + COPIES, count), np.tile(classes, (1 + COPIES, 1)))
    assert (parts <= windows.max(axis=2, keepdims=True) + 1e-4).all()
    assert (parts >= windows.min(axis=2, keepdims=True) - 1e-4).all()
    np.testing.assert_array_equal(with_copies(windows, classes, seed)[0], x)


def test_a_copy_moves_no_bar_farther_than_cut_and_bend_allow():
    time = np.linspace(0, 1, 50, dtype=np.float32)[None, None]

    x, _ = with_copies(np.repeat(time, 7, axis=0), np.arange(7) % 2, 3)

    assert (np.diff(x, axis=2) > 0).all()
    assert np.abs(x - time).max() <= CUT + BEND


@pytest.mark.parametrize(("count", "made"), [(2 * FEW - 1, True), (2 * FEW, False)])
def test_enough_windows_are_left_alone(count, made):
    x, _ = with_copies(walks(count, 1, 20), np.arange(count) % 2, 0)

    assert len(x) == count * (1 + COPIES * made)


def test_three_windows_a_class_teach_a_shape_wherever_it_was_cut():
    t = np.linspace(0, 1, 64)

    def drawn(count, seed):
        rng = np.random.default_rng(seed)
        at = rng.uniform(0.4, 0.6, count)
        humps = np.exp(-(((t - at[:, None]) / 0.1) ** 2)) * np.where(np.arange(count) % 2, 1, -1)[:, None]
        return (humps + rng.normal(0, 0.2, humps.shape))[:, None], np.arange(count) % 2

    model = fit_blend(*drawn(6, 1), trees=20, features=840)

    later, truth = drawn(100, 2)
    assert np.mean(model.probabilities(later).argmax(axis=1) == truth) > 0.9
