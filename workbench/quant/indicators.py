"""Indicators over one price series. Row t uses rows up to t only, and of those the last `window` only: the same bars
give the same value to the bit, however much history lies before them.

Arrays are float64 of shape (n,), oldest first. Where a window is not full, or holds a NaN, the value is NaN.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Series = NDArray[np.float64]


def windows(values: Series, window: int) -> NDArray[np.float64]:
    """The last `window` values at each row, shape (n - window + 1, window); empty where there are fewer."""
    if window < 1:
        raise ValueError(f"a window holds at least one value, got {window}")
    return sliding_window_view(values, window) if len(values) >= window else np.empty((0, window))


def _padded(tail: NDArray[np.float64], length: int) -> Series:
    out = np.full(length, np.nan)
    if len(tail):
        out[length - len(tail) :] = tail
    return out


def rolling_mean(values: Series, window: int) -> Series:
    return _padded(windows(values, window).mean(axis=1), len(values))


def rolling_std(values: Series, window: int) -> Series:
    """Population standard deviation."""
    return _padded(windows(values, window).std(axis=1), len(values))


def rolling_max(values: Series, window: int) -> Series:
    return _padded(windows(values, window).max(axis=1), len(values))


def rolling_min(values: Series, window: int) -> Series:
    return _padded(windows(values, window).min(axis=1), len(values))


def lagged(values: Series, steps: int) -> Series:
    """Value `steps` rows before; NaN where there is none."""
    out = np.full(len(values), np.nan)
    if steps < len(values):
        out[steps:] = values[: len(values) - steps]
    return out


def log_returns(close: Series, steps: int = 1) -> Series:
    """ln(close_t / close_{t-steps})."""
    return np.log(close / lagged(close, steps))


def true_range(high: Series, low: Series, close: Series) -> Series:
    """Wilder's true range: the bar's span, stretched to the close before. Row 0 is NaN."""
    before = lagged(close, 1)
    return np.maximum(high, before) - np.minimum(low, before)


def atr(high: Series, low: Series, close: Series, window: int) -> Series:
    """Mean true range over `window` bars, in price units (a plain mean, so that the window is finite)."""
    return rolling_mean(true_range(high, low, close), window)


def zscore(values: Series, window: int) -> Series:
    """Distance from the rolling mean in rolling standard deviations; 0 where nothing moved but the last bit."""
    spread, mean = rolling_std(values, window), rolling_mean(values, window)
    moved = spread > 1e-12 * np.abs(mean)
    return np.divide(values - mean, spread, out=np.where(np.isnan(spread), np.nan, 0.0), where=moved)


def channel_position(high: Series, low: Series, close: Series, window: int) -> Series:
    """Where the close stands between the lowest low (-1) and the highest high (+1) of `window` bars; 0 if they meet."""
    top, bottom = rolling_max(high, window), rolling_min(low, window)
    span = top - bottom
    return np.divide(2 * close - top - bottom, span, out=np.where(np.isnan(span), np.nan, 0.0), where=span > 0)


def mixed_volatility(returns: Series, short: int, middle: int, long: int) -> Series:
    """Volatility a bar from three horizons at once: root of the mean of three rolling variances about zero.

    The simplest of the heterogeneous (HAR) family: Corsi, "A simple approximate long-memory model of realized
    volatility", J. Financial Econometrics 7 (2009).
    """
    squares = returns**2
    parts = [rolling_mean(squares, window) for window in (short, middle, long)]
    return np.sqrt((parts[0] + parts[1] + parts[2]) / 3)


def standardised(close: Series, volatility: Series, steps: int) -> Series:
    """Past log return over `steps` bars in units of today's volatility × √steps; NaN where volatility is 0."""
    scale = np.where(volatility > 0, volatility * np.sqrt(steps), np.nan)
    return log_returns(close, steps) / scale
