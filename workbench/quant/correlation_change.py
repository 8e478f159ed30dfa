"""Has the correlation of two assets changed? A test whose alarms stay at their nominal rate on returns as they are.

Returns are heavy-tailed and their volatility clusters; tests that assume neither (Fisher's z, Jennrich) ring on every
fourth quiet series. Here each return is first divided by its volatility forecast, from bars before it (the first 30
bars start it). Correlation then
reads as the mean of an influence series, e_t = u_t v_t − ρ (u_t² + v_t²) / 2, whose long-run variance is estimated with
Bartlett weights (Newey and West 1987). Two questions:

- `changed_at`: is it different after a bar named *beforehand*? A difference of two means against a t distribution.
- `scan`: did it change *somewhere*? The greatest deviation of the cumulative sum from a straight line, against the
  greatest value of a Brownian bridge (Wied, Krämer and Dehling 2012): one test for the whole series, however long.

x, y : (n,) returns in step, NaN where either is missing (such bars are left out). Nothing looks beyond the arrays.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from scipy.stats import kstwobign, t

from workbench.domain.errors import ValueRefused

LEAST = 60  # bars a side; fewer say nothing about a correlation's change
HALFLIFE = 12.0  # bars, of the volatility that each return is divided by
GREATEST = 6.0  # a return of more than so many volatilities counts as so many


@dataclass(frozen=True, slots=True)
class Change:
    """before, after : correlations of volatility-scaled returns on the two sides of bar `at` (an index into x).

    p_value : chance of a difference this great where there is none. For `scan` it is of the whole search."""

    at: int
    before: float
    after: float
    p_value: float
    n_bars: int


def changed_at(x, y, at: int) -> Change:
    """Test for a change between bars before `at` and bars from `at` on. Raises ValueRefused below 60 a side."""
    u, v, kept = _scaled(x, y)
    split = int(np.searchsorted(kept, at))
    if min(split, len(u) - split) < LEAST:
        raise ValueRefused(f"needs {LEAST} bars on both sides of {at}, got {split} and {len(u) - split}")
    before, e_before = influence(u[:split], v[:split])
    after, e_after = influence(u[split:], v[split:])
    error = math.sqrt(long_run(e_before) / len(e_before) + long_run(e_after) / len(e_after))
    freedom = min(len(e_before), len(e_after)) / (1 + 2 * _lags(min(len(e_before), len(e_after))))
    statistic = abs(after - before) / error if error > 0 else 0.0
    return Change(int(at), before, after, float(2 * t.sf(statistic, freedom)), len(u))


def scan(x, y) -> Change:
    """Search the whole series for one change. Raises ValueRefused below 120 bars.

    `at` is where the cumulative sum bends most: the best guess of when, meaningless where p_value is large."""
    u, v, kept = _scaled(x, y)
    if len(u) < 2 * LEAST:
        raise ValueRefused(f"a scan needs {2 * LEAST} bars where both moved, got {len(u)}")
    _, e = influence(u, v)
    path = np.cumsum(e - e.mean()) / math.sqrt(len(e))
    inside = slice(LEAST // 2 - 1, len(e) - LEAST // 2)
    bend = int(np.argmax(np.abs(path[inside]))) + inside.start
    scale = math.sqrt(long_run(e))
    p_value = float(kstwobign.sf(abs(path[bend]) / scale)) if scale > 0 else 1.0
    before, after = (influence(u[part], v[part])[0] for part in (slice(0, bend + 1), slice(bend + 1, None)))
    return Change(int(kept[min(bend + 1, len(kept) - 1)]), before, after, p_value, len(u))


def scan_pairs(returns, level: float = 0.05) -> list[tuple[int, int, Change]]:
    """Scan every pair of columns; those that changed, with all pairs together held to `level` (Holm 1979).

    returns : (n_bars, n). Pairs that cannot be tested count as tested. Sorted by p-value, which is each pair's own."""
    x = np.asarray(returns, dtype=float)
    pairs = [(i, j) for i in range(x.shape[1]) for j in range(i)]
    found = []
    for i, j in pairs:
        try:
            found.append((i, j, scan(x[:, i], x[:, j])))
        except ValueRefused:
            continue
    found.sort(key=lambda one: one[2].p_value)
    kept = []
    for rank, one in enumerate(found):
        if one[2].p_value * (len(pairs) - rank) > level:
            break
        kept.append(one)
    return kept


def _scaled(x, y) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both series over their own volatility forecast, and the indices of the bars kept."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueRefused(f"needs two series in step, got shapes {x.shape} and {y.shape}")
    if np.isinf(x).any() or np.isinf(y).any():
        raise ValueRefused("returns hold inf; a missing bar is NaN, never inf")
    kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(kept) < 2:
        raise ValueRefused("no two bars where both are there")
    u, v = (_over_volatility(one[kept], 0.5 ** (1 / HALFLIFE)) for one in (x, y))
    return u, v, kept


@numba.njit(cache=True)
def _over_volatility(r, keep):
    """r_t ÷ √(weighted mean square of bars before t), cut at ±GREATEST. A series that stands still gives zeros."""
    out = np.zeros(len(r))
    start = min(len(r), 30)
    variance = np.mean(r[:start] ** 2)
    for i in range(len(r)):
        if variance > 0.0:
            out[i] = min(max(r[i] / math.sqrt(variance), -GREATEST), GREATEST)
        variance = keep * variance + (1 - keep) * r[i] * r[i]
    return out


def influence(u: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray]:
    """The correlation, and what each bar adds to it: mean zero, so that a change shows as a drift."""
    u, v = u - u.mean(), v - v.mean()
    scale_u, scale_v = u.std(), v.std()
    if not (scale_u > 0 and scale_v > 0):
        return math.nan, np.zeros(len(u))
    u, v = u / scale_u, v / scale_v
    rho = float(np.mean(u * v))
    return rho, u * v - rho * (u * u + v * v) / 2


def _lags(n: int) -> int:
    return int(4 * (n / 100) ** (2 / 9))


def long_run(e: np.ndarray) -> float:
    """Newey–West variance of √n times the mean."""
    e = e - e.mean()
    lags = _lags(len(e))
    total = e @ e
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * (e[lag:] @ e[:-lag])
    return float(max(total, 0.0) / len(e))
