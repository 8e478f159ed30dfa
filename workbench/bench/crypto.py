"""The recorded set the learning benchmarks share: hourly candles of twelve majors, January to September 2024."""

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError
from workbench.quant.panels import Panel

MAJORS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "AVAX", "LINK", "LTC", "NEAR", "UNI", "TRX", "PEPE")
FILE = "crypto_spot_1h_2024.parquet"


def _recorded(root: Path | None) -> Path:
    path = (root or Path(__file__).parents[3] / "shared" / "data") / FILE
    if not path.exists():
        raise CandleError(f"{path} is not here; this benchmark reads the recorded 2024 set")
    return path


def recorded_markets(count: int, bars: int, root: Path | None = None) -> dict[tuple[str, str], pd.DataFrame]:
    """Candle tables of the newest `bars` hours of `count` markets by (symbol, "1h"), of those that have as many, in
    order of their names. Raises CandleError where the file is not there, or too few have."""
    path = _recorded(root)
    table = pd.read_parquet(path).sort_values(["symbol", "ts"])
    tables = {
        (str(symbol), "1h"): rows.set_index("ts")[list(COLUMNS)].rename_axis(INDEX).iloc[-bars:]
        for symbol, rows in table.groupby("symbol")
        if len(rows) >= bars
    }
    if len(tables) < count:
        raise CandleError(f"{path} has {len(tables)} markets of {bars} bars, {count} are asked for")
    return dict(list(tables.items())[:count])


def coin_halves(root: Path | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Whole hourly histories, (n_bars, 5: open, high, low, close, volume) each, in order of symbols: of every other
    coin, and of the others. Raises CandleError where the file is not there."""
    table = pd.read_parquet(_recorded(root))
    groups = [rows[list(COLUMNS)].to_numpy(float) for _, rows in table.groupby("symbol")]
    whole = [bars for bars in groups if len(bars) > 2000 and np.isfinite(bars).all() and (bars[:, :4] > 0).all()]
    return whole[::2], whole[1::2]


def hourly_majors(root: Path | None = None) -> Panel:
    """The twelve on one hourly grid, as far as all of them reach. Raises CandleError where the file is not there."""
    path = _recorded(root)
    symbols = [f"{base}/USDT" for base in MAJORS]
    table = pd.read_parquet(path, filters=[("symbol", "in", symbols)])
    wide = {name: table.pivot(index="ts", columns="symbol", values=name)[symbols] for name in table.columns[2:]}
    whole = wide["close"].dropna().index
    grid = pd.date_range(whole[0], whole[-1], freq="h")
    columns = {name: frame.reindex(grid).to_numpy(dtype=float) for name, frame in wide.items()}
    return Panel(tuple(symbols), np.asarray(grid.as_unit("s").asi8), 3600, **columns)
