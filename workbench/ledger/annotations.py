"""What each user labelled: the newest state of every annotation, and the whole way there.

Every change is a new row (created, edited, deleted, restored); none is ever overwritten. `undo` takes back the newest
change of this user that still stands, by adding the state before it. A row waits for the disk.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.engine import Connection

from workbench.domain.errors import LedgerError
from workbench.domain.patterns import Annotation, Outcome, Pattern
from workbench.ledger import payload, schema
from workbench.ledger.annotation_wire import from_json, read_file, to_json, write_file
from workbench.ledger.store import Store

_table = schema.annotations
_EDITABLE = frozenset(
    {"pattern", "first_at", "last_at", "bars", "seen_until", "outcome", "rule", "note", "shared", "symbol", "timeframe"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of an annotation's history. `after`: its state since; None: deleted. `undoes`: number of the change that
    this one takes back, 0 for a change of its own. `at`: database time, UTC."""

    number: int
    user_id: str
    annotation_id: str
    action: str
    after: Annotation | None
    at: datetime
    undoes: int = 0


class AnnotationTable:
    """Annotations by user. Every method sees and changes those of one user only; an id is unique over all users."""

    def __init__(self, store: Store):
        self._store = store

    def add(self, annotation: Annotation) -> Annotation:
        """Keep a new annotation. The same one again changes nothing; another under its id raises LedgerError."""
        with self._store.write() as connection:
            newest = _newest(connection, annotation.annotation_id)
            if newest is None:
                return self._put(connection, annotation.user_id, annotation.annotation_id, "created", annotation)
            if _state(newest) != annotation:
                raise LedgerError(
                    f"annotation {annotation.annotation_id!r} is there already; edit it, or take another id"
                )
        return annotation

    def edit(self, user_id: str, annotation_id: str, /, **changes: Any) -> Annotation:
        """Replace fields of a standing annotation (any but its id and user); returns it as it is now."""
        unknown = sorted(set(changes) - _EDITABLE)
        if unknown:
            raise LedgerError(f"{unknown[0]!r} cannot be edited; there are {', '.join(sorted(_EDITABLE))}")
        with self._store.write() as connection:
            before = self._standing(connection, user_id, annotation_id)
            after = replace(before, **changes)
            return after if after == before else self._put(connection, user_id, annotation_id, "edited", after)

    def delete(self, user_id: str, annotation_id: str) -> None:
        """Take an annotation out of use; `undo` brings it back, and its history stays."""
        with self._store.write() as connection:
            self._standing(connection, user_id, annotation_id)
            self._put(connection, user_id, annotation_id, "deleted", None)

    def undo(self, user_id: str) -> Change | None:
        """Take back this user's newest change that still stands; None where there is none left."""
        with self._store.write() as connection:
            own = _table.c.user_id == user_id
            undone = select(_table.c.undoes).where(own & (_table.c.undoes > 0))
            stands = own & (_table.c.undoes == 0) & _table.c.number.not_in(undone)
            newest = connection.execute(select(_table).where(stands).order_by(_table.c.number.desc()).limit(1))
            change = newest.one_or_none()
            if change is None:
                return None
            same = _table.c.annotation_id == change.annotation_id
            earlier = select(_table).where(same & (_table.c.number < change.number))
            before = connection.execute(earlier.order_by(_table.c.number.desc()).limit(1)).one_or_none()
            state = None if before is None else _state(before)
            action = "deleted" if state is None else "restored"
            self._put(connection, user_id, change.annotation_id, action, state, change.number)
            done = select(_table).where(same).order_by(_table.c.number.desc()).limit(1)
            return _change(connection.execute(done).one())

    def get(self, user_id: str, annotation_id: str) -> Annotation:
        """One standing annotation. Raises LedgerError where this user has none by that id."""
        with self._store.read() as connection:
            return self._standing(connection, user_id, annotation_id)

    def all(self, user_id: str, pattern: str | None = None) -> list[Annotation]:
        """The user's standing annotations, oldest label first; of one pattern where it is named."""
        kept = [one for one in self._current(_table.c.user_id == user_id) if one.user_id == user_id]
        return [one for one in kept if pattern is None or one.pattern == pattern]

    def shared(self) -> list[Annotation]:
        """Standing annotations of every user who consented that others learn from them."""
        return [one for one in self._current() if one.shared]

    def patterns(self, user_id: str) -> list[Pattern]:
        """The user's patterns by name: the names to offer."""
        return patterns_in(self.all(user_id))

    def history(self, user_id: str, annotation_id: str | None = None) -> list[Change]:
        """Every change this user made, oldest first; of one annotation where it is named."""
        query = select(_table).where(_table.c.user_id == user_id).order_by(_table.c.number)
        if annotation_id is not None:
            query = query.where(_table.c.annotation_id == annotation_id)
        with self._store.read() as connection:
            return [_change(row) for row in connection.execute(query)]

    def export(self, user_id: str, path: str | Path) -> Path:
        """Write the user's annotations to a .csv, .parquet or .json file."""
        return write_file(self.all(user_id), path)

    def import_file(self, user_id: str, path: str | Path) -> int:
        """Take the annotations of a file as this user's own; returns how many were new. All of them, or none.

        One that is there already is left alone; an id that another user has is given a new one that depends only on
        both, so that importing twice adds nothing.
        """
        return self._take(user_id, read_file(path))

    def _take(self, user_id: str, annotations: Iterable[Annotation]) -> int:
        count = 0
        with self._store.write() as connection:
            for one in annotations:
                newest = _newest(connection, one.annotation_id)
                if newest is not None and newest.user_id != user_id:
                    one = replace(one, annotation_id=f"{one.annotation_id}@{user_id}")
                    newest = _newest(connection, one.annotation_id)
                if newest is None:
                    one = replace(one, user_id=user_id)
                    self._put(connection, user_id, one.annotation_id, "imported", one)
                    count += 1
        return count

    def _put(
        self,
        connection: Connection,
        user_id: str,
        annotation_id: str,
        action: str,
        after: Annotation | None,
        undoes: int = 0,
    ) -> Any:
        who = f"annotation {annotation_id!r}"
        row = {
            "number": connection.execute(select(func.coalesce(func.max(_table.c.number), 0) + 1)).scalar_one(),
            "annotation_id": payload.name(annotation_id, "annotation_id"),
            "user_id": payload.name(user_id, f"user of {who}"),
            "action": action,
            "undoes": undoes,
            "state": None if after is None else payload.document(to_json(after), who),
            "at": self._store.now(connection),
        }
        connection.execute(_table.insert(), [row])
        return after

    def _standing(self, connection: Connection, user_id: str, annotation_id: str) -> Annotation:
        row = _newest(connection, annotation_id)
        state = None if row is None or row.user_id != user_id else _state(row)
        if state is None:
            raise LedgerError(f"{user_id} has no annotation {annotation_id!r}; it was deleted, or is another's")
        return state

    def _current(self, where: Any = None) -> list[Annotation]:
        newest = select(func.max(_table.c.number)).group_by(_table.c.annotation_id)
        if where is not None:
            newest = newest.where(where)
        query = select(_table).where(_table.c.number.in_(newest)).order_by(_table.c.number)
        born = select(_table.c.annotation_id, func.min(_table.c.number).label("born")).group_by(_table.c.annotation_id)
        with self._store.read() as connection:
            order = {row.annotation_id: row.born for row in connection.execute(born)}
            rows = connection.execute(query).all()
        states = [state for row in rows if (state := _state(row)) is not None]
        return sorted(states, key=lambda one: order[one.annotation_id])


def patterns_in(labels: Iterable[Annotation]) -> list[Pattern]:
    """What labels say of each pattern, by name."""
    groups: dict[str, list[Annotation]] = {}
    for one in labels:
        groups.setdefault(one.pattern, []).append(one)
    return [_summary(name, groups[name]) for name in sorted(groups, key=str.casefold)]


def _summary(name: str, labels: list[Annotation]) -> Pattern:
    ended = [one.outcome for one in labels]
    rules = [one.rule for one in labels if one.rule]
    newest = max(one.seen_until for one in labels)
    successes, failures = ended.count(Outcome.SUCCESS), ended.count(Outcome.FAILURE)
    return Pattern(name, len(labels), successes, failures, rules[-1] if rules else None, newest)


def _newest(connection: Connection, annotation_id: str) -> Row | None:
    query = select(_table).where(_table.c.annotation_id == annotation_id).order_by(_table.c.number.desc()).limit(1)
    return connection.execute(query).one_or_none()


def _state(row: Row | Mapping[str, Any]) -> Annotation | None:
    state = row.state  # type: ignore[union-attr]
    return None if state is None else from_json(state)


def _change(row: Row) -> Change:
    return Change(row.number, row.user_id, row.annotation_id, row.action, _state(row), row.at, row.undoes)
