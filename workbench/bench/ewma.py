"""Exponentially weighted correlation of 1,000 assets: milliseconds a closed bar takes, update and normalised matrix."""

import time

import numpy as np

from workbench.quant.correlation import EwmaCorrelation


def figures(quick: bool = False) -> dict[str, float]:
    """Median over the bars, so that one interrupted bar says nothing; `quick` takes 60 bars instead of 400."""
    rng = np.random.default_rng(1)
    found = {}
    for n in (100, 1000):
        rows = rng.standard_t(4, (60 if quick else 400, n))
        kept, seconds = EwmaCorrelation(n, halflife=60), []
        for row in rows:
            began = time.perf_counter()
            kept.update(row)
            kept.matrix()
            seconds.append(time.perf_counter() - began)
        found[f"ms_per_bar_{n}"] = float(np.median(seconds)) * 1e3
    return found
