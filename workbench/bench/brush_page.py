"""What brush_page.ipynb composes for `workbench bench brush`: the pattern lab over 136 markets of 6,000 hourly bars."""

import tempfile
from pathlib import Path

import numpy as np

from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.market.timeframes import resample
from workbench.visual.lab_charts import LabCharts
from workbench.visual.lab_learner import OwnPatterns
from workbench.visual.lab_session import LabSession
from workbench.widgets.pattern_lab import PatternLab

MARKETS, BARS = 136, 6000


def open_brush() -> PatternLab:
    """Recorded candles of the sample's coins, each market another stretch of them, on one common grid."""
    source, hour = Timeframe.parse(sample.TIMEFRAME), Timeframe.parse("1h")
    hourly = [resample(table, source, hour) for table in sample.load_all().values()]
    rng = np.random.Generator(np.random.PCG64(0))
    tables = {}
    for number in range(MARKETS):
        coin = hourly[number % len(hourly)]
        start = int(rng.integers(len(coin) - BARS))
        tables[f"C{number:03}/USD"] = coin.iloc[start : start + BARS].set_axis(coin.index[:BARS])
    charts = LabCharts(lambda symbol, _: tables[symbol], dict.fromkeys(tables, ("1h",)), None, "a benchmark")
    ledger = open_ledger(Path(tempfile.mkdtemp(prefix="workbench-bench-")) / "ledger.sqlite")
    return PatternLab(LabSession(charts, ledger, OwnPatterns(ledger, charts), "you"), ("C000/USD", "1h"))
