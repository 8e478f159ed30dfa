"""Updates from Telegram, recorded before they are acknowledged and before they act.

An update is `received` (durably; only then may Telegram forget it), `begun` when it starts to act, `done` with what
came of it. One that is known is not received again, whatever Telegram redelivers; ids are remembered one by one,
because they start anew at random after a quiet week.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from workbench.ledger import payload
from workbench.ledger.store import Store
from workbench.ledger.telegram_schema import ensure, marks, updates

RECEIVED, BEGUN, DONE = "received", "begun", "done"
KEPT = timedelta(days=30)
_UPDATES_A_QUERY = 400


@dataclass(frozen=True, slots=True)
class Journalled:
    """An update that has not ended. `begun`: it may have acted already. `body`: JSON, as given to `receive`."""

    update_id: int
    body: Mapping[str, Any]
    begun: bool
    received_at: datetime


class TelegramJournal:
    """Blocking; every change waits for the disk. `bot`: Telegram's number of the bot, for each has ids of its own."""

    def __init__(self, store: Store, bot: int):
        self._store, self._bot = store, bot
        self._mine = updates.c.bot == bot
        with store.write() as connection:
            ensure(connection)

    def receive(self, bodies: Mapping[int, Mapping[str, Any]]) -> list[int]:
        """Record updates by id; returns the ids that were not known, in the order given. All or none."""
        checked = {number: payload.document(body, f"update {number}") for number, body in bodies.items()}
        if not checked:
            return []
        with self._store.write() as connection:
            now, known = self._store.now(connection), self._known(connection, list(checked))
            fresh = [number for number in checked if number not in known]
            last = connection.execute(select(func.coalesce(func.max(updates.c.number), 0))).scalar_one()
            rows = [
                {"update_id": each, "body": checked[each], "number": last + at}
                for at, each in enumerate(fresh, start=1)
            ]
            same = {"bot": self._bot, "state": RECEIVED, "outcome": "", "received_at": now}
            if rows:
                connection.execute(updates.insert(), [row | same for row in rows])
        return fresh

    def begin(self, update_id: int) -> bool:
        """Mark that it starts to act now. False where it has begun before or is not known: then it must not act."""
        this = self._mine & (updates.c.update_id == update_id) & (updates.c.state == RECEIVED)
        with self._store.write() as connection:
            return connection.execute(update(updates).where(this).values(state=BEGUN)).rowcount == 1

    def finish(self, update_id: int, outcome: str) -> None:
        """It has ended, in these words. Its text is forgotten, its id is not."""
        this = self._mine & (updates.c.update_id == update_id)
        with self._store.write() as connection:
            values = {"state": DONE, "outcome": payload.text(outcome[:200], "outcome"), "body": {}}
            connection.execute(update(updates).where(this).values(**values))

    def open(self) -> list[Journalled]:
        """Updates that have not ended, in the order in which they were received."""
        query = select(updates).where(self._mine & (updates.c.state != DONE)).order_by(updates.c.number)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return [Journalled(row.update_id, row.body, row.state == BEGUN, row.received_at) for row in rows]

    def outcome(self, update_id: int) -> str | None:
        """How an update ended; None where it has not, or is not known."""
        query = select(updates.c.outcome).where(
            self._mine & (updates.c.update_id == update_id) & (updates.c.state == DONE)
        )
        with self._store.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def prune(self, kept: timedelta = KEPT) -> int:
        """Forget ids of updates that ended long ago; Telegram itself keeps an update for about a day."""
        with self._store.write(durable=False) as connection:
            old = updates.c.received_at < self._store.now(connection) - kept
            return connection.execute(delete(updates).where(self._mine & old & (updates.c.state == DONE))).rowcount

    def mark(self, name: str) -> int | None:
        """A number kept under `name`: how far alerts were told, the thread of a topic."""
        this = (marks.c.bot == self._bot) & (marks.c.name == name)
        with self._store.read() as connection:
            return connection.execute(select(marks.c.value).where(this)).scalar_one_or_none()

    def set_mark(self, name: str, value: int) -> None:
        this = (marks.c.bot == self._bot) & (marks.c.name == name)
        with self._store.write() as connection:
            if connection.execute(update(marks).where(this).values(value=value)).rowcount == 0:
                connection.execute(marks.insert().values(bot=self._bot, name=payload.name(name, "mark"), value=value))

    def _known(self, connection: Any, ids: Sequence[int]) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(ids), _UPDATES_A_QUERY):
            some = updates.c.update_id.in_(ids[start : start + _UPDATES_A_QUERY])
            found |= set(connection.execute(select(updates.c.update_id).where(self._mine & some)).scalars())
        return found
