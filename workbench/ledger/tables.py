"""What the desk remembers beside its events: bots that announced themselves, equity curves, latest statuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import delete, select

from workbench.domain.errors import LedgerError
from workbench.domain.portfolio import EquityPoint
from workbench.ledger import payload, schema, thinning
from workbench.ledger.store import Store, upsert

_announced, _equity, _statuses = schema.announced_bots, schema.equity_points, schema.statuses


@dataclass(frozen=True, slots=True)
class AnnouncedBot:
    """A bot that said where it can be reached. It counts until `expires_at`, database time, UTC."""

    bot_id: str
    url: str
    capabilities: tuple[str, ...]
    tags: tuple[str, ...]
    expires_at: datetime


class DeskTables:
    """Small tables whose newest row counts. Written without waiting for the disk: the next writing mends a loss."""

    def __init__(self, store: Store):
        self._store = store

    def announce(
        self, bot_id: str, url: str, capabilities: Sequence[str], tags: Sequence[str], ttl: timedelta
    ) -> AnnouncedBot:
        """Say that `bot_id` answers at `url` for the next `ttl`. Repeat it well before that ends."""
        if ttl <= timedelta(0):
            raise LedgerError(f"bot {bot_id!r} announces itself for {ttl}; it must be longer than no time")
        row = {
            "bot_id": payload.name(bot_id, "bot_id"),
            "url": payload.name(url, f"url of bot {bot_id!r}"),
            "capabilities": payload.plain(list(capabilities), f"capabilities of bot {bot_id!r}"),
            "tags": payload.plain(list(tags), f"tags of bot {bot_id!r}"),
        }
        with self._store.write(durable=False, ordered=False) as connection:
            ends = self._store.now(connection) + ttl
            upsert(connection, _announced, [{**row, "expires_at": ends}])
        return AnnouncedBot(row["bot_id"], row["url"], tuple(row["capabilities"]), tuple(row["tags"]), ends)

    def announced(self) -> list[AnnouncedBot]:
        """Bots whose announcement has not ended, by name."""
        with self._store.read() as connection:
            alive = _announced.c.expires_at > self._store.now(connection)
            rows = connection.execute(select(_announced).where(alive).order_by(_announced.c.bot_id)).all()
        return [
            AnnouncedBot(row.bot_id, row.url, tuple(row.capabilities), tuple(row.tags), row.expires_at) for row in rows
        ]

    def withdraw(self, bot_id: str) -> None:
        """Take an announcement back; nothing happens where there is none."""
        with self._store.write(durable=False, ordered=False) as connection:
            connection.execute(delete(_announced).where(_announced.c.bot_id == bot_id))

    def record_equity(self, run_id: str, points: Mapping[str, EquityPoint]) -> None:
        """Add one point to the curve of each bot in this run. At a moment that has one already the newest counts."""
        rows = [_equity_row(run_id, bot_id, point) for bot_id, point in points.items()]
        if rows:
            with self._store.write(durable=False, ordered=False) as connection:
                upsert(connection, _equity, rows)

    def equity(
        self, run_id: str, bot_id: str, since: datetime | None = None, max_points: int = 2000
    ) -> list[EquityPoint]:
        """The curve of a bot in a run, oldest first, from `since` on (inclusive, UTC).

        Where there are more than `max_points`, real points are left out; highs, lows, first and last stay.
        """
        if max_points < thinning.FEWEST:
            raise LedgerError(f"max_points must be {thinning.FEWEST} or more, got {max_points}")
        query = select(_equity.c.at, _equity.c.equity, _equity.c.currency).order_by(_equity.c.at)
        query = query.where((_equity.c.run_id == run_id) & (_equity.c.bot_id == bot_id))
        if since is not None:
            query = query.where(_equity.c.at >= payload.moment(since, "since"))
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        kept = thinning.keep(np.array([row.equity for row in rows]), max_points)
        return [EquityPoint(*rows[at]) for at in kept]

    def record_status(self, bot_id: str, status: Mapping[str, Any]) -> None:
        """Remember the latest status of a bot."""
        self.record_statuses({bot_id: status})

    def record_statuses(self, statuses: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember the latest status of several bots in one go."""
        rows = [
            {
                "bot_id": payload.name(bot_id, "bot_id"),
                "payload": payload.document(status, f"status of bot {bot_id!r}"),
            }
            for bot_id, status in statuses.items()
        ]
        if rows:
            with self._store.write(durable=False, ordered=False) as connection:
                now = self._store.now(connection)
                upsert(connection, _statuses, [{**row, "recorded_at": now} for row in rows])

    def statuses(self) -> dict[str, dict[str, Any]]:
        """The latest status of each bot that ever had one, by bot id. Its own `as_of` says how old it is."""
        with self._store.read() as connection:
            rows = connection.execute(select(_statuses).order_by(_statuses.c.bot_id)).all()
        return {row.bot_id: row.payload for row in rows}


def _equity_row(run_id: str, bot_id: str, point: EquityPoint) -> dict[str, Any]:
    return {
        "run_id": payload.name(run_id, "run_id"),
        "bot_id": payload.name(bot_id, "bot_id"),
        "at": payload.moment(point.at, f"time of the equity of bot {bot_id!r}"),
        "equity": payload.plain(float(point.equity), f"equity of bot {bot_id!r}"),
        "currency": payload.name(point.currency, f"currency of bot {bot_id!r}"),
    }
