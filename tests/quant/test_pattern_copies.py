"""More windows of a pattern than were labelled: what they share with the labels, and what with history."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.domain.errors import ValueRefused
from workbench.quant.matched import Matched
from workbench.quant.pattern_copies import contrast, laid_over, strangers
from workbench.quant.pattern_model import fit_patterns
from workbench.quant.pattern_windows import POINTS, prepared, unit

T = np.linspace(0, 1, POINTS)
DIP = unit(-np.exp(-(((T - 0.5) / 0.15) ** 2)))


def history(count, seed):
    """Windows of bars of random walks."""
    rng = np.random.default_rng(seed)
    close = np.exp(rng.normal(0, 0.01, (count, POINTS)).cumsum(axis=1))
    return np.stack([close, close * 1.002, close * 0.998, close, rng.uniform(1, 2, close.shape)], axis=2)


def ordinary(count, seed=0):
    return np.array([prepared(bars) for bars in history(count, seed)])


@pytest.mark.parametrize("ratio", [1.0, 2.0, 4.0])
def test_contrast_is_that_of_the_windows(ratio):
    noise = np.random.default_rng(1).normal(size=(60, POINTS))
    labels = np.array([unit(ratio * DIP + unit(one)) for one in noise])

    assert contrast([labels[:30], labels[30:]]) == pytest.approx(ratio, rel=0.1)


def test_a_copy_lies_between_the_windows_own_moves_and_the_shape():
    windows = ordinary(40)
    line = np.polynomial.polynomial.polyfit(T, windows[:, 0].T.astype(float), 1)
    own = windows[:, 0] - np.polynomial.polynomial.polyval(T, line)

    faint, middling, bold = (laid_over(DIP, ratio, windows, np.random.default_rng(2)) for ratio in (1e-6, 2.0, 1e6))

    for n in range(40):
        assert np.corrcoef(faint[n, 0], own[n])[0, 1] > 0.999
        assert np.corrcoef(bold[n, 0], DIP)[0, 1] > 0.8  # not 1: it is bent and moved
        assert [middling[n, 0].mean(), middling[n, 0].std()] == pytest.approx([0, 1], abs=1e-5)
        assert np.corrcoef(middling[n, 1], windows[n, 1])[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.array_equal(middling[:, 2], windows[:, 2])


def test_strangers_resemble_neither_each_other_nor_a_line():
    shapes = strangers(30, np.random.default_rng(4))

    assert np.allclose(shapes.mean(axis=1), 0)
    assert np.allclose(shapes.std(axis=1), 1)
    likeness = np.abs(shapes @ shapes.T / POINTS)[~np.eye(30, dtype=bool)]
    assert np.median(likeness) < 0.5
    assert np.median(np.abs(shapes @ unit(T) / POINTS)) < 0.7


def test_a_flat_window_takes_the_shape_and_spoils_nothing():
    flat = np.zeros((1, 3, POINTS), np.float32)

    assert np.isfinite(laid_over(DIP, 2.0, flat, np.random.default_rng(3))).all()


def test_from_three_labels_on_what_was_labelled_is_told_from_history_and_from_strangers():
    def drawn(shape, count, seed):
        bars = history(count, seed)
        lifted = 0.08 * np.array([np.interp(T + by, T, shape) for by in np.linspace(-0.02, 0.02, count)])
        bars[:, :, :4] *= np.exp(lifted)[:, :, None]
        return list(bars)

    wave = np.sin(6 * np.pi * T)
    model = fit_patterns(drawn(DIP, 3, 10), ["dip"] * 3, list(history(200, 11)), trees=40)

    def judged(windows):
        return model.judge(np.array([prepared(bars) for bars in windows]))

    assert judged(drawn(DIP, 40, 12)).accepted.mean() > 0.7
    assert judged(history(400, 13)).accepted.mean() < 0.06
    assert judged(drawn(wave, 40, 14)).accepted.mean() < 0.1


def test_a_model_with_more_or_fewer_filters_than_patterns_is_refused():
    bars = history(103, 20)
    model = fit_patterns(list(bars[:3]), ["dip"] * 3, list(bars[3:]), trees=3)

    for filters in (np.concatenate([model.matched.shapes] * 2), np.ones((5, 63, 81), np.float32)):
        with pytest.raises(ValueRefused, match="filter each"):
            replace(model, matched=Matched(filters))
