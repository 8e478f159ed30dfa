"""League tables from running sums: who forecasts how well, and whether that may be chance. Pure."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from workbench.quant.league_sums import BINS

DAY_S = 86_400
ENOUGH = 24  # scored forecasts before somebody may be called the best
COVERAGES = (0.5, 0.8, 0.9)
PIT = tuple(f"pit_{number:02d}" for number in range(BINS))


@dataclass(frozen=True, slots=True)
class Versus:
    """Diebold–Mariano against the best of the group, on daily means of the loss beyond the naive one. difference : ours
    minus the best's, in σ (above 0: worse); days : on which both were scored. p_value None: too few of them."""

    difference: float
    p_value: float | None
    days: int


@dataclass(frozen=True, slots=True)
class LeagueRow:
    """One line. Keys that the table is not divided by are ''; or 0. crps, pinball : means in σ; skill : 1 − crps ÷ that
    of the naive forecast of the same rows; coverage : {0.9: share of outcomes within} for intervals that all fans here
    state; pit : 20 counts; qlike : mean, with its skill against last weeks' variance. None where nothing was scored."""

    bot_id: str
    symbol: str
    timeframe: str
    ahead_s: int
    regime: str
    month: int
    scored: int
    unscored: int
    late: int
    crps: float | None
    skill: float | None
    pinball: float | None
    coverage: Mapping[float, float]
    pit: tuple[int, ...]
    qlike: float | None
    qlike_skill: float | None
    best: bool = False
    versus: Versus | None = None


def rows_of(sums: Iterable[Mapping[str, Any]]) -> list[LeagueRow]:
    """A line for each row of sums (keys of `league_sums`, those not asked for missing)."""
    return [_row(total) for total in sums]


def _row(total: Mapping[str, Any]) -> LeagueRow:
    n, judged = int(total["scored"]), int(total["vol_scored"])
    pit = tuple(int(total[name]) for name in PIT)
    return LeagueRow(
        bot_id=total.get("bot_id", ""),
        symbol=total.get("symbol", ""),
        timeframe=total.get("timeframe", ""),
        ahead_s=int(total.get("ahead_s", 0)),
        regime=total.get("regime", ""),
        month=int(total.get("month", 0)),
        scored=n,
        unscored=int(total["unscored"]),
        late=int(total["late"]),
        crps=_ratio(total["crps"], n),
        skill=_skill(total["crps"], total["naive"]),
        pinball=_ratio(total["pinball"], n),
        coverage=_coverages(pit, total["lowest"], total["highest"]) if n else {},
        pit=pit,
        qlike=_ratio(total["qlike"], judged),
        qlike_skill=_skill(total["qlike"], total["qlike_naive"]) if judged else None,
    )


def _ratio(total: float, count: int) -> float | None:
    return float(total) / count if count else None


def _skill(own: float, naive: float) -> float | None:
    return 1 - float(own) / float(naive) if naive > 0 else None


def _coverages(pit: Sequence[int], lowest: float, highest: float) -> dict[float, float]:
    """Shares of outcomes within central intervals, of those that every fan states both ends of."""
    found = {}
    for probability in COVERAGES:
        edge = (1 - probability) / 2
        first = round(edge * BINS)
        if lowest <= edge + 1e-9 and highest >= 1 - edge - 1e-9 and abs(first - edge * BINS) < 1e-9:
            found[probability] = sum(pit[first : BINS - first]) / sum(pit)
    return found


def ranked(rows: Sequence[LeagueRow], days: Mapping[tuple, np.ndarray]) -> list[LeagueRow]:
    """Best first within each group (rows alike in all but the bot), the best marked and the others tested against it.

    days : (bot, symbol, seconds ahead), '' and 0 where the table is not divided by them → `excess` by day, (n_days,) on
    one calendar for all.
    """
    groups: dict[tuple, list[LeagueRow]] = defaultdict(list)
    for row in rows:
        groups[row.symbol, row.timeframe, row.ahead_s, row.regime, row.month].append(row)
    found: list[LeagueRow] = []
    for group in groups.values():
        able = [row for row in group if row.scored >= ENOUGH and row.skill is not None]
        best = max(able, key=lambda row: row.skill or 0.0, default=None)
        order = sorted(group, key=lambda row: -np.inf if row.skill is None else row.skill, reverse=True)
        found += order if best is None else _against(order, best, days)
    return found


def _against(group: Sequence[LeagueRow], best: LeagueRow, days: Mapping[tuple, np.ndarray]) -> list[LeagueRow]:
    """The group with its best marked, and the others tested against it, all at once."""
    known = {
        row.bot_id: daily for row in group if (daily := days.get((row.bot_id, row.symbol, row.ahead_s))) is not None
    }
    others = [bot for bot in known if bot != best.bot_id]
    told: dict[str, Versus] = {}
    if others and best.bot_id in known:
        tests = versus_each(np.stack([known[bot] for bot in others]), known[best.bot_id], best.ahead_s)
        told = dict(zip(others, tests, strict=True))
    return [replace(row, best=row is best, versus=told.get(row.bot_id)) for row in group]


def excess(tables: np.ndarray) -> np.ndarray:
    """Mean loss beyond the naive one, day by day. tables : (..., n_days, 3): scored, Σ crps, Σ naive. Returns
    (..., n_days), in σ; NaN on days without a score."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (tables[..., 1] - tables[..., 2]) / tables[..., 0]


def versus(own: np.ndarray, best: np.ndarray, ahead_s: int) -> Versus:
    """Test two forecasters by day. own, best : (n_days,) `excess` on one calendar; days that one lacks are left out.

    As it is the loss beyond the naive one, a day on which they spoke of different closes is still fair. Forecasts of
    neighbouring days overlap: the variance reaches over as many days as they do.
    """
    return versus_each(own[None], best, ahead_s)[0]


def versus_each(own: np.ndarray, best: np.ndarray, ahead_s: int) -> list[Versus]:
    """`versus` of every row of `own`, (k, n_days)."""
    from workbench.quant.scoring import diebold_mariano_each

    tests = diebold_mariano_each(own, best, horizon=1 + int(np.ceil(ahead_s / DAY_S)))
    return [Versus(t.difference, t.p_value if np.isfinite(t.statistic) else None, t.rows) for t in tests]


@dataclass(frozen=True, slots=True)
class Skill:
    """Skill of a bot over the `window` days that end with `day`, on `scored` forecasts."""

    bot_id: str
    day: date
    skill: float
    scored: int


def course(days: Mapping[str, np.ndarray], months: Sequence[int], window: int = 14) -> list[Skill]:
    """Skill over a moving window, day by day, by bot. days : bot → (31 · n_months, 3), scored, Σ crps, Σ naive, of
    `months` (202401). A day's value reads that day and those before it. Days without ten forecasts in their window are
    left out."""
    dates = [(31 * number + day - 1, month, day) for number, month in enumerate(months) for day in range(1, 32)]
    real = [(row, date(month // 100, month % 100, day)) for row, month, day in dates if _exists(month, day)]
    rows = [row for row, _ in real]
    found = []
    for bot_id, table in sorted(days.items()):
        sums = np.cumsum(np.vstack([np.zeros(3), table[rows]]), axis=0)
        for number, (_, day) in enumerate(real, start=1):
            scored, crps, naive = sums[number] - sums[max(0, number - window)]
            if scored >= 10 and naive > 0 and table[rows[number - 1], 0] > 0:
                found.append(Skill(bot_id, day, float(1 - crps / naive), round(scored)))
    return found


def _exists(month: int, day: int) -> bool:
    return day <= monthrange(month // 100, month % 100)[1]
