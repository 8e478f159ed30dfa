"""The candles that patterns are learned from and looked for in: the lake's, else the recorded sample's."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workbench.visual.lab_charts import LabCharts, lake_charts, sample_charts
from workbench.visual.pattern_classifier import Market

BARS, MOST_BARS, LEAST_BARS = 4000, 60_000, 500


def candles_of(home: Path) -> LabCharts:
    return lake_charts(home / "lake") or sample_charts()


def newest_bars(charts: LabCharts, timeframes: Iterable[str]) -> dict[Market, pd.DataFrame]:
    """The newest bars of every market in these bar lengths, about MOST_BARS of all together."""
    wanted = tuple(timeframes)
    markets = [(s, tf) for s, lengths in charts.markets.items() for tf in wanted if tf in lengths]
    bars = max(LEAST_BARS, min(BARS, MOST_BARS // max(1, len(markets))))
    tables = {market: charts.table(*market).iloc[-bars:] for market in markets}
    return {market: table for market, table in tables.items() if len(table)}
