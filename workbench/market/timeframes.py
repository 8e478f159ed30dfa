"""Longer bars from shorter ones, and an honest look at what is missing. Pure: no clock decides what is over.

A longer bar exists here only once it is over, so no value ever changes afterwards: cutting off the future leaves every
past row as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from workbench.domain.candles import COLUMNS, INDEX, empty_candles
from workbench.domain.errors import CandleError, TimeframeError, ValueRefused
from workbench.domain.market import Timeframe


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing in a row. `first`, `last`: open times of the first and the last of them, UTC."""

    first: datetime
    last: datetime
    bars: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What a series holds and lacks. `rows` counts distinct open times on the grid of the timeframe.

    duplicates : open times that came more than once. off_grid : open times at which no bar of this length begins.
    """

    rows: int
    first: datetime | None
    last: datetime | None
    gaps: tuple[Gap, ...]
    duplicates: tuple[datetime, ...]
    off_grid: tuple[datetime, ...]

    @property
    def missing(self) -> int:
        return sum(gap.bars for gap in self.gaps)

    @property
    def clean(self) -> bool:
        return not (self.gaps or self.duplicates or self.off_grid)


def resample(
    candles: pd.DataFrame, source: Timeframe, target: Timeframe, until: datetime | None = None, whole: bool = False
) -> pd.DataFrame:
    """`candles` (a candle table of `source` bars) as `target` bars that are over.

    until : the moment (UTC) up to which the market is known: nothing that closes later is used, and a target bar
        counts once it has ended by then. None: the close of the newest source bar.
    whole : leave out target bars that lack source bars. Otherwise they are made of what there is (see `coverage`); a
        target bar without any source bar is missing either way.
    Sums and extremes run over the source bars present; no NaN in, none out. Bar t uses source bars within t only.
    Raises TimeframeError where the lengths do not fit, CandleError where a bar is off the grid of `source`.
    """
    _check_fit(source, target)
    opened, end_ms = _known(candles, source, until)
    buckets, starts, counts = _buckets(opened, target)
    over = buckets + target.milliseconds <= end_ms
    if whole:
        over &= counts == target.seconds // source.seconds
    if not over.any():
        return empty_candles()
    values = candles[list(COLUMNS)].to_numpy()[: len(opened)]
    o, h, low, c, v = values.T
    columns = {
        "open": o[starts],
        "high": np.maximum.reduceat(h, starts),
        "low": np.minimum.reduceat(low, starts),
        "close": c[starts + counts - 1],
        "volume": np.add.reduceat(v, starts),
    }
    return pd.DataFrame({name: column[over] for name, column in columns.items()}, index=_index(buckets[over]))


def windows(
    candles: pd.DataFrame, source: Timeframe, targets: Iterable[Timeframe], at: datetime, bars: int
) -> dict[Timeframe, pd.DataFrame]:
    """What was known of a market at `at` (UTC) on several bar lengths at once: by length, the newest `bars` bars that
    had closed by then (fewer where there are fewer), each a candle table.

    candles : a candle table of `source` bars, of any later time too, which changes nothing. An unfinished bar of any
    length is never among them. Raises TimeframeError where a length is no multiple of `source`.
    """
    if bars < 1:
        raise ValueRefused(f"a window holds 1 bar or more, got {bars}")
    return {frame: resample(candles, source, frame, at).iloc[-bars:] for frame in targets}


def coverage(candles: pd.DataFrame, source: Timeframe, target: Timeframe, until: datetime | None = None) -> pd.Series:
    """The share of source bars present, in (0, 1], of each bar that `resample` with the same arguments returns."""
    _check_fit(source, target)
    opened, end_ms = _known(candles, source, until)
    buckets, _, counts = _buckets(opened, target)
    over = buckets + target.milliseconds <= end_ms
    share = counts[over] / (target.seconds // source.seconds)
    return pd.Series(share, index=_index(buckets[over]), name="coverage")


def gaps(candles: pd.DataFrame, timeframe: Timeframe) -> tuple[Gap, ...]:
    """The holes between the first and the last bar of a candle table."""
    return audit(candles.index, timeframe).gaps


def audit(opened: pd.DatetimeIndex, timeframe: Timeframe) -> Audit:
    """What stands at and between the open times `opened` (UTC), in any order, repeats allowed."""
    raw = np.sort(opened.as_unit("ms").asi8)
    step = timeframe.milliseconds
    on_grid = (raw - timeframe.anchor_s * 1000) % step == 0
    times, counts = np.unique(raw[on_grid], return_counts=True)
    jumps = np.flatnonzero(np.diff(times) > step)
    return Audit(
        rows=len(times),
        first=_moment(times[0]) if len(times) else None,
        last=_moment(times[-1]) if len(times) else None,
        gaps=tuple(
            Gap(_moment(times[at] + step), _moment(times[at + 1] - step), int((times[at + 1] - times[at]) // step - 1))
            for at in jumps
        ),
        duplicates=tuple(_moment(at) for at in times[counts > 1]),
        off_grid=tuple(_moment(at) for at in np.unique(raw[~on_grid])),
    )


def _check_fit(source: Timeframe, target: Timeframe) -> None:
    if target.seconds % source.seconds or (target.anchor_s - source.anchor_s) % source.seconds:
        raise TimeframeError(
            f"{target} bars cannot be made of {source} bars; take a whole multiple that opens with them"
        )


def _known(candles: pd.DataFrame, source: Timeframe, until: datetime | None) -> tuple[np.ndarray, int]:
    """Open times (ms) of the source bars over by `until`, and the moment (ms) up to which the market is known."""
    opened = candles.index.as_unit("ms").asi8
    off = (opened - source.anchor_s * 1000) % source.milliseconds != 0
    if off.any():
        raise CandleError(f"no {source} bar opens at {candles.index[int(np.argmax(off))]}; check its timeframe")
    if until is not None:
        end_ms = int(pd.Timestamp(until).timestamp() * 1000)
        return opened[: np.searchsorted(opened, end_ms - source.milliseconds, side="right")], end_ms
    return opened, int(opened[-1]) + source.milliseconds if len(opened) else 0


def _buckets(opened: np.ndarray, target: Timeframe) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Open times of the target bars, where each one's source bars start, and how many they are."""
    anchor = target.anchor_s * 1000
    holder = (opened - anchor) // target.milliseconds * target.milliseconds + anchor
    buckets, starts, counts = np.unique(holder, return_index=True, return_counts=True)
    return buckets, starts, counts


def _index(opened_ms: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(opened_ms.astype("datetime64[ms]"), name=INDEX).tz_localize(UTC)


def _moment(opened_ms: int) -> datetime:
    return datetime.fromtimestamp(int(opened_ms) / 1000, UTC)
