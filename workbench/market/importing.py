"""Candles from files into the lake: everything is read and judged first, then written; nothing is half imported."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX
from workbench.domain.errors import CandleError, TimeframeError
from workbench.domain.market import Timeframe
from workbench.market.lake import Lake
from workbench.market.lake_paths import Series
from workbench.market.lake_record import Written
from workbench.market.reading import RawTable, read_raw
from workbench.market.timeframes import Audit, audit

_NAMED = re.compile(r"(?P<base>[A-Za-z0-9]+)[_-](?P<quote>[A-Za-z0-9]+)-(?P<timeframe>\d+[smhdw])\.")


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """One market's candles in one file, judged and ready. `repeats`: rows left out because they came twice, the same.
    `unfinished`: 1 where the last bar was still forming when the file was written, and was left out."""

    path: Path
    symbol: str
    timeframe: Timeframe
    candles: pd.DataFrame
    audit: Audit
    repeats: int = 0
    unfinished: int = 0
    notes: tuple[str, ...] = ()


def import_files(
    lake: Lake,
    venue: str,
    paths: Sequence[Path],
    symbol: str | None = None,
    timeframe: Timeframe | None = None,
) -> list[tuple[Found, Written]]:
    """Import files (see `read_file`) under `venue`; says for each market what was found and written.

    Raises CandleError or TimeframeError, before anything is written, where any file is not wholly good.
    """
    found = [one for path in paths for one in read_file(path, symbol, timeframe)]
    for one in found:
        Series(venue, one.symbol, one.timeframe)  # a name the lake refuses must stop all, too
    return [(one, lake.write(venue, one.symbol, one.timeframe, one.candles)) for one in found]


def read_file(path: Path, symbol: str | None = None, timeframe: Timeframe | None = None) -> Iterator[Found]:
    """The markets in a file. Symbol and timeframe come from the caller, the file's columns or its name, in Freqtrade's
    manner: BTC_USDT-1h.feather. A file of many markets is taken whole, or only `symbol` of it."""
    raw = read_raw(path)
    named = _NAMED.match(path.name)
    if "symbol" in raw.frame:
        markets, codes = list(raw.frame["symbol"].cat.categories), raw.frame["symbol"].cat.codes.to_numpy()
        if symbol and symbol not in markets:
            raise CandleError(f"{path} holds no {symbol}; it holds {', '.join(markets[:8])}{' …' * (len(markets) > 8)}")
        for code, market in enumerate(markets):
            if symbol in (None, market):
                yield _judged(path, market, timeframe, raw, np.flatnonzero(codes == code))
        return
    if symbol is None and named is None:
        raise CandleError(f"{path}: its name does not tell the market; name it with --symbol BASE/QUOTE")
    market = symbol or f"{named['base']}/{named['quote']}"  # type: ignore[index]
    told = timeframe or (Timeframe.parse(named["timeframe"]) if named else None)
    yield _judged(path, market, told, raw, np.arange(len(raw.frame)))


def _judged(path: Path, symbol: str, timeframe: Timeframe | None, raw: RawTable, rows: np.ndarray) -> Found:
    frame, where = raw.frame.iloc[rows], f"{path}, row "
    opened = frame["opened_ms"].to_numpy()
    if not len(frame):
        raise CandleError(f"{path} holds no candles of {symbol}")
    told = timeframe or _guessed(path, opened)
    off = (opened - told.anchor_s * 1000) % told.milliseconds != 0
    if off.any():
        at = int(np.argmax(off))
        raise CandleError(f"{where}{raw.first_row + rows[at]}: no {told} bar opens at {_moment(opened[at])}")
    _check_candles(frame, where, raw.first_row + rows)
    order = np.argsort(opened, kind="stable")
    kept = order[_without_repeats(frame, order, where, raw.first_row + rows)]
    last = 1 if _was_forming(path, int(opened[kept[-1]]), told) else 0
    kept = kept[: len(kept) - last]
    index = pd.DatetimeIndex(opened[kept].view("datetime64[ms]"), name=INDEX).tz_localize("UTC")
    candles = pd.DataFrame({name: frame[name].to_numpy()[kept] for name in COLUMNS}, index=index)
    notes = (
        raw.notes if timeframe or _NAMED.match(path.name) else (*raw.notes, f"taken for {told} bars by their spacing")
    )
    return Found(path, symbol, told, candles, audit(index, told), len(order) - len(kept) - last, last, notes)


def _check_candles(frame: pd.DataFrame, where: str, numbers: np.ndarray) -> None:
    o, h, low, c, v = (frame[name].to_numpy() for name in COLUMNS)
    good = (low > 0) & (low <= np.minimum(o, c)) & (h >= np.maximum(o, c)) & (v >= 0)
    if not good.all():
        at = int(np.argmin(good))
        values = ", ".join(f"{name} {frame[name].iloc[at]:g}" for name in COLUMNS)
        raise CandleError(f"{where}{numbers[at]}: not a candle ({values}); mend or remove that row")


def _without_repeats(frame: pd.DataFrame, order: np.ndarray, where: str, numbers: np.ndarray) -> np.ndarray:
    """Mask over `order`: the first row of each time. Raises where two rows of one time differ."""
    opened = frame["opened_ms"].to_numpy()[order]
    repeats = np.flatnonzero(np.diff(opened) == 0) + 1
    values = frame[list(COLUMNS)].to_numpy()[order]
    for at in repeats:
        if not (values[at] == values[at - 1]).all():
            first, second = numbers[order[at - 1]], numbers[order[at]]
            raise CandleError(f"{where}{second}: {_moment(opened[at])} stands in row {first} with other values")
    mask = np.ones(len(order), bool)
    mask[repeats] = False
    return mask


def _was_forming(path: Path, opened_ms: int, timeframe: Timeframe) -> bool:
    """Whether a bar was not over when the file was written, or is not over now: these are real dates, so this
    machine's clock may be asked. A file's date outside its last bar says nothing (copies, archives)."""
    end_ms = opened_ms + timeframe.milliseconds
    return opened_ms <= path.stat().st_mtime * 1000 < end_ms or end_ms > datetime.now(UTC).timestamp() * 1000


def _guessed(path: Path, opened: np.ndarray) -> Timeframe:
    """The bar length by the commonest distance between bars."""
    steps, counts = np.unique(np.diff(np.unique(opened)), return_counts=True)
    if not len(steps):
        raise CandleError(f"{path} holds one bar, which does not tell its length; name it with --timeframe")
    seconds, rest = divmod(int(steps[np.argmax(counts)]), 1000)
    for unit, length in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if not rest and seconds % length == 0 and seconds:
            return Timeframe.parse(f"{seconds // length}{unit}")
    raise TimeframeError(f"{path}: its bars are {int(steps[0])} ms apart; name their length with --timeframe")


def _moment(opened_ms: int) -> str:
    return f"{datetime.fromtimestamp(int(opened_ms) / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
