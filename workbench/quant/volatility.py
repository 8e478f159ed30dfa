"""How much a price will move: measures of variance and the classical forecasts of it.

Arrays have bars along axis 0, oldest first, and symbols (if any) along axis 1. Variances are of log returns. Every
function of time reads bar t and earlier, except `future_variance`, which says so.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import ValueRefused
from workbench.quant.ridge import Linear, gram, solve

DAY_S = 86400
FLOOR = 1e-10  # variance of a bar below which logarithms are not taken


def log_returns(closes: ArrayLike) -> np.ndarray:
    """ln of close over the close before, shape of `closes`; NaN in row 0 and where either is missing."""
    logs = np.log(np.asarray(closes, dtype=float))
    return np.concatenate([np.full_like(logs[:1], np.nan), np.diff(logs, axis=0)])


def range_variance(opens: ArrayLike, highs: ArrayLike, lows: ArrayLike, closes: ArrayLike) -> np.ndarray:
    """Variance within each bar from its range (Garman & Klass 1980): several times as sharp as the squared return."""
    o, h, low, c = (np.log(np.asarray(prices, dtype=float)) for prices in (opens, highs, lows, closes))
    return np.maximum(0.5 * (h - low) ** 2 - (2 * np.log(2) - 1) * (c - o) ** 2, 0)


def trailing_mean(values: ArrayLike, window: int, least: int = 1) -> np.ndarray:
    """Mean of the last `window` rows, the current one included; NaN rows are skipped, NaN where fewer than `least`."""
    x = np.asarray(values, dtype=float)
    known = np.isfinite(x)
    sums, counts = _trailing_sum(np.where(known, x, 0.0), window), _trailing_sum(known.astype(float), window)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts >= max(least, 1), sums / counts, np.nan)


def _trailing_sum(x: np.ndarray, window: int) -> np.ndarray:
    total = np.cumsum(x, axis=0)
    total[window:] -= total[:-window].copy()
    return total


def realised_variance(closes: ArrayLike, window: int) -> np.ndarray:
    """Sum of squared returns over the last `window` bars, shape of `closes`; NaN unless all of them are there."""
    return np.maximum(window * trailing_mean(log_returns(closes) ** 2, window, least=window), 0)


def future_variance(closes: ArrayLike, horizon: int) -> np.ndarray:
    """Realised variance of the `horizon` bars after each bar: the target. LOOKS AHEAD; NaN in the last rows."""
    found = np.full_like(np.asarray(closes, dtype=float), np.nan)
    if horizon < len(found):
        found[:-horizon] = realised_variance(closes, horizon)[horizon:]
    return found


def ewma_variance(returns: ArrayLike, decay: float = 0.97) -> np.ndarray:
    """Exponentially weighted mean of squared returns, a bar; NaN returns are skipped. Shape of `returns`."""
    r = np.asarray(returns, dtype=float)
    return _ewma(r.reshape(len(r), -1), decay).reshape(r.shape)


@numba.njit(cache=True)
def _ewma(r, decay):
    out = np.full(r.shape, np.nan)
    for j in range(r.shape[1]):
        total, weight = 0.0, 0.0
        for t in range(r.shape[0]):
            if not np.isnan(r[t, j]):
                total, weight = decay * total + r[t, j] * r[t, j], decay * weight + 1.0
            if weight > 0:
                out[t, j] = total / weight
    return out


def windows_for(bar_seconds: int) -> tuple[int, ...]:
    """Look-backs in bars that span an eighth of a day to thirty days, whatever the bar."""
    days = (1 / 8, 1 / 4, 1 / 2, 1, 3, 7, 30)
    return tuple(sorted({max(1, round(d * DAY_S / bar_seconds)) for d in days}))


@dataclass(frozen=True, slots=True)
class Har:
    """Heterogeneous autoregression of log realised variance (Corsi 2009): day, week and month, one fit a series.

    smear : mean of realised over exp(fit) in training, which turns the mean of a log into a mean (Duan 1983).
    """

    windows: tuple[int, int, int]
    horizon: int
    line: Linear
    smear: float


def har_features(closes: np.ndarray, windows: tuple[int, ...]) -> np.ndarray:
    """ln of mean squared return over each window, shape (n_bars, n_windows), closes (n_bars,); NaN before a window."""
    squares = log_returns(closes) ** 2
    return np.log(np.stack([trailing_mean(squares, w, least=w) for w in windows], axis=-1) + FLOOR)


def fit_har(closes: np.ndarray, horizon: int, windows: tuple[int, int, int] = (24, 168, 720)) -> Har:
    """Least squares on all bars whose next `horizon` bars are within `closes` (n_bars,). Raises ValueRefused."""
    x, realised = har_features(closes, windows), future_variance(closes, horizon)
    y = np.log(realised / horizon + FLOOR)
    both = np.isfinite(x).all(axis=1) & np.isfinite(y)
    if both.sum() < 10 * (len(windows) + 1):
        raise ValueRefused(f"HAR with windows {windows} needs {max(windows) + 40 + horizon} bars, got {len(closes)}")
    line = solve(gram(x[both], y[both]))
    return Har(windows, horizon, line, float(np.mean(np.exp(y[both] - line.predict(x[both])))))


def har_variance(har: Har, closes: np.ndarray) -> np.ndarray:
    """Forecast made at each bar for the sum over the next `har.horizon` bars, shape (n_bars,)."""
    return har.horizon * har.smear * np.exp(har.line.predict(har_features(closes, har.windows)))
