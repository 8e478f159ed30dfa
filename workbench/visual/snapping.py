"""Where a drawn point belongs: on a bar, and on its open, high, low or close where one is near. Pure."""

import numpy as np
import pandas as pd

from workbench.domain.drawings import Anchor
from workbench.quant.swings import typical_range

NEAR = 0.5  # typical ranges of a bar


def snapped(candles: pd.DataFrame, anchor: Anchor) -> Anchor:
    """The nearest bar's open time, and its nearest price (open, high, low, close) if it is within half a typical
    range; else the price as it was. A point without a time takes the nearest high or low of any bar so near."""
    if not len(candles):
        return anchor
    columns = ("open", "high", "low", "close")
    reach = NEAR * typical_range(*(candles[name].to_numpy() for name in ("high", "low", "close")))
    if anchor.at is None:
        prices, at = candles[["high", "low"]].to_numpy().ravel(), None
    else:
        row = int(candles.index.get_indexer([pd.Timestamp(anchor.at)], method="nearest")[0])
        prices, at = candles.iloc[row][list(columns)].to_numpy(dtype=float), candles.index[row].to_pydatetime()
    nearest = float(prices[np.argmin(np.abs(prices - anchor.price))])
    return Anchor(at, nearest if abs(nearest - anchor.price) <= reach else anchor.price)
