"""What was tried, learned, recognised, recommended and answered, by user: rows are only ever added.

The number of things tried decides how hard a claim of significance is judged, so it must not be possible to forget one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from workbench.domain.errors import LedgerError
from workbench.ledger import payload, schema
from workbench.ledger.store import Store

_table = schema.pattern_log
TRIAL, RECOGNITION, ADVICE, FEEDBACK, MODEL = "trial", "recognition", "advice", "feedback", "model"
WATCH, ACCEPTED = "watch", "accepted"  # which markets the desk is to look at; which patterns of others are taken
_KINDS = (TRIAL, RECOGNITION, ADVICE, FEEDBACK, MODEL, WATCH, ACCEPTED)


@dataclass(frozen=True, slots=True)
class Noted:
    """One row. `key`: what makes a repetition the same thing. `at`: database time, UTC."""

    number: int
    user_id: str
    kind: str
    key: str
    facts: Mapping[str, Any]
    at: datetime


class PatternLog:
    """Append-only. A (user, kind, key) that is there already is not added again."""

    def __init__(self, store: Store):
        self._store = store

    def note(self, user_id: str, kind: str, rows: Mapping[str, Mapping[str, Any]]) -> int:
        """Add rows of one kind by key, all or none; returns how many were new. Durable when this returns."""
        if kind not in _KINDS:
            raise LedgerError(f"the pattern log has no kind {kind!r}; there are {', '.join(_KINDS)}")
        user = payload.name(user_id, "user_id")
        checked = {
            payload.name(key, f"key of a {kind}"): payload.document(facts, f"{kind} {key!r}")
            for key, facts in rows.items()
        }
        if not checked:
            return 0
        with self._store.write() as connection:
            same = (_table.c.user_id == user) & (_table.c.kind == kind)
            known = set(connection.execute(select(_table.c.key).where(same)).scalars())
            head = connection.execute(select(func.coalesce(func.max(_table.c.number), 0))).scalar_one()
            now, fresh = self._store.now(connection), [key for key in checked if key not in known]
            added = [
                {"number": head + place, "user_id": user, "kind": kind, "key": key, "facts": checked[key], "at": now}
                for place, key in enumerate(fresh, 1)
            ]
            if added:
                connection.execute(_table.insert(), added)
        return len(added)

    def count(self, user_id: str, kind: str = TRIAL) -> int:
        """How many different things of a kind this user has: of trials, how often chance was given an opening."""
        query = select(func.count()).where((_table.c.user_id == user_id) & (_table.c.kind == kind))
        with self._store.read() as connection:
            return int(connection.execute(query).scalar_one())

    def users(self, kind: str) -> list[str]:
        """Everybody who has something of a kind."""
        query = select(_table.c.user_id).where(_table.c.kind == kind).distinct().order_by(_table.c.user_id)
        with self._store.read() as connection:
            return [str(user) for user in connection.execute(query).scalars()]

    def all(self, user_id: str, kind: str) -> list[Noted]:
        """Rows of one kind, oldest first."""
        query = select(_table).where((_table.c.user_id == user_id) & (_table.c.kind == kind)).order_by(_table.c.number)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return [Noted(row.number, row.user_id, row.kind, row.key, row.facts, row.at) for row in rows]
