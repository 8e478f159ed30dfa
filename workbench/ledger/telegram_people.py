"""Who may speak to the desk in a chat: pending until an admin decides, then a role; every change is an event."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from workbench.domain.errors import LedgerError
from workbench.ledger import payload
from workbench.ledger.events import note
from workbench.ledger.store import Store
from workbench.ledger.telegram_schema import ensure, people

ASKED, CHANGED = "AccessAsked", "AccessChanged"
MOST_PENDING = 50


class Standing(StrEnum):
    """Where a person stands. The last three are roles."""

    PENDING = "pending"
    REFUSED = "refused"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Telegram, by number. `name` is what they call themselves: text, never markup, never trusted."""

    person: int
    name: str
    standing: Standing
    asked_at: datetime
    changed_by: str
    changed_at: datetime


class PeopleTable:
    """Nobody is here who did not ask, and nobody may do anything before an admin has said so."""

    def __init__(self, store: Store):
        self._store = store
        with store.write() as connection:
            ensure(connection)

    def all(self) -> list[Person]:
        """Everybody who ever asked, oldest first."""
        with self._store.read() as connection:
            return [_person(row) for row in connection.execute(select(people).order_by(people.c.asked_at))]

    def get(self, person: int) -> Person | None:
        with self._store.read() as connection:
            row = _find(connection, person)
            return None if row is None else _person(row)

    def ask(self, person: int, name: str) -> Person:
        """Wait for an admin's word. Who asked before stays what they are. Raises LedgerError where too many wait."""
        with self._store.write() as connection:
            row = _find(connection, person)
            if row is not None:
                return _person(row)
            waiting = select(func.count()).select_from(people).where(people.c.standing == Standing.PENDING)
            if connection.execute(waiting).scalar_one() >= MOST_PENDING:
                raise LedgerError(f"{MOST_PENDING} people wait for an admin's word already; try again later")
            now, known_as = self._store.now(connection), payload.text(name[:64], "name")
            same = {"asked_at": now, "changed_by": "", "changed_at": now}
            connection.execute(insert(people).values(person=person, name=known_as, standing=Standing.PENDING, **same))
            words = f"{known_as} ({person}) asks for access: /people approve {person} viewer"
            note(connection, ASKED, "telegram", f"{ASKED}:{person}:{now.isoformat()}", now, person=person, words=words)
            return Person(person, known_as, Standing.PENDING, now, "", now)

    def decide(self, person: int, standing: Standing, by: str) -> Person:
        """Give `person` a role, or refuse. Raises LedgerError for somebody who never asked."""
        with self._store.write() as connection:
            row = _needed(connection, person)
            if row.standing != standing:
                now = self._store.now(connection)
                changed = {"standing": standing, "changed_by": payload.text(by, "who decides"), "changed_at": now}
                connection.execute(update(people).where(people.c.person == person).values(**changed))
                words = f"{row.name} ({person}) is {standing.value} now, by {by}"
                key = f"{CHANGED}:{person}:{now.isoformat()}"
                note(connection, CHANGED, by, key, now, person=person, standing=standing.value, words=words)
            return _person(_needed(connection, person))

    def remove(self, person: int, by: str) -> Person:
        """Forget `person`, who may ask again. Returns what they were."""
        with self._store.write() as connection:
            row = _needed(connection, person)
            now = self._store.now(connection)
            connection.execute(delete(people).where(people.c.person == person))
            words = f"{row.name} ({person}) has no access any more, by {by}"
            note(connection, CHANGED, by, f"{CHANGED}:{person}:{now.isoformat()}", now, person=person, words=words)
            return _person(row)


def _find(connection: Connection, person: int) -> Row | None:
    return connection.execute(select(people).where(people.c.person == person)).one_or_none()


def _needed(connection: Connection, person: int) -> Row:
    row = _find(connection, person)
    if row is None:
        raise LedgerError(f"nobody with the number {person} has asked for access; /people lists who has")
    return row


def _person(row: Row) -> Person:
    return Person(row.person, row.name, Standing(row.standing), row.asked_at, row.changed_by, row.changed_at)
