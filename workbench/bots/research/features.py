"""What the learning bot sees: a bar's surroundings in its own volatility, the same scale for every market. Pure."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.bots.research.strategy import columns
from workbench.quant.indicators import (
    channel_position,
    log_returns,
    mixed_volatility,
    rolling_mean,
    standardised,
    zscore,
)

LONG = 336
STEPS = (1, 4, 16, 48, 168, LONG)
NAMES = (
    *(f"move_{steps}" for steps in STEPS),
    *("distance_48", "channel_48", "channel_336", "volatility_now", "volatility_day", "volume", "hour_sin", "hour_cos"),
)
HORIZONS = (2, 4, 8, 16, 48)


def features(candles: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Feature rows, shape (n, len(NAMES)), and log volatility a bar, shape (n,). Row t uses bars t-337 … t only.

    NaN where history is too short.
    """
    bars = columns(candles)
    close, returns = bars["close"], log_returns(bars["close"])
    volatility = mixed_volatility(returns, 12, 48, LONG)
    squares = returns**2
    now, day, week = (np.sqrt(rolling_mean(squares, window)) for window in (12, 48, LONG))
    hour = 2 * np.pi * (candles.index.hour + candles.index.minute / 60).to_numpy(float) / 24
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(now / day), np.log(day / week)
    table = [
        *(standardised(close, volatility, steps) for steps in STEPS),
        zscore(close, 48),
        channel_position(bars["high"], bars["low"], close, 48),
        channel_position(bars["high"], bars["low"], close, LONG),
        *ratios,
        zscore(np.log1p(bars["volume"]), 48),
        np.sin(hour),
        np.cos(hour),
    ]
    return np.column_stack(table), volatility


def with_horizon(rows: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Feature rows with the question added: how far ahead."""
    return np.column_stack([rows, np.full(len(rows), np.log(horizon))])


def lessons(candles: pd.DataFrame, horizon: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows (features and horizon) whose outcome has closed, and the outcome: log return in volatility × √horizon."""
    rows, volatility = features(candles)
    close = candles["close"].to_numpy(float)
    if len(close) <= horizon:
        return np.empty((0, len(NAMES) + 1)), np.empty(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        outcome = np.log(close[horizon:] / close[:-horizon]) / (volatility[:-horizon] * np.sqrt(horizon))
    good = np.isfinite(outcome) & np.isfinite(rows[:-horizon]).all(axis=1)
    return with_horizon(rows[:-horizon][good], horizon), outcome[good]
