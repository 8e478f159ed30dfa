"""Running sums of scores by bot, market, bar length, seconds ahead, regime and month: league tables read these only.

Sums are written in the transaction that writes the scores, so they always agree, and a table over ten million scores
reads some ten thousand rows.
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
            connection.execute(_ADD[connection.dialect.name], [{"world": world, **nothing, **row} for row in sums])
        merged = [{"world": world, **row} for row in days]
        for row in merged:
            key = [forecast_days.c[name] == row[name] for name in ("world", *_DAY_KEY)]
            before = connection.execute(select(forecast_days.c.days).where(*key)).scalar_one_or_none()
            total = np.asarray(row["days"], dtype=float) + (0 if before is None else _days(before))
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
        query = select(*groups, *totals, *reach).where(*_where(t, world, wanted)).group_by(*groups).order_by(*groups)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def days(self, world: str, wanted: Filter) -> list[tuple[str, str, int, int, np.ndarray]]:
        """(bot, symbol, seconds ahead, month, array of shape (31, 3)), in order of month."""
        t = forecast_days.c
        columns = (t.bot_id, t.symbol, t.ahead_s, t.month, t.days)
        query = select(*columns).where(*_where(t, world, wanted)).order_by(t.month)
        with self._store.read() as connection:
            return [(bot, symbol, s, month, _days(blob)) for bot, symbol, s, month, blob in connection.execute(query)]

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


def _days(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, dtype="<f8").reshape(DAYS, PARTS)


def _adding(insert: Any) -> Any:
    """INSERT that adds to what is there; the range of levels only narrows."""
    statement, there = insert(forecast_sums), forecast_sums.c
    new = statement.excluded
    changed = {name: there[name] + new[name] for name in SUMMED}
    changed["lowest"] = case((there.lowest > new.lowest, there.lowest), else_=new.lowest)
    changed["highest"] = case((there.highest < new.highest, there.highest), else_=new.highest)
    return statement.on_conflict_do_update(index_elements=["world", *_KEY], set_=changed)


_ADD = {"sqlite": _adding(sqlite.insert), "postgresql": _adding(postgresql.insert)}
