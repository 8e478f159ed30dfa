"""The recorded set the learning benchmarks share: hourly candles of twelve majors, January to September 2024."""

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.domain.errors import CandleError
from workbench.quant.panels import Panel

MAJORS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "AVAX", "LINK", "LTC", "NEAR", "UNI", "TRX", "PEPE")
FILE = "crypto_spot_1h_2024.parquet"


def hourly_majors(root: Path | None = None) -> Panel:
    """The twelve on one hourly grid, as far as all of them reach. Raises CandleError where the file is not there."""
    path = (root or Path(__file__).parents[3] / "shared" / "data") / FILE
    if not path.exists():
        raise CandleError(f"{path} is not here; this benchmark reads the recorded 2024 set")
    symbols = [f"{base}/USDT" for base in MAJORS]
    table = pd.read_parquet(path, filters=[("symbol", "in", symbols)])
    wide = {name: table.pivot(index="ts", columns="symbol", values=name)[symbols] for name in table.columns[2:]}
    whole = wide["close"].dropna().index
    grid = pd.date_range(whole[0], whole[-1], freq="h")
    columns = {name: frame.reindex(grid).to_numpy(dtype=float) for name, frame in wide.items()}
    return Panel(tuple(symbols), np.asarray(grid.as_unit("s").asi8), 3600, **columns)
