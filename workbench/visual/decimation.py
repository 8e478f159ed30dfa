"""Fewer points that look like all of them: what is left out never hides a high or a low. Pure arrays in, arrays out."""

import numpy as np
import pandas as pd

from workbench.domain.candles import INDEX
from workbench.domain.market import Timeframe


def bars_to_merge(opened_ms: np.ndarray, timeframe: Timeframe, most: int) -> int:
    """How many bars one drawn candle must hold so that at most `most` (≥ 1) are drawn; 1 where all fit."""
    if len(opened_ms) <= most:
        return 1
    bars = (int(opened_ms[-1]) - int(opened_ms[0])) // timeframe.milliseconds + 1
    return max(1, -(-bars // max(1, most - 1)))  # the grid is aligned to the clock, which can cost one bucket


def merged(candles: pd.DataFrame, timeframe: Timeframe, most: int) -> tuple[pd.DataFrame, int]:
    """(candles merged in equal spans of time, at most `most` of them, bars a candle).

    Each holds the first open, the greatest high, the least low, the last close and the sum of the volume of its span;
    a span without bars stays empty. The first span may begin before the first bar and the last end after the last.
    """
    count = bars_to_merge(candles.index.as_unit("ms").asi8, timeframe, most)
    return (candles if count == 1 else _by(candles, timeframe, count)), count


def in_sight(
    candles: pd.DataFrame, timeframe: Timeframe, since_ms: float, until_ms: float, most: int
) -> tuple[pd.DataFrame, int]:
    """(candles between two moments and as long on either side, bars a candle): at most `most` lie between the two.

    As `merged`, but every span is whole: the same candle whatever part of the past is asked for.
    """
    opened = candles.index.as_unit("ms").asi8
    first, last = np.searchsorted(opened, (since_ms, until_ms))
    count = bars_to_merge(opened[first:last], timeframe, most)
    span, anchor = count * timeframe.milliseconds, timeframe.anchor_s * 1000
    wide = max(until_ms - since_ms, span)
    edges = [(moment - anchor) // span * span + anchor for moment in (since_ms - wide, until_ms + wide + span)]
    start, end = np.searchsorted(opened, edges)
    part = candles.iloc[start:end]
    return (part if count == 1 else _by(part, timeframe, count)), count


def _by(candles: pd.DataFrame, timeframe: Timeframe, count: int) -> pd.DataFrame:
    """`count` bars a candle, on a grid aligned to the clock."""
    span, anchor = count * timeframe.milliseconds, timeframe.anchor_s * 1000
    buckets = (candles.index.as_unit("ms").asi8 - anchor) // span
    starts = np.flatnonzero(np.r_[True, np.diff(buckets) != 0])
    ends = np.r_[starts[1:], len(buckets)] - 1
    table = {
        "open": candles["open"].to_numpy()[starts],
        "high": np.maximum.reduceat(candles["high"].to_numpy(), starts),
        "low": np.minimum.reduceat(candles["low"].to_numpy(), starts),
        "close": candles["close"].to_numpy()[ends],
        "volume": np.add.reduceat(candles["volume"].to_numpy(), starts),
    }
    index = pd.DatetimeIndex((buckets[starts] * span + anchor).astype("datetime64[ms]"), name=INDEX).tz_localize("UTC")
    return pd.DataFrame(table, index=index)


def kept(values: np.ndarray, most: int) -> np.ndarray:
    """Rows of a line that stay, rising: first, last, least and greatest of each of most // 4 equal buckets.

    values : (n,), NaN allowed (a bucket's extremes are those of its numbers). After Jugel et al., "M4: a
    visualization-oriented time series data aggregation", VLDB 7 (2014): drawn as wide as it has buckets, the line is
    the same pixel by pixel. Returns all rows where they are no more than `most`.
    """
    n = len(values)
    if n <= max(4, most):
        return np.arange(n)
    edges = np.linspace(0, n, max(1, most // 4) + 1).astype(int)[:-1]
    ends = np.r_[edges[1:], n] - 1
    bucket = np.repeat(np.arange(len(edges)), np.diff(np.r_[edges, n]))
    unknown = np.isnan(values)
    least = _first_equal(np.where(unknown, np.inf, values), np.minimum, edges, bucket)
    greatest = _first_equal(np.where(unknown, -np.inf, values), np.maximum, edges, bucket)
    return np.unique(np.r_[edges, ends, least, greatest])


def _first_equal(values: np.ndarray, extreme: np.ufunc, edges: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    """The first row of each bucket that holds the bucket's extreme."""
    hits = np.flatnonzero(values == extreme.reduceat(values, edges)[bucket])
    return hits[np.r_[True, np.diff(bucket[hits]) != 0]]
