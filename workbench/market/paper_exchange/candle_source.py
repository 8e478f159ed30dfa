"""Which candles a replay plays: the bundled sample, a Parquet file, or a lake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.domain.candles import INDEX, as_candles
from workbench.domain.errors import CandleError, StartError
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.market import sample
from workbench.market.lake import Lake
from workbench.market.timeframes import resample

_COMMON = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")


@dataclass(frozen=True)
class LoadedCandles:
    """Tables by symbol, their bar length, and where a replay of them should begin (None: no opinion)."""

    candles: dict[str, pd.DataFrame]
    timeframe: Timeframe
    start: datetime | None = None


def load_candles(path: str | None, symbols: Iterable[str] = (), timeframe: Timeframe | None = None) -> LoadedCandles:
    """Read what is to be replayed. Raises StartError for a file that is missing or not candles, SymbolError for a
    market that is not in it."""
    if path is None:
        chosen = _chosen(symbols, sample.SYMBOLS)
        loaded = LoadedCandles(
            {name: sample.load(name) for name in chosen}, Timeframe.parse(sample.TIMEFRAME), sample.REPLAY_START
        )
    else:
        loaded = _from_path(Path(path), tuple(symbols), timeframe)
    if timeframe is None or timeframe.seconds == loaded.timeframe.seconds:
        return loaded
    if timeframe.seconds % loaded.timeframe.seconds:
        raise StartError(f"bars of {loaded.timeframe} cannot make bars of {timeframe}; leave --timeframe out")
    made = {symbol: resample(table, loaded.timeframe, timeframe) for symbol, table in loaded.candles.items()}
    return LoadedCandles(made, timeframe, loaded.start)


def _chosen(symbols: Iterable[str], known: Iterable[str]) -> list[str]:
    known = list(known)
    wanted = list(symbols)
    return [resolve_symbol(text, known).symbol for text in wanted] if wanted else known


def _from_path(path: Path, symbols: tuple[str, ...], timeframe: Timeframe | None) -> LoadedCandles:
    folder, _, venue = str(path).rpartition("@")
    if not path.exists() and folder and Path(folder).is_dir():
        return _from_lake(Path(folder), symbols, timeframe, venue)
    if not path.exists():
        raise StartError(f"there are no candles at {path}; check --candles, or leave it out for the bundled sample")
    return _from_lake(path, symbols, timeframe) if path.is_dir() else _from_file(path, symbols)


def _from_lake(root: Path, symbols: tuple[str, ...], timeframe: Timeframe | None, venue: str = "") -> LoadedCandles:
    """Series of one venue and one bar length: the longest that makes `timeframe`, else the shortest there is."""
    try:
        lake = Lake(root)
        held = [stored.series for stored in lake.list() if not venue or stored.series.venue == venue]
        venues = sorted({series.venue for series in held})
        if len(venues) != 1:
            which = f"of {', '.join(venues)}; name one, as {root}@{venues[0]}" if venues else "of no venue by that name"
            raise StartError(f"the lake at {root} holds candles {which}")
        lengths = {series.timeframe for series in held}
        fitting = [one for one in lengths if timeframe and timeframe.seconds % one.seconds == 0]
        length = max(fitting) if fitting else min(lengths)
        chosen = _chosen(symbols, sorted(series.symbol for series in held if series.timeframe == length))
        candles = {symbol: lake.read(venues[0], symbol, length) for symbol in chosen}
    except CandleError as error:
        raise StartError(f"the lake at {root} cannot be read: {error}") from None
    return LoadedCandles(candles, length)


def _from_file(path: Path, symbols: tuple[str, ...]) -> LoadedCandles:
    try:
        table = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise StartError(f"{path} is not a Parquet file of candles: {str(error).splitlines()[0]}") from None
    time_name = next((name for name in ("ts", INDEX, "timestamp", "date") if name in table.columns), None)
    if "symbol" not in table.columns or time_name is None:
        raise StartError(
            f"{path} has no columns symbol and ts; a file of candles has symbol, ts, open, high, low, close, volume"
        )
    try:
        groups = {str(name): group for name, group in table.groupby("symbol", observed=True)}
        chosen = _chosen(symbols, groups)
        candles = {name: as_candles(groups[name].set_index(time_name).sort_index(), name) for name in chosen}
    except CandleError as error:
        raise StartError(f"{path}: {error}") from None
    return LoadedCandles(candles, _bar_length(candles))


def _bar_length(candles: dict[str, pd.DataFrame]) -> Timeframe:
    """The commonest distance between neighbouring bars."""
    longest = max(candles.values(), key=len)
    gaps, counts = np.unique(np.diff(longest.index.as_unit("ms").asi8), return_counts=True)
    if not len(gaps):
        raise StartError("a replay needs at least two bars of a market")
    seconds = int(gaps[counts.argmax()]) // 1000
    found = next((text for text in _COMMON if Timeframe.parse(text).seconds == seconds), None)
    return Timeframe.parse(found or f"{seconds}s")
