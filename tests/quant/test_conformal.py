"""Calibration: coverage within the bound on any sequence, quantiles that never cross."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri

from tests.support import naive_learning as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.conformal import (
    Calibration,
    calibrated,
    calibration_for,
    coverage_bound,
    interval_errors,
    isotonic,
    new_calibration,
    observed,
    played,
    within,
)
from workbench.quant.fans import LEVELS
from workbench.quant.scoring import covered, worst_window

calm = settings(deadline=None, max_examples=60)
Z = ndtri(np.array(LEVELS))
STEPS = st.sampled_from([0.005, 0.05, 0.3, 0.9])
aims = st.tuples(st.integers(-1, 11), st.floats(-3, 3))


def outcome_at(published, aim):
    """An outcome just above, or on, a quantile the adversary picked; anywhere where there is none."""
    index, other = aim
    q = published[index] if 0 <= index < len(published) else other * 10
    return float(q + (1e-9 if other > 0 else 0)) if np.isfinite(q) else other


def play(levels, step, fan, aims, delay=0, paired=False):
    book, waiting, inside = new_calibration(levels, step, paired), [], []
    for aim in aims:
        published = calibrated(book, levels, fan)
        outcome = outcome_at(published, aim)
        waiting.append((published, outcome))
        inside.append(published >= outcome)
        if len(waiting) > delay:
            book = observed(book, *waiting.pop(0))
    return book, np.array(inside)


@calm
@given(st.floats(0.02, 0.98), STEPS, st.lists(aims, min_size=1, max_size=150))
def test_one_level_keeps_the_bound_of_gibbs_and_candes(level, step, aims):
    book, inside = play([level], step, np.zeros(1), aims)
    rounds = len(aims)

    error = abs(inside.mean() - level)
    assert error <= (max(level, 1 - level) + step) / (step * rounds) + 1e-9
    assert_allclose(coverage_bound(book), (max(level, 1 - level) + step) / (step * rounds))


@calm
@given(STEPS, st.integers(0, 4), st.lists(aims, min_size=6, max_size=150))
def test_every_level_of_a_fan_keeps_its_bound_on_hostile_outcomes(step, delay, aims):
    book, _ = play(LEVELS, step, Z, aims, delay)

    error = np.abs(np.array(book.hits) / book.rounds - LEVELS)
    assert (error <= coverage_bound(book, delay) + 1e-9).all()


@calm
@given(STEPS, st.integers(0, 4), st.lists(aims, min_size=6, max_size=150))
def test_every_central_interval_of_a_paired_fan_keeps_its_bound_on_hostile_outcomes(step, delay, aims):
    book, _ = play(LEVELS, step, Z, aims, delay, paired=True)

    assert (interval_errors(book) <= coverage_bound(book, delay) + 1e-9).all()


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("step", [0.02, 0.3])
def test_a_greedy_adversary_cannot_break_a_paired_fan(step, delay):
    """Each round, of what is published by now, the outcome that pushes the worst interval still further off."""
    book, waiting = new_calibration(LEVELS, step, paired=True), []
    for _ in range(400):
        waiting.append(calibrated(book, LEVELS, Z))
        if len(waiting) <= delay:
            continue
        published = waiting.pop(0)
        finite = np.concatenate([[-50.0], published[np.isfinite(published)], [50.0]])
        after = [observed(book, published, float(y)) for y in np.concatenate([finite, finite + 1e-9])]
        book = max(after, key=lambda one: (interval_errors(one) / coverage_bound(one, delay)).max())
        assert (interval_errors(book) <= coverage_bound(book, delay) + 1e-12).all()


@calm
@given(STEPS, st.lists(aims, min_size=1, max_size=80))
def test_a_paired_fan_never_leans(step, aims):
    book, _ = play(LEVELS, step, Z, aims, paired=True)
    read = played(book)

    assert_allclose(read + read[::-1], 1, atol=1e-9)
    assert (np.diff(read) >= 0).all()
    assert calibrated(book, LEVELS, Z)[5] == pytest.approx(0, abs=1e-9)


def test_interval_errors_count_what_was_inside():
    book = new_calibration((0.05, 0.5, 0.95), paired=True)
    for outcome in (0.0, 1.0, 3.0, -3.0, 0.5):
        book = observed(book, [-2.0, 0.0, 2.0], outcome)

    assert_allclose(interval_errors(book), [0.3, 0.0, 0.3])


def test_outcomes_of_one_sign_widen_a_paired_fan_and_do_not_tilt_it():
    paired, free = new_calibration(LEVELS, 0.02, paired=True), new_calibration(LEVELS, 0.02)
    for _ in range(40):
        paired, free = (observed(book, calibrated(book, LEVELS, Z), 2.5) for book in (paired, free))
    wide, tilted = calibrated(paired, LEVELS, Z), calibrated(free, LEVELS, Z)

    assert wide[-1] > Z[-1]
    assert_allclose(wide, -wide[::-1], atol=1e-9)
    assert tilted[0] > Z[0]
    assert tilted[5] > 0


def test_one_bar_ahead_calibration_moves_as_it_always_has():
    """Figures of before calibrations could be paired, to the last digits."""
    rng, book = np.random.default_rng(3), calibration_for(1)
    for outcome in rng.standard_t(4, 2000):
        book = observed(book, calibrated(book, LEVELS, Z), float(outcome))

    tails = [0.014000000000001353, 0.06099999999999706, 0.1759999999999889, 0.2830000000000444, 0.3962500000000221]
    assert_allclose(book.theta[:5], tails, rtol=1e-12)
    assert not book.paired


def test_long_horizons_step_less_and_move_in_pairs():
    book = calibration_for(24)

    assert (book.step, book.paired) == (0.006 / 24, True)
    assert calibration_for(1) == new_calibration(LEVELS)


@pytest.mark.parametrize("step", [0.02, 0.3])
def test_a_greedy_adversary_cannot_break_coverage(step):
    """Each round the outcome that pushes the level already furthest off still further."""
    book = new_calibration(LEVELS, step)
    for _ in range(600):
        published = calibrated(book, LEVELS, Z)
        finite = np.concatenate([[-50.0], published[np.isfinite(published)], [50.0]])
        tries = np.concatenate([finite, finite + 1e-9])
        hits = published[None, :] >= tries[:, None]
        error = np.abs((np.array(book.hits) + hits) / (book.rounds + 1) - LEVELS) / coverage_bound(
            observed(book, published, 0.0)
        )
        book = observed(book, published, float(tries[error.max(axis=1).argmax()]))
        assert (np.abs(np.array(book.hits) / book.rounds - LEVELS) <= coverage_bound(book) + 1e-12).all()


@calm
@given(STEPS, st.lists(aims, min_size=1, max_size=80))
def test_what_is_published_never_crosses(step, aims):
    book, _ = play(LEVELS, step, Z, aims)
    published = calibrated(book, LEVELS, Z)

    assert (published[1:] >= published[:-1]).all()
    assert (np.diff(within(published, -8, 8)) >= 0).all()
    assert np.isfinite(within(published, -8, 8)).all()


@calm
@given(st.lists(st.floats(-2, 2), min_size=1, max_size=12))
def test_pooling_agrees_with_its_naive_twin(values):
    assert_allclose(isotonic(np.array(values)), naive.isotonic(values), atol=1e-9)


def test_a_new_calibration_believes_the_fan():
    book = new_calibration(LEVELS)

    assert_array_equal(played(book), LEVELS)
    assert_allclose(calibrated(book, LEVELS, Z), Z)
    assert np.isinf(coverage_bound(book)).all()


def test_a_fan_three_times_too_narrow_is_mended():
    rng, book = np.random.default_rng(0), new_calibration(LEVELS, 0.02)
    hits = []
    for outcome in rng.normal(0, 3, 3000):
        published = within(calibrated(book, LEVELS, Z), -30, 30)
        hits.append(bool(covered(LEVELS, published, outcome)))
        book = observed(book, published, outcome)

    assert worst_window(hits[500:], 500) > 0.86
    assert np.mean(hits[500:]) == pytest.approx(0.9, abs=0.01)


def test_later_outcomes_leave_earlier_intervals_alone():
    rng = np.random.default_rng(0)

    def path(outcomes):
        book, out = new_calibration(LEVELS, 0.1), []
        for outcome in outcomes:
            out.append(calibrated(book, LEVELS, Z))
            book = observed(book, out[-1], outcome)
        return np.array(out)

    outcomes = rng.normal(size=60)
    spoiled = np.concatenate([outcomes[:40], np.full(20, 1e6)])

    assert_array_equal(path(outcomes)[:41], path(spoiled)[:41])
    assert_array_equal(path(outcomes)[:40], path(outcomes[:40]))


@pytest.mark.parametrize("step", [0.0, 1.0, np.nan])
def test_a_step_outside_its_range_is_refused(step):
    with pytest.raises(ValueRefused):
        new_calibration(LEVELS, step)


def test_levels_that_are_not_mirrored_cannot_be_paired():
    with pytest.raises(ValueRefused, match="symmetric"):
        new_calibration((0.05, 0.5, 0.9), paired=True)


def test_a_state_that_does_not_fit_is_refused():
    with pytest.raises(ValueRefused):
        Calibration((0.1, 0.9), 0.1, (0.1,), (0, 0))
    with pytest.raises(ValueRefused):
        Calibration((0.1, 0.9), 0.1, (0.1, 0.9), (0,))
