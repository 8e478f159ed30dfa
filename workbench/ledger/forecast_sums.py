"""Running sums of scores by bot, market, bar length, seconds ahead, regime and month: league tables read these only.

Sums are written in the transaction that writes the scores, so they always agree; once more over all months, so that a
table over ten million scores reads some thousand rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from workbench.ledger.forecast_tables import SUMMED, forecast_days, forecast_sums
from workbench.ledger.store import Store, upsert

_KEY = ("bot_id", "symbol", "timeframe", "ahead_s", "regime", "month")
_DAY_KEY = ("bot_id", "symbol", "timeframe", "ahead_s", "month")
DAYS, PARTS = 31, 3
ALL_MONTHS = 0  # the month of rows that sum over all of them: tables of the whole time read these
NOT_SCORED = "-"  # the regime of rows that count forecasts without a score


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sums are meant; None: any. `ahead_s`: seconds ahead; `months`: (first, last), both included."""

    symbol: str | None = None
    timeframe: str | None = None
    ahead_s: int | None = None
    regime: str | None = None
    months: tuple[int, int] | None = None
    bots: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """keys : (bot, market, seconds ahead, month as 202401) of each row of `tables`, (n, 31, 3): scored, Σ crps, Σ naive
    by day of the month. A key may come twice, from bars of different length."""

    keys: Sequence[tuple[str, str, int, int]]
    tables: np.ndarray


class ForecastSums:
    """The two tables of sums. `add` and `count_late` work inside the caller's write transaction."""

    def __init__(self, store: Store):
        self._store = store

    def add(
        self,
        connection: Connection,
        world: str,
        sums: Sequence[Mapping[str, Any]],
        days: Sequence[Mapping[str, Any]],
    ) -> None:
        """sums : rows with the key, `lowest`, `highest` and any of SUMMED. days : rows with the key and `days`, an
        array of float64 of shape (31, 3): scored, Σ crps, Σ naive by day of the month."""
        if sums:
            nothing = dict.fromkeys(SUMMED, 0) | {"lowest": 0.0, "highest": 1.0}
            rows = [{"world": world, **nothing, **row} for row in sums]
            rows += [{**row, "month": ALL_MONTHS} for row in rows]
            connection.execute(_ADD[connection.dialect.name], rows)
        before = _there(connection, world, days)
        merged = [{"world": world, **row} for row in days]
        for row in merged:
            blob = before.get(tuple(row[name] for name in _DAY_KEY))
            total = np.asarray(row["days"], dtype=float) + (0 if blob is None else _table(blob))
            row["days"] = total.astype("<f8").tobytes()
        upsert(connection, forecast_days, merged)

    def count_late(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Forecasts that came too late to be scored are counted beside the others."""
        for row in rows:
            key = {name: row[name] for name in _KEY[:4]} | {"regime": NOT_SCORED, "month": month_of(row["seen_at"])}
            self.add(connection, row["world"], [{**key, "late": 1}], [])

    def read(self, world: str, by: Sequence[str], wanted: Filter) -> list[dict[str, Any]]:
        """Totals by the columns `by` (of bot_id, symbol, timeframe, ahead_s, regime, month), in their order."""
        t = forecast_sums.c
        groups = [t[name] for name in by]
        totals = [func.sum(t[name]).label(name) for name in SUMMED]
        reach = [func.max(t.lowest).label("lowest"), func.min(t.highest).label("highest")]
        whole = "month" not in by and wanted.months is None
        months = t.month == ALL_MONTHS if whole else t.month > ALL_MONTHS
        query = select(*groups, *totals, *reach).where(months, *_where(t, world, wanted))
        query = query.group_by(*groups).order_by(*groups)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def days(self, world: str, wanted: Filter) -> Days:
        """What was scored day by day, in no order."""
        t = forecast_days.c
        query = select(t.bot_id, t.symbol, t.ahead_s, t.month, t.days).where(*_where(t, world, wanted))
        with self._store.read() as connection:
            rows = connection.execute(query).cursor.fetchall()  # type: ignore[union-attr]  # no Row for each of thousands
        tables = np.frombuffer(b"".join(row[4] for row in rows), dtype="<f8").reshape(len(rows), DAYS, PARTS)
        return Days([row[:4] for row in rows], tables)

    def worlds(self) -> list[str]:
        newest = func.max(forecast_sums.c.month)
        query = select(forecast_sums.c.world).group_by(forecast_sums.c.world).order_by(newest, forecast_sums.c.world)
        with self._store.read() as connection:
            return list(connection.execute(query).scalars())


def month_of(at: datetime) -> int:
    """202401."""
    return at.year * 100 + at.month


def _where(columns: Any, world: str, wanted: Filter) -> list[Any]:
    found = [columns.world == world]
    for name in ("symbol", "timeframe", "ahead_s", "regime"):
        value = getattr(wanted, name)
        if value is not None and name in columns:
            found.append(columns[name] == value)
    if wanted.months is not None:
        found.append(columns.month.between(*wanted.months))
    if wanted.bots is not None:
        found.append(columns.bot_id.in_(wanted.bots))
    return found


def _table(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, dtype="<f8").reshape(DAYS, PARTS)


def _there(connection: Connection, world: str, rows: Sequence[Mapping[str, Any]]) -> dict[tuple, bytes]:
    """Days known of the bots, markets and months of `rows`, by key."""
    if not rows:
        return {}
    t = forecast_days.c
    near = [t[name].in_(sorted({row[name] for row in rows})) for name in ("bot_id", "symbol", "month")]
    query = select(*(t[name] for name in _DAY_KEY), t.days).where(t.world == world, *near)
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}


def _adding(insert: Any) -> Any:
    """INSERT that adds to what is there; the range of levels only narrows."""
    statement, there = insert(forecast_sums), forecast_sums.c
    new = statement.excluded
    changed = {name: there[name] + new[name] for name in SUMMED}
    changed["lowest"] = case((there.lowest > new.lowest, there.lowest), else_=new.lowest)
    changed["highest"] = case((there.highest < new.highest, there.highest), else_=new.highest)
    return statement.on_conflict_do_update(index_elements=["world", *_KEY], set_=changed)


_ADD = {"sqlite": _adding(sqlite.insert), "postgresql": _adding(postgresql.insert)}
