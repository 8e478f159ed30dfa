"""Filters matched to patterns: what they say beside its definition, and what must not matter to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.quant.matched import SLOW, Matched, matched_to, soft_changes
from workbench.quant.pattern_middle import aligned, bends, middle, waves
from workbench.quant.pattern_windows import POINTS, unit

T = np.linspace(0, 1, POINTS)
DIP = unit(-np.exp(-(((T - 0.5) / 0.1) ** 2)))
WAVE = unit(np.sin(6 * np.pi * T))
STEP = unit((T > 0.5) * 1.0)


def walks(count, seed):
    return np.random.default_rng(seed).normal(0, 0.01, (count, POINTS)).cumsum(axis=1)


def over_walks(shape, count, seed, ratio=2.0):
    noise = walks(count, seed)
    return np.array([unit(ratio * shape + unit(one)) for one in noise])


def slow_evidence(closes, shape):
    """Straight from the docstring, for one window and one shape."""
    changes = np.diff(closes)
    soft = np.tanh(changes / np.sqrt(np.mean(changes**2)))
    best = 0.0
    for one in bends(shape):
        t = np.diff(one)
        best = max(best, float(soft @ t) / float(np.linalg.norm(soft) * np.linalg.norm(t)))
    return -(POINTS - 1) / 2 * np.log(1 - best**2)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999))
def test_evidence_is_what_its_definition_says(seed):
    closes = np.concatenate([walks(2, seed), over_walks(DIP, 1, seed)])

    told = matched_to(np.array([DIP, WAVE])).evidence(closes)

    slow = [[slow_evidence(one, shape) for shape in (DIP, WAVE)] for one in closes]
    np.testing.assert_allclose(told, slow, rtol=1e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), level=st.floats(-50, 50), scale=st.floats(1e-3, 1e3))
def test_level_and_scale_and_other_windows_do_not_matter(seed, level, scale):
    filters, closes = matched_to(np.array([DIP, STEP])), walks(5, seed)

    told = filters.evidence(closes)

    np.testing.assert_allclose(filters.evidence(level + scale * closes), told, rtol=1e-3, atol=1e-3)
    for row in range(5):
        np.testing.assert_array_equal(filters.evidence(closes[row : row + 1])[0], told[row])


def test_a_pattern_is_told_from_walks_and_from_another_pattern():
    filters = matched_to(np.array([DIP, WAVE]))

    dips, plain = filters.evidence(over_walks(DIP, 200, 1)), filters.evidence(walks(1000, 2))

    assert np.mean(dips[:, 0] > np.quantile(plain[:, 0], 0.98)) > 0.9
    assert np.mean(dips[:, 0] > dips[:, 1]) > 0.95
    assert (plain >= 0).all()


def test_a_flat_window_tells_nothing():
    filters = matched_to(np.array([DIP]))

    assert filters.evidence(np.full((1, POINTS), 3.0)) == 0
    assert not soft_changes(np.zeros((2, POINTS))).any()


@pytest.mark.parametrize("ratio", [1.5, 3.0, 12.0])
def test_another_smooth_shape_outdoes_a_pattern_and_the_patterns_own_windows_do_not(ratio):
    filters = matched_to(middle(over_walks(WAVE, 8, 4, ratio))[None])
    own, strange = over_walks(WAVE, 200, 5, ratio), over_walks(unit(T**2), 200, 6, 8.0)

    shares = [filters.outdone(x, filters.evidence(x)[:, 0]).mean() for x in (own, strange)]

    assert shares[0] < 0.05
    assert shares[1] > 0.6


@pytest.mark.parametrize("points", [2, SLOW, 63])
def test_waves_are_square_to_each_other(points):
    np.testing.assert_allclose(waves(points).T @ waves(points), np.eye(points), atol=1e-12)


def test_windows_and_filters_of_another_size_are_refused():
    with pytest.raises(ValueRefused, match="64 closes"):
        matched_to(np.array([DIP])).evidence(np.zeros((3, 32)))
    for shapes in (np.zeros((2, 63)), np.zeros((0, 63, 4)), np.full((1, 63, 4), np.nan)):
        with pytest.raises(ValueRefused, match="filters"):
            Matched(shapes)


def as_drawn(shape, count, seed):
    """Windows of a shape that starts a little sooner or later, quicker or slower."""
    rng = np.random.default_rng(seed)
    return np.concatenate([over_walks(bends(shape)[rng.integers(81)], 1, (seed, n)) for n in range(count)])


def changes_like(found, shape):
    """Likeness of changes, which is what a filter lives on, by the bend that fits best."""
    theirs = np.diff(bends(shape), axis=1)
    mine = np.diff(found)
    return float((theirs @ mine / np.linalg.norm(theirs, axis=1) / np.linalg.norm(mine)).max())


@pytest.mark.parametrize("shape", [DIP, WAVE, STEP, unit(T**3)], ids=["dip", "wave", "step", "curve"])
def test_the_middle_of_five_labels_is_nearer_to_the_shape_than_their_mean(shape):
    gains = []
    for seed in range(20):
        labels = as_drawn(shape, 5, seed)
        gains.append(changes_like(middle(labels), shape) - changes_like(labels.mean(axis=0), shape))

    assert np.mean(gains) > 0.03


def test_labels_moved_in_time_lie_above_each_other():
    moved = np.array([unit(np.interp(T + by, T, DIP)) for by in (-0.03, -0.015, 0, 0.015, 0.03)])

    apart, together = moved.std(axis=0).mean(), aligned(moved).std(axis=0).mean()

    assert together < apart / 3
    assert middle(moved) @ DIP / POINTS > 0.98
    np.testing.assert_allclose([middle(moved).mean(), middle(moved).std()], [0, 1], atol=1e-9)
