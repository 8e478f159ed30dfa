"""The append-only log: numbering, reading, following."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, literal, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from workbench.domain.errors import LedgerError
from workbench.domain.events import Event, NewEvent
from workbench.ledger import payload, schema
from workbench.ledger.store import Store
from workbench.ledger.tail import BATCH, Tail

_IDS_A_QUERY = 500
_table = schema.events
_columns = (_table.c.seq, _table.c.kind, _table.c.source, _table.c.payload, _table.c.event_id, _table.c.at)

# The statements on the fast path are built once: building one costs SQLAlchemy more than running it costs SQLite.
_HEAD = select(func.coalesce(func.max(_table.c.seq), 0))
_READ = select(*_columns).where(_table.c.seq > bindparam("after")).order_by(_table.c.seq).limit(bindparam("at_most"))
_FOLLOW = select(*_columns).where(_table.c.seq > bindparam("after")).order_by(_table.c.seq).limit(literal(BATCH))
_FIELDS = ("event_id", "kind", "source", "payload", "at")
_NEXT_ROW = select(_HEAD.scalar_subquery() + 1, *(bindparam(name, type_=_table.c[name].type) for name in _FIELDS))
_INSERT_NEXT = {
    dialect: insert(_table)
    .from_select(("seq", *_FIELDS), _NEXT_ROW.where(true()))  # SQLite needs the WHERE to tell ON CONFLICT from a join
    .on_conflict_do_nothing(index_elements=["event_id"])
    .returning(_table.c.seq)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


class EventLog:
    """Events by number. `seq` rises in the order of commits, so resuming after a number misses nothing."""

    def __init__(self, store: Store):
        self._store = store

    def append(self, events: Sequence[NewEvent], durable: bool = True) -> list[Event]:
        """Number `events` and record them, all or none; returns them as the log has them, in the order given.

        An `event_id` that is there already is not appended again: what the log holds comes back, with its old number.
        durable=False returns before the disk has it: a power loss (not a crash) may take the last ones, and then a
        number is used again; a reader that keeps its place outside this database should read durable events only.
        """
        checked = [check(event) for event in events]
        if not checked:
            return []
        with self._store.write(durable) as connection:
            return record(connection, checked)

    def read(self, after: int = 0, limit: int = 1000, kinds: Sequence[str] | None = None) -> list[Event]:
        """At most `limit` events with seq > after, oldest first."""
        with self._store.read() as connection:
            asked = {"after": after, "at_most": _positive(limit)}
            return [_event(row) for row in connection.execute(_of_kinds(_READ, kinds), asked)]

    def last(self, limit: int = 50, kinds: Sequence[str] | None = None) -> list[Event]:
        """The newest `limit` events, oldest first."""
        with self._store.read() as connection:
            query = _of_kinds(select(*_columns), kinds).order_by(_table.c.seq.desc()).limit(_positive(limit))
            return [_event(row) for row in connection.execute(query)][::-1]

    def event(self, event_id: str) -> Event | None:
        """The event with this id; None where it was never recorded. How an effect is looked for after a crash."""
        with self._store.read() as connection:
            return _known(connection, [event_id]).get(event_id)

    def head(self) -> int:
        """Number of the newest event, 0 where there is none."""
        with self._store.read() as connection:
            return _head(connection)

    def tail(self, after: int | None = None, kinds: Sequence[str] | None = None) -> Tail:
        """Every event with seq > after, for ever; after=None: those appended from now on.

        Close it (`await tail.aclose()`, or `contextlib.aclosing`) when done; a cancelled wait loses nothing.
        """
        start = self.head() if after is None else after
        query = _FOLLOW
        if kinds is not None:  # one parameter for each, for the driver knows no list of them
            query = query.where(_table.c.kind.in_([bindparam(f"kind_{at}", kind) for at, kind in enumerate(kinds)]))
        return Tail(partial(self._store.backend.watch, query), _from_driver, start)


def check(event: NewEvent) -> dict[str, Any]:
    """An event as a row without its number. Raises LedgerError naming what cannot be recorded."""
    who = f"event {event.event_id!r}"
    return {
        "event_id": payload.name(event.event_id, "event_id"),
        "kind": payload.name(event.kind, f"kind of {who}"),
        "source": payload.text(event.source, f"source of {who}"),
        "payload": payload.document(event.payload, f"payload of {who}"),
        "at": payload.moment(event.at, f"time of {who}"),
    }


def record(connection: Connection, checked: Sequence[dict[str, Any]]) -> list[Event]:
    """Number and insert rows inside an ordered write transaction. The transaction's turn makes head + 1 ours."""
    if len(checked) == 1:
        seq = connection.execute(_INSERT_NEXT[connection.dialect.name], checked[0]).scalar_one_or_none()
        if seq is not None:
            return [Event(seq=seq, **checked[0])]
    found = _known(connection, [row["event_id"] for row in checked])
    head, fresh = _head(connection), list[dict[str, Any]]()
    for row in checked:
        if row["event_id"] not in found:
            fresh.append({"seq": head + len(fresh) + 1, **row})
            found[row["event_id"]] = Event(**fresh[-1])
    if fresh:
        connection.execute(_table.insert(), fresh)
    return [found[row["event_id"]] for row in checked]


def note(connection: Connection, kind: str, source: str, event_id: str, at: datetime, **facts: Any) -> None:
    """Record one event of the ledger's own (a command taken, a lease that changed hands) in the same transaction."""
    record(connection, [check(NewEvent(kind, source, facts, event_id, at))])


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    for start in range(0, len(ids), _IDS_A_QUERY):
        query = select(*_columns).where(_table.c.event_id.in_(ids[start : start + _IDS_A_QUERY]))
        found |= {row.event_id: _event(row) for row in connection.execute(query)}
    return found


def _head(connection: Connection) -> int:
    return connection.execute(_HEAD).scalar_one()


def _of_kinds(query: Select, kinds: Sequence[str] | None) -> Select:
    return query if kinds is None else query.where(_table.c.kind.in_(list(kinds)))


def _event(row: Row) -> Event:
    return Event(row.seq, row.kind, row.source, row.payload, row.event_id, row.at)


def _from_driver(row: tuple) -> Event:
    seq, kind, source, stored, event_id, at = row
    return Event(seq, kind, source, payload.decode(stored), event_id, schema.EPOCH + at * schema.MICROSECOND)


def _positive(limit: int) -> int:
    if limit < 1:
        raise LedgerError(f"limit must be 1 or more, got {limit}")
    return limit
