"""Pictures, warm, at scale 1: 300 candles with overlays, fans, regimes, trades and drawings; a 30 × 30 heatmap.

The first picture of a process takes longer (the converter starts) and is not counted. Each figure is the best of
several, description to PNG bytes, with whatever else this machine does at the time.
"""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.correlation_charts import heatmap
from workbench.visual.picture import png
from workbench.visual.show_piece import show_piece

BARS, ASSETS = 300, 30


def figures(quick: bool = False) -> dict[str, float]:
    runs = 5 if quick else 12
    rng = np.random.default_rng(7)
    names = [f"asset {i + 1}" for i in range(ASSETS)]
    market = rng.standard_normal((600, 1))
    matrix = pd.DataFrame(np.corrcoef((market + rng.standard_normal((600, ASSETS))).T), names, names)
    spec = show_piece(BARS)
    return {
        "candles_ms": _best(lambda: AdvancedRenderer(spec).png(), runs),
        "heatmap_ms": _best(lambda: png(heatmap(matrix)), runs),
        "candles_bars": float(BARS),
    }


def _best(work: Callable[[], object], runs: int) -> float:
    work()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)
