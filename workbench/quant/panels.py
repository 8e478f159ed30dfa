"""Bars of several symbols side by side, and what a model may see of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.domain.errors import ValueRefused
from workbench.quant.volatility import (
    DAY_S,
    FLOOR,
    future_variance,
    log_returns,
    range_variance,
    trailing_mean,
    windows_for,
)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Bars of `symbols` on one grid. Arrays (n_bars, n_symbols), NaN where a bar is missing; opened_s : (n_bars,) epoch
    seconds, rising; bar_s : length of a bar in seconds."""

    symbols: tuple[str, ...]
    opened_s: np.ndarray
    bar_s: int
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray

    def rows(self, stop: int) -> "Panel":
        """The first `stop` bars: what was known when bar stop − 1 closed."""
        cut = {name: getattr(self, name)[:stop] for name in ("opened_s", "open", "high", "low", "close", "volume")}
        return Panel(self.symbols, bar_s=self.bar_s, **cut)


def panel_of(tables: Mapping[str, pd.DataFrame], bar_s: int) -> Panel:
    """Put candle tables by symbol on one grid of `bar_s` seconds, from the first bar of any to the last of any."""
    if not tables or all(table.empty for table in tables.values()):
        raise ValueRefused("a panel needs the candles of one symbol or more")
    stamps = [table.index.as_unit("s").asi8 for table in tables.values() if len(table)]
    first, last = min(s[0] for s in stamps), max(s[-1] for s in stamps)
    grid = np.arange(first, last + bar_s, bar_s)
    columns = {}
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = np.full((grid.size, len(tables)), np.nan)
        for j, table in enumerate(tables.values()):
            columns[name][(table.index.as_unit("s").asi8 - first) // bar_s, j] = table[name].to_numpy()
    return Panel(tuple(tables), grid, bar_s, **columns)


def features(panel: Panel) -> np.ndarray:
    """What the pooled model reads after each bar: (n_bars, n_symbols, n_features), NaN in the first day of a symbol.

    Logs of realised and of range variance over seven windows, of the market's range variance over three, relative
    volume, returns, and the time of the week. A window not yet full uses what there is, from one day on. Bar t reads
    bars up to t; a bar that is missing leaves the windows around it shorter.
    """
    day, week = max(1, DAY_S // panel.bar_s), max(1, 7 * DAY_S // panel.bar_s)
    windows = windows_for(panel.bar_s)
    returns, ranges = log_returns(panel.close), range_variance(panel.open, panel.high, panel.low, panel.close)

    def level(values: np.ndarray, window: int) -> np.ndarray:
        return np.log(trailing_mean(values, window, least=min(window, day)) + FLOOR)

    def market(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(trailing_mean(values.T, values.shape[1]).T[:, -1:], values.shape)

    squares = [level(returns**2, w) for w in windows]
    inside = [level(ranges, w) for w in windows]
    shared = [market(level(ranges, max(1, w))) for w in (day // 4, day, week)]
    turnover = np.log1p(panel.volume * panel.close)
    volume = trailing_mean(turnover, day) - trailing_mean(turnover, week)
    moves = [trailing_mean(returns, w) * w for w in (day, week)]
    columns = [*squares, *inside, *shared, volume, *moves, np.abs(returns), market(moves[0])]
    columns += [np.broadcast_to(wave[:, None], returns.shape) for wave in _waves(panel.opened_s)]
    return np.stack(columns, axis=-1)


def _waves(opened_s: np.ndarray) -> list[np.ndarray]:
    """Sines and cosines of the time of the week and of the half week: weekends are calm."""
    turns = [opened_s / (7 * DAY_S), opened_s * 2 / (7 * DAY_S)]
    return [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]


def log_targets(panel: Panel, horizon: int) -> np.ndarray:
    """ln of the variance a bar over the next `horizon` bars: (n_bars, n_symbols). LOOKS AHEAD; NaN in the last rows."""
    return np.log(future_variance(panel.close, horizon) / horizon + FLOOR)


def settled(panel: Panel) -> np.ndarray:
    """Whether a symbol has a full longest window behind it, (n_bars, n_symbols): rows a model learns best from."""
    return np.cumsum(np.isfinite(panel.close), axis=0) > windows_for(panel.bar_s)[-1]
