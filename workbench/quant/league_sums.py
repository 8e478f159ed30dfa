"""Scores folded into the sums that league tables are read from. Pure; one path for a handful and for millions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BINS, DAYS = 20, 31


@dataclass(frozen=True, slots=True)
class Key:
    """Whose scores: `month` as 202401 and `day` (1 to 31) are of the close forecast from, UTC."""

    bot_id: str
    symbol: str
    timeframe: str
    ahead_s: int
    regime: str
    month: int
    day: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Scores by key. code : (n,) of int, the number of each one's key in `keys`; the rest (n,) of float. lowest,
    highest : outermost level each states. qlike, qlike_naive : NaN where no volatility was given."""

    keys: Sequence[Key]
    code: np.ndarray
    crps: np.ndarray
    naive: np.ndarray
    pinball: np.ndarray
    pit: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    qlike: np.ndarray
    qlike_naive: np.ndarray


def fold(batch: Batch) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(rows of sums by bot, market, bar length, seconds ahead, regime and month; rows of days without the regime)."""
    figures = _by_key(batch)
    sums: dict[tuple, np.ndarray] = {}
    reach: dict[tuple, tuple[float, float]] = {}
    days: dict[tuple, np.ndarray] = {}
    for number, key in enumerate(batch.keys):
        if not figures["scored"][number]:
            continue
        coarse = (key.bot_id, key.symbol, key.timeframe, key.ahead_s)
        of_month = (*coarse, key.regime, key.month)
        sums[of_month] = sums.get(of_month, 0) + figures["row"][number]
        low, high = reach.get(of_month, (0.0, 1.0))
        reach[of_month] = max(low, figures["lowest"][number]), min(high, figures["highest"][number])
        table = days.setdefault((*coarse, key.month), np.zeros((DAYS, 3)))
        table[key.day - 1] += figures["row"][number, :3]
    rows = [_sum_row(key, total, reach[key]) for key, total in sums.items()]
    return rows, [dict(zip(_DAY_NAMES, key, strict=True), days=table) for key, table in days.items()]


_DAY_NAMES = ("bot_id", "symbol", "timeframe", "ahead_s", "month")
_NAMES = ("bot_id", "symbol", "timeframe", "ahead_s", "regime", "month")
_FIGURES = ("scored", "crps", "naive", "pinball", "vol_scored", "qlike", "qlike_naive")
_WHOLE = ("scored", "vol_scored")


def _by_key(batch: Batch) -> dict[str, np.ndarray]:
    n, code = len(batch.keys), batch.code
    judged = np.isfinite(batch.qlike) & np.isfinite(batch.qlike_naive)

    def total(weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(code, weights, n)

    def kept(values: np.ndarray) -> np.ndarray:
        return total(np.where(judged, values, 0.0))

    bins = np.bincount(code * BINS + np.minimum((batch.pit * BINS).astype(np.int64), BINS - 1), minlength=n * BINS)
    columns = [total(), total(batch.crps), total(batch.naive), total(batch.pinball), total(judged.astype(float))]
    columns += [kept(batch.qlike), kept(batch.qlike_naive)]
    lowest, highest = np.zeros(n), np.ones(n)
    np.maximum.at(lowest, code, batch.lowest)
    np.minimum.at(highest, code, batch.highest)
    row = np.column_stack([*columns, bins.reshape(n, BINS)]).astype(float)
    return {"scored": columns[0], "row": row, "lowest": lowest, "highest": highest}


def _sum_row(key: tuple, total: np.ndarray, reach: tuple[float, float]) -> dict[str, Any]:
    figures = {
        name: int(value) if name in _WHOLE else float(value) for name, value in zip(_FIGURES, total, strict=False)
    }
    bins = {f"pit_{number:02d}": int(count) for number, count in enumerate(total[len(_FIGURES) :])}
    return (
        dict(zip(_NAMES, key, strict=True)) | figures | bins | {"lowest": float(reach[0]), "highest": float(reach[1])}
    )
