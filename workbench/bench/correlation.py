"""Rolling correlation beside pandas, polars and np.corrcoef, the time to write the result, and a long-double twin.

`speedup_vs_pandas_50`: 50 assets × 10,000 bars, window 240, every bar. `speedup_vs_pandas_500`: 500 × 20,000, every
24th bar; pandas can only do every bar and would take minutes, so it is timed on fewer assets and projected by their
square (its work is a loop over pairs; `pandas_500_s` is that projection). `over_write_floor`: our time ÷ filling an
array of the same shape, both into memory that is already there. `abs_error_max`: greatest error beside long double over
price levels of 1e8, an outlier of 1e6 σ entering and leaving, gaps, late listings.
"""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from workbench.quant.correlation import rolling_correlation, window_ends

WINDOW = 240


def figures(quick: bool = False) -> dict[str, float]:
    """Measure; `quick` times the slow peers on fewer pairs and says what it projects by the same keys."""
    rng = np.random.default_rng(20240101)
    found = _narrow(rng, quick) | _wide(rng, quick)
    found["abs_error_max"] = max(_error(case) for case in _cruel(rng))
    return found


def _narrow(rng, quick: bool) -> dict[str, float]:
    x = rng.standard_t(4, (10_000, 50)) * 1e-3
    out = np.empty((len(window_ends(len(x), WINDOW)), 50, 50))
    rolling_correlation(x, WINDOW, out=out)  # compiled before it is timed
    ours = _best(lambda: rolling_correlation(x, WINDOW, out=out), 9)
    found = {"ours_50_s": ours, "over_write_floor": ours / _best(lambda: out.fill(1.0), 9)}
    pandas_s = _best(lambda: pd.DataFrame(x).rolling(WINDOW).corr(), 1 if quick else 2)
    found |= {"pandas_50_s": pandas_s, "speedup_vs_pandas_50": pandas_s / ours}
    found["speedup_vs_corrcoef_50"] = _best(lambda: _by_corrcoef(x), 1) / ours
    return found | _beside_polars(x, ours)


def _wide(rng, quick: bool) -> dict[str, float]:
    y = rng.standard_t(4, (20_000, 500)) * 1e-3
    out = np.empty((len(window_ends(len(y), WINDOW, 24)), 500, 500))
    rolling_correlation(y, WINDOW, 24, out=out)
    ours = _best(lambda: rolling_correlation(y, WINDOW, 24, out=out), 3)
    few = 12 if quick else 40
    some = pd.DataFrame(y[:, :few])
    pandas_s = _best(lambda: some.rolling(WINDOW).corr(), 1) * (500 / few) ** 2
    return {"ours_500_s": ours, "pandas_500_s": pandas_s, "speedup_vs_pandas_500": pandas_s / ours}


def _beside_polars(x: np.ndarray, ours: float) -> dict[str, float]:
    """polars is no dependency: its key is there only where somebody has it."""
    try:
        import polars as pl
    except ImportError:
        return {}
    frame = pl.DataFrame({str(i): column for i, column in enumerate(x.T)})
    pairs = [pl.rolling_corr(str(i), str(j), window_size=WINDOW).alias(f"{i},{j}") for i in range(50) for j in range(i)]
    return {"speedup_vs_polars_50": _best(lambda: frame.select(pairs), 1) / ours}


def _by_corrcoef(x: np.ndarray) -> None:
    for end in window_ends(len(x), WINDOW):
        np.corrcoef(x[end + 1 - WINDOW : end + 1].T)


def _cruel(rng) -> list[np.ndarray]:
    tame = rng.standard_t(4, (900, 6)) + rng.standard_t(4, (900, 1))
    levels, outlier, gaps, late = 1e8 + tame.cumsum(axis=0), tame.copy(), tame.copy(), 1e8 + tame.cumsum(axis=0)
    outlier[300, 1], outlier[420, 4] = 1e6, -1e6
    gaps[rng.random(gaps.shape) < 0.1] = np.nan
    late[:500, 2], late[700:, 3] = np.nan, np.nan
    return [tame, levels, outlier, gaps, late]


def _error(values: np.ndarray) -> float:
    ours = rolling_correlation(values, WINDOW, 5)
    worst = 0.0
    for t, end in enumerate(window_ends(len(values), WINDOW, 5)):
        rows = values[end + 1 - WINDOW : end + 1].astype(np.longdouble)
        for i in range(rows.shape[1]):
            for j in range(i):
                if not np.isnan(ours[t, i, j]):
                    worst = max(worst, abs(float(_long_double(rows[:, i], rows[:, j]) - ours[t, i, j])))
    return worst


def _long_double(a: np.ndarray, b: np.ndarray) -> np.longdouble:
    both = np.isfinite(a) & np.isfinite(b)
    u, v = a[both] - a[both].mean(), b[both] - b[both].mean()
    return (u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum())


def _best(work: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
