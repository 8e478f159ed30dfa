"""Longer timeframes on a shorter chart: known from the moment a longer bar is over, never before. Pure."""

import numpy as np
import pandas as pd

from workbench.domain.market import Timeframe
from workbench.market.timeframes import resample
from workbench.quant.indicators import rolling_mean
from workbench.visual.chart_spec import Average


def average(candles: pd.DataFrame, timeframe: Timeframe, wanted: Average) -> pd.Series:
    """The average by the time from which it was known (a bar's close), NaN until there are enough bars."""
    target = wanted.timeframe or timeframe
    table = resample(candles, timeframe, target) if target != timeframe else candles
    closes = table["close"].to_numpy()
    if wanted.exponential:
        values = pd.Series(closes).ewm(span=wanted.bars, adjust=False).mean().to_numpy(copy=True)
        values[: wanted.bars - 1] = np.nan
    else:
        values = rolling_mean(closes, wanted.bars)
    return pd.Series(values, index=_over(table.index, target))


def higher_candles(candles: pd.DataFrame, timeframe: Timeframe, target: Timeframe) -> pd.DataFrame:
    """Finished bars of `target`."""
    return resample(candles, timeframe, target)


def higher_levels(candles: pd.DataFrame, timeframe: Timeframe, target: Timeframe) -> pd.DataFrame:
    """Columns high, low of the last finished `target` bar, by the time from which they were known."""
    table = resample(candles, timeframe, target)[["high", "low"]]
    return table.set_axis(_over(table.index, target))


def _over(opened: pd.DatetimeIndex, timeframe: Timeframe) -> pd.DatetimeIndex:
    return opened + pd.Timedelta(milliseconds=timeframe.milliseconds)
