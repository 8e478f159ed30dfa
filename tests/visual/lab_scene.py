"""A small market whose windows are known: a lab over it with a real ledger."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from workbench.domain.candles import INDEX
from workbench.domain.market import Timeframe
from workbench.visual.lab_charts import LabCharts, Window

HOUR = timedelta(hours=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
TIMEFRAME = Timeframe.parse("1h")
SPIKE = np.concatenate([np.linspace(0, 0.2, 12), np.linspace(0.2, 0.02, 12)])
AT = {"AAA/USD": (100, 300), "BBB/USD": (200,)}


def candles(seed: int, spikes=(), bars: int = 500) -> pd.DataFrame:
    """A walk of small steps, with a spike of 24 bars planted at each row of `spikes`."""
    rng = np.random.default_rng(seed)
    log = np.cumsum(rng.normal(0, 0.004, bars))
    for at in spikes:
        log[at : at + 24] = log[at] + SPIKE
    close = 100 * np.exp(log)
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    index = pd.date_range(FIRST, periods=bars, freq="h", tz=UTC, name=INDEX).as_unit("ms")
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": rng.uniform(1, 9, bars)}
    return pd.DataFrame(columns, index=index)


def charts(until: datetime | None = None) -> LabCharts:
    """Two markets of 500 hourly bars with planted spikes."""
    tables = {name: candles(seed, spikes) for seed, (name, spikes) in enumerate(AT.items())}
    return LabCharts(lambda symbol, _: tables[symbol], dict.fromkeys(AT, ("1h",)), until, "a test")


def window(symbol: str = "AAA/USD", first: int = 100, bars: int = 24) -> Window:
    return Window(symbol, TIMEFRAME, FIRST + first * HOUR, FIRST + (first + bars - 1) * HOUR)
