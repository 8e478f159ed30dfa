"""Candles in which a known shape was planted, and the places."""

import numpy as np
import pandas as pd

from workbench.domain.candles import INDEX

BARS = 48
_T = np.linspace(0, 1, BARS)
SHAPES = {
    "double bottom": -np.exp(-(((_T - 0.3) / 0.1) ** 2)) - np.exp(-(((_T - 0.7) / 0.1) ** 2)),
    "cup": 4 * (_T - 0.5) ** 2,
    "spike": np.exp(-(((_T - 0.5) / 0.05) ** 2)),
}


def candles(seed, n=2400, plan=(), times=1, level=100.0, start="2024-01-01"):
    """n hourly bars (bars of 60 ÷ times minutes, n × times of them): a random walk with each (row, shape) of `plan`
    laid over it, drawn wider than the walk moves meanwhile."""
    rng = np.random.default_rng(seed)
    log_close = rng.normal(0, 0.004, n).cumsum()
    for row, name in plan:
        part = slice(row, row + BARS)
        walk = log_close[part]
        line = np.linspace(walk[0], walk[-1], BARS)
        drawn = SHAPES[name] - SHAPES[name].mean()
        log_close[part] = line + 0.4 * (walk - line) + 0.05 * drawn
    close = np.repeat(level * np.exp(log_close), times)
    opened = np.concatenate([[close[0]], close[:-1]])
    wide = 1 + np.repeat(rng.uniform(0.0005, 0.002, n), times)
    index = pd.date_range(start, periods=n * times, freq=f"{60 // times}min", tz="UTC", name=INDEX).as_unit("ms")
    high, low = np.maximum(opened, close) * wide, np.minimum(opened, close) / wide
    volume = np.repeat(rng.uniform(1, 2, n), times)
    return pd.DataFrame({"open": opened, "high": high, "low": low, "close": close, "volume": volume}, index)
