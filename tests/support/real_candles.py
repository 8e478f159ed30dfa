"""Larger sets of real candles that lie beside the repository, where they do; tests that need them skip elsewhere."""

from pathlib import Path

import pandas as pd
import pytest

from workbench.domain.candles import COLUMNS, INDEX

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def path_of(timeframe: str) -> Path:
    """The Parquet file for '5m' (12 pairs) or '1h' (136 pairs) of 2024; skips the test where it is absent."""
    path = FOLDER / f"crypto_spot_{timeframe}_2024.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not in {FOLDER.parent.name}/{FOLDER.name} beside the repository")
    return path


def load(timeframe: str, *symbols: str) -> dict[str, pd.DataFrame]:
    """Candle tables by symbol (all, or those named)."""
    chosen = [("symbol", "in", list(symbols))] if symbols else None
    frame = pd.read_parquet(path_of(timeframe), filters=chosen).rename(columns={"ts": INDEX})
    groups = frame.groupby("symbol", observed=True)
    return {str(symbol): rows.set_index(INDEX)[list(COLUMNS)] for symbol, rows in groups}
