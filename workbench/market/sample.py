"""Real candles inside the package: five coins, 30-minute bars, two years, so that everything runs without a network.

Where they come from, and what was done with them, is told in sample_data/PROVENANCE.md; scripts/build_sample.py
rebuilds them. They are quoted in USD. Bars the source lacks are missing rows here too.
"""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pandas as pd

from workbench.domain.errors import SymbolError
from workbench.domain.market import resolve_symbol
from workbench.market.packed import read_packed

SYMBOLS = ("BTC/USD", "ETH/USD", "LTC/USD", "XRP/USD", "EOS/USD")
TIMEFRAME = "30m"
FOLDER = Path(__file__).parent / "sample_data"

FIRST = datetime(2017, 10, 1, tzinfo=UTC)
LAST = datetime(2019, 10, 1, tzinfo=UTC)
"""Open times of the first and the last bar of every coin."""

REPLAY_START = datetime(2018, 6, 8, tzinfo=UTC)
"""Default first moment of a replay. Chosen so that a viewer sees all four research bots trade within the first minute
(such a date was looked for: their first trades say nothing of their worth). Two days later, three minutes at the
default speed, the market fell by a tenth. Over 11,900 bars of history lie before it, enough for any warm-up and
walk-forward search; 23,000 bars (12 hours of replay) lie ahead."""


def file_of(symbol: str) -> Path:
    """The Parquet file of one of SYMBOLS."""
    return FOLDER / f"{symbol.replace('/', '-')}-{TIMEFRAME}.parquet"


def load(symbol: str) -> pd.DataFrame:
    """The candle table of `symbol` ('BTC/USD'; 'BTCUSD' and 'btc' are understood), about 35,000 rows, exact values.

    Raises SymbolError where the market is not in the sample, or is quoted otherwise here (BTCUSDT).
    """
    found = resolve_symbol(symbol, SYMBOLS)
    if found.note:
        raise SymbolError(f"{found.note}; ask for that")
    return _read(found.symbol).copy(deep=False)  # copy-on-write: a caller's change never reaches the cache


def load_all() -> dict[str, pd.DataFrame]:
    """Every candle table of the sample by symbol."""
    return {symbol: load(symbol) for symbol in SYMBOLS}


@lru_cache(maxsize=len(SYMBOLS))
def _read(symbol: str) -> pd.DataFrame:
    return read_packed(file_of(symbol))
