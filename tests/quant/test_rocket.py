"""Features beside their definitions; the classifier on windows that a child could tell apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_rocket as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.blend import fit_blend
from workbench.quant.dual_ridge import fit_dual_ridge
from workbench.quant.interval_quantiles import DEPTH, intervals, quantile_features
from workbench.quant.lanes import LANES
from workbench.quant.rocket import fit_rocket, rocket_features
from workbench.quant.rocket_kernels import KERNELS, TRIPLES

ROWS = np.arange(9) % 3


def windows(seed=0, n=6, channels=1, bars=40):
    return np.random.default_rng(seed).normal(size=(n, channels, bars)).astype(np.float32)


def test_features_are_what_their_definition_says():
    x = windows()
    rocket = fit_rocket(x, features=84 * 4)
    found = rocket_features(rocket, x).reshape(len(x), len(rocket.dilations), KERNELS, -1)

    for place, dilation in enumerate(rocket.dilations):
        for kernel in range(0, KERNELS, 7):
            inside = (place + kernel) % 2 == 1
            out = naive.convolution(x[2, 0], TRIPLES[kernel], dilation)
            wanted = [naive.share_above(out, b, dilation, inside) for b in rocket.biases[place, kernel]]
            np.testing.assert_allclose(found[2, place, kernel], wanted, atol=1.01 / 24)  # a value may lie on its bias


def test_channels_are_added_up():
    x = windows(channels=3)
    rocket = fit_rocket(x, features=84 * 2)
    kernel = 11
    chosen = rocket.channels[0, kernel] > 0
    out = naive.convolution(x[1][chosen].sum(axis=0), TRIPLES[kernel], rocket.dilations[0])

    found = rocket_features(rocket, x).reshape(len(x), len(rocket.dilations), KERNELS, -1)[1, 0, kernel]
    wanted = [naive.share_above(out, b, rocket.dilations[0], True) for b in rocket.biases[0, kernel]]
    np.testing.assert_allclose(found, wanted, atol=1.01 / 32)


@pytest.mark.parametrize("row", [0, LANES - 1, LANES, LANES + 5])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_windows_features_do_not_depend_on_the_others(row, channels):
    x = windows(n=LANES + 6, channels=channels, bars=41)
    rocket = fit_rocket(x, features=84 * 8)
    alone = x[row : row + 1]

    np.testing.assert_array_equal(rocket_features(rocket, x)[row : row + 1], rocket_features(rocket, alone))
    np.testing.assert_array_equal(quantile_features(x)[row : row + 1], quantile_features(alone))


def test_quantiles_of_the_whole_window_come_first():
    x = windows(bars=16)

    first = quantile_features(x)[0, :4]

    whole = np.quantile(x[0, 0], np.linspace(0, 1, 4))
    whole[1::2] -= x[0, 0].mean()
    np.testing.assert_allclose(first, whole, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 70), channels=st.integers(1, 3), bars=st.integers(7, 80))
def test_quantiles_are_those_of_their_definition(seed, n, channels, bars):
    x = windows(seed, n, channels, bars)
    x[:, :, : bars // 3] = x[:, :, :1]  # values that are the same

    found = quantile_features(x)

    row = seed % n
    views = [naive.views(one) for one in x[row].astype(float)]
    wanted = [naive.quantiles(one[k], intervals(len(one[k]), DEPTH)) for k in range(4) for one in views]
    np.testing.assert_allclose(found[row], np.concatenate(wanted), atol=2e-5)


def test_the_ridge_equals_the_normal_equations():
    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=(12, 5)), np.arange(12) % 3
    fitted = fit_dual_ridge(x, classes, 3)
    z = (x.astype(np.float32) - fitted.mean) * fitted.scale
    weights, _, level = naive.ridge(
        z.astype(float), np.where(classes[:, None] == np.arange(3), 1.0, -1.0), fitted.penalty
    )

    np.testing.assert_allclose(fitted.scores(x), (z - z.mean(axis=0)) @ weights + level, atol=1e-4)


def test_what_is_plainly_different_is_told_apart():
    rng = np.random.default_rng(1)
    t = np.linspace(0, 1, 48)
    kinds = {"rise": t, "fall": -t, "hump": -((t - 0.5) ** 2) * 4}

    def some(n):
        x = [[kinds[k] * rng.uniform(1, 3) + rng.normal(0, 0.1, 48)] for k in kinds for _ in range(n)]
        return np.array(x), np.repeat(list(kinds), n)

    model = fit_blend(*some(4), trees=50)
    later, truth = some(10)
    told = model.probabilities(later)

    np.testing.assert_allclose(told.sum(axis=1), 1)
    assert (np.array(model.classes)[told.argmax(axis=1)] == truth).mean() > 0.95


@pytest.mark.parametrize("bad", [np.zeros((2, 1, 5)), np.full((2, 1, 20), np.nan), np.zeros((2, 20))])
def test_bad_windows_are_refused(bad):
    with pytest.raises(ValueRefused, match="windows"):
        fit_rocket(bad)
    with pytest.raises(ValueRefused, match="two classes"):
        fit_blend(windows(n=2), ["a", "a"])


def test_what_would_read_beyond_its_windows_is_refused():
    x = windows()
    rocket, ridge = (
        fit_rocket(x, features=84 * 4),
        fit_dual_ridge(np.random.default_rng(0).normal(size=(9, 5)), ROWS, 3),
    )

    for wrong in (
        {"dilations": rocket.dilations - 1},
        {"dilations": rocket.dilations * 9},
        {"biases": rocket.biases[:1]},
    ):
        with pytest.raises(ValueRefused, match="no convolutions"):
            replace(rocket, **wrong)
    for wrong in ({"kept": ridge.kept[::-1]}, {"kept": ridge.kept - 1}, {"scale": ridge.scale[1:]}):
        with pytest.raises(ValueRefused, match="no ridge"):
            replace(ridge, **wrong)
    with pytest.raises(ValueRefused, match="column 4"):
        ridge.scores(np.zeros((1, 4)))
