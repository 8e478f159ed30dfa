"""Series of any kind, made comparable: what a forecaster sees of each at each origin, in the series' own steps.

An origin is a bar at which a forecast is made; its step is a typical move of one bar then. Everything at an origin
reads that bar and earlier ones, except `targets`, which say so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workbench.quant.volatility import ewma_variance, trailing_mean

LAGS = (1, 2, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series ready for learning. values : (n_bars,), no NaN, on the scale it is modelled on (logs where `logs`).
    steps : (n_bars,), typical one-bar move known at each bar, > 0."""

    values: np.ndarray
    steps: np.ndarray
    logs: bool


def prepared(raw: np.ndarray) -> Series:
    """`raw` (n_bars,), gaps filled by the last known value (leading ones dropped), in logs where all is positive."""
    known = np.flatnonzero(np.isfinite(raw))
    held = raw[known[np.searchsorted(known, np.arange(known[0], raw.size), side="right") - 1]]
    logs = bool((held > 0).all())
    values = np.log(held) if logs else held
    moves = np.concatenate([[np.nan], np.diff(values)])
    size = np.sqrt(ewma_variance(moves, 0.94))
    least = 1e-9 * (1 + np.abs(values))
    return Series(values, np.maximum(np.nan_to_num(size), least), logs)


def seasonal_offsets(series: Series, origins: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Move to each step ahead if the last season repeats, (n_origins, horizon), in steps; 0 before a full season."""
    ahead = np.arange(1, horizon + 1)
    source = origins[:, None] + ahead - season * -(-ahead // season)
    values = series.values
    offset = values[np.maximum(source, 0)] - values[origins][:, None]
    return np.where(source >= 0, offset, 0.0) / series.steps[origins][:, None]


def drift(series: Series, origins: np.ndarray) -> np.ndarray:
    """Average move a bar from the first bar to each origin, (n_origins,), in steps."""
    travelled = series.values[origins] - series.values[0]
    return travelled / np.maximum(origins, 1) / series.steps[origins]


def features(series: Series, origins: np.ndarray, season: int) -> np.ndarray:
    """(n_origins, 10): distances to lagged values and trailing means, and how restless the series is. Bars ≤ origin."""
    values, now = series.values, series.values[origins]
    columns = [now - values[np.maximum(origins - lag, 0)] for lag in (*LAGS, season, 2 * season)]
    columns += [now - trailing_mean(values, w)[origins] for w in (4, max(2, season), max(4, 3 * season))]
    scaled = [column / series.steps[origins] for column in columns]
    calm = np.sqrt(trailing_mean(series.steps**2, max(20, 2 * season))[origins])
    return np.stack([*scaled, np.log(series.steps[origins] / calm), np.minimum(origins, 500.0)], axis=-1)


def targets(series: Series, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Move to each of the next `horizon` bars, (n_origins, horizon), in steps. LOOKS AHEAD `horizon` bars."""
    if not origins.size:
        return np.empty((0, horizon))
    ahead = sliding_window_view(series.values, horizon)[origins + 1]
    return (ahead - series.values[origins][:, None]) / series.steps[origins][:, None]
