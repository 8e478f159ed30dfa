"""The yardstick of the emptiest window: an exact interval, judged as the benchmark judges."""

import numpy as np
import pytest

from workbench.bench.honest_windows import honest_worst, mean_correlation


def test_over_all_origins_an_honest_interval_covers_what_it_says():
    whole = honest_worst((4000, 1), 1, 0.0, np.random.default_rng(0), runs=20, width=4000)

    assert whole.mean() == pytest.approx(0.9, abs=0.005)


def test_the_emptiest_window_is_emptier_the_more_outcomes_overlap():
    worst = [honest_worst((2000, 4), h, 0.6, np.random.default_rng(1), runs=20).mean() for h in (1, 4, 24)]

    assert 0.88 > worst[0] > worst[1] + 0.01 > worst[2] + 0.05


def test_symbols_that_move_as_one_have_one_window():
    alone = honest_worst((1000, 1), 1, 0.0, np.random.default_rng(2), runs=30).mean()
    as_one = honest_worst((1000, 8), 1, 0.999999, np.random.default_rng(2), runs=30).mean()
    apart = honest_worst((1000, 8), 1, 0.0, np.random.default_rng(2), runs=30).mean()

    assert as_one == pytest.approx(alone, abs=0.01)
    assert apart < as_one


def test_the_correlation_of_symbols_is_measured_on_whole_rows():
    rng = np.random.default_rng(3)
    returns = 0.8 * rng.normal(size=(5000, 1)) + 0.6 * rng.normal(size=(5000, 3))
    returns[::7, 1] = np.nan

    assert mean_correlation(returns) == pytest.approx(0.64, abs=0.03)
