"""The accuracy database: forecasts kept before their outcome can exist, scored once each when they mature.

`world` names the market whose outcomes are meant: one replay, or a real exchange. Times of a forecast are market time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.engine import Connection

from workbench.domain.errors import LedgerError
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.ledger import forecast_tables, payload
from workbench.ledger.forecast_sums import ForecastSums
from workbench.ledger.store import Store, upsert

_kept, _due, _scores, _trust = (
    forecast_tables.forecasts,
    forecast_tables.forecasts_due,
    forecast_tables.forecast_scores,
    forecast_tables.forecast_trust,
)
IDS_A_QUERY = 500
ROWS_A_LOOK = 2000
GONE_BY = 8  # an eighth of the horizon, and a bar, may have gone by since `seen_at`: later is knowing more than said


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast as stored. `stored_at`: market time then; `late`: '' or why it is never scored."""

    forecast_id: str
    forecast: Forecast
    stored_at: datetime
    late: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of forecasts given: newly kept, kept before, and those too late to count, by bot with the reason."""

    kept: int
    known: int
    late: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """All forecasts of one market that mean one moment and were made from the same close."""

    symbol: str
    timeframe: Timeframe
    ahead_s: int
    seen_at: datetime
    kept: tuple[Kept, ...]

    @property
    def matures_at(self) -> datetime:
        return self.seen_at + timedelta(seconds=self.ahead_s)


@dataclass(frozen=True, slots=True)
class Settled:
    """One transaction of scoring. scores: a row of `forecast_scores` a forecast, without `scored_at`; sums, days: what
    they add to the running sums; trust: (symbol, seconds ahead) → the state after them and the moment it matured."""

    scores: Sequence[Mapping[str, Any]]
    sums: Sequence[Mapping[str, Any]]
    days: Sequence[Mapping[str, Any]]
    trust: Mapping[tuple[str, int], tuple[str, datetime]]


def forecast_id(world: str, forecast: Forecast) -> str:
    """One a bot, market, bar length, horizon and close: what a bot says later of the same close does not count."""
    f = forecast
    key = (world, f.bot_id, f.symbol, str(f.timeframe), f.horizon, f.seen_at.isoformat())
    return sha256(payload.encode([str(part) for part in key]).encode()).hexdigest()[:32]


def lateness(forecast: Forecast, now: datetime) -> str:
    """Why a forecast that reached the desk at market time `now` is never scored; '' where it may be."""
    step, gone = forecast.timeframe.step, now - forecast.seen_at
    if gone < timedelta(0):
        return f"it claims to have seen {forecast.seen_at:%Y-%m-%d %H:%M}, which has not been"
    if now >= forecast.matures_at:
        return f"it came after its moment had passed ({forecast.matures_at:%Y-%m-%d %H:%M} UTC)"
    if forecast.timeframe.open_of(forecast.seen_at) != forecast.seen_at:
        return f"no {forecast.timeframe} bar closes at {forecast.seen_at:%Y-%m-%d %H:%M:%S} UTC"
    if gone > step * (2 + forecast.horizon // GONE_BY):
        return f"{gone // step} bars had gone by since the close it speaks from"
    return ""


class ForecastBook:
    """Forecasts, scores and trust of one ledger. `sums`: the running totals that league tables are made of."""

    def __init__(self, store: Store):
        self._store = store
        self.sums = ForecastSums(store)
        with store.read() as connection:
            there = forecast_tables.found_version(connection)
        if not there:
            with store.write() as connection:
                forecast_tables.create(connection)

    def record(self, world: str, forecasts: Sequence[Forecast], now: datetime) -> Recorded:
        """Keep `forecasts`, which had all reached the desk at market time `now`. The same one twice is kept once, as
        it was the first time. A late one is kept with its reason and never scored."""
        rows = {row["forecast_id"]: row for row in (_row(world, one, now) for one in reversed(forecasts))}
        if not rows:
            return Recorded(0, 0)
        with self._store.write(durable=False) as connection:
            known = _known(connection, list(rows))
            fresh = [{**row, "made_at": self._store.now(connection)} for key, row in rows.items() if key not in known]
            if fresh:
                connection.execute(_kept.insert(), fresh)
            due = [{column.name: row[column.name] for column in _due.columns} for row in fresh if not row["late"]]
            if due:
                connection.execute(_due.insert(), due)
            self.sums.count_late(connection, [row for row in fresh if row["late"]])
        late = {row["bot_id"]: row["late"] for row in fresh if row["late"]}
        return Recorded(len(fresh), len(forecasts) - len(fresh), late)

    def matured(self, world: str, now: datetime, limit: int = ROWS_A_LOOK) -> list[Round]:
        """Rounds whose moment has passed at market time `now` and that nobody has settled, oldest first; each whole."""
        order = (_due.c.matures_at, _kept.c.symbol, _kept.c.timeframe, _kept.c.horizon, _kept.c.bot_id)
        query = select(_kept).join(_due, _due.c.forecast_id == _kept.c.forecast_id).order_by(*order).limit(limit)
        with self._store.read() as connection:
            found = connection.execute(query.where((_due.c.world == world) & (_due.c.matures_at <= now))).all()
        rounds = [Round(*key, tuple(kept)) for key, kept in groupby(map(_read, found), key=_round_key)]
        return rounds[:-1] if len(found) == limit and len(rounds) > 1 else rounds

    def settle(self, world: str, settled: Settled) -> bool:
        """Write scores, sums and trust together, once: False, and nothing written, where another process has settled
        one of these forecasts meanwhile. Look again then."""
        ids = [score["forecast_id"] for score in settled.scores]
        try:
            with self._store.write(durable=False) as connection:
                taken = 0
                for start in range(0, len(ids), IDS_A_QUERY):
                    part = ids[start : start + IDS_A_QUERY]
                    taken += connection.execute(delete(_due).where(_due.c.forecast_id.in_(part))).rowcount
                if taken != len(ids):
                    raise _Raced
                now = self._store.now(connection)
                if ids:
                    connection.execute(_scores.insert(), [{**score, "scored_at": now} for score in settled.scores])
                self.sums.add(connection, world, settled.sums, settled.days)
                keys = [
                    {"world": world, "symbol": symbol, "ahead_s": ahead_s, "state": state, "matured_at": at}
                    for (symbol, ahead_s), (state, at) in settled.trust.items()
                ]
                upsert(connection, _trust, keys)
        except _Raced:
            return False
        return True

    def trust(self, world: str, symbol: str, ahead_s: int) -> str | None:
        """State of trust in who forecasts `symbol` so many seconds ahead, as `quant.aggregation.Trust` writes it."""
        key = (_trust.c.world == world) & (_trust.c.symbol == symbol) & (_trust.c.ahead_s == ahead_s)
        with self._store.read() as connection:
            return connection.execute(select(_trust.c.state).where(key)).scalar_one_or_none()

    def waiting(self, world: str) -> int:
        """Forecasts whose outcome is not known yet."""
        with self._store.read() as connection:
            return connection.execute(select(func.count()).where(_due.c.world == world)).scalar_one()

    def worlds(self) -> list[str]:
        """Worlds that have scores, the one of the newest forecast last."""
        return self.sums.worlds()

    def find(self, forecast_id: str) -> tuple[Kept, Mapping[str, Any] | None] | None:
        """A forecast and its score (None while it has none)."""
        with self._store.read() as connection:
            row = connection.execute(select(_kept).where(_kept.c.forecast_id == forecast_id)).one_or_none()
            score = connection.execute(select(_scores).where(_scores.c.forecast_id == forecast_id)).one_or_none()
        return None if row is None else (_read(row), None if score is None else dict(score._mapping))


class _Raced(Exception):
    """Another process was first; the transaction is taken back."""


def _row(world: str, forecast: Forecast, now: datetime) -> dict[str, Any]:
    if not isinstance(forecast, Forecast):
        raise LedgerError(f"only forecasts are kept here, got a {type(forecast).__name__}")
    f, who = forecast, f"forecast of {forecast.bot_id!r}"
    return {
        "forecast_id": forecast_id(world, f),
        "world": payload.name(world, "world"),
        "bot_id": payload.name(f.bot_id, "bot_id"),
        "symbol": payload.name(f.symbol, f"symbol of the {who}"),
        "timeframe": str(f.timeframe),
        "horizon": f.horizon,
        "ahead_s": f.horizon * f.timeframe.seconds,
        "seen_at": payload.moment(f.seen_at, f"seen_at of the {who}"),
        "matures_at": payload.moment(f.matures_at, f"seen_at of the {who}"),
        "stored_at": payload.moment(now, "market time"),
        "levels": payload.plain(list(f.levels), f"levels of the {who}"),
        "prices": payload.plain(list(f.values), f"values of the {who}"),
        "reference": float(f.reference),
        "volatility": f.volatility,
        "model_version": payload.text(f.model_version, f"model version of the {who}"),
        "late": lateness(f, now),
    }


def _read(row: Any) -> Kept:
    forecast = Forecast(
        bot_id=row.bot_id,
        symbol=row.symbol,
        timeframe=Timeframe.parse(row.timeframe),
        horizon=row.horizon,
        levels=tuple(row.levels),
        values=tuple(row.prices),
        reference=row.reference,
        seen_at=row.seen_at,
        model_version=row.model_version,
        volatility=row.volatility,
    )
    return Kept(row.forecast_id, forecast, row.stored_at, row.late)


def _round_key(kept: Kept) -> tuple[str, Timeframe, int, datetime]:
    f = kept.forecast
    return f.symbol, f.timeframe, f.horizon * f.timeframe.seconds, f.seen_at


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), IDS_A_QUERY):
        query = select(_kept.c.forecast_id).where(_kept.c.forecast_id.in_(ids[start : start + IDS_A_QUERY]))
        found |= set(connection.execute(query).scalars())
    return found
