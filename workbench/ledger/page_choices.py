"""How each viewer likes the page: theme, zone, panels, order of tables. Small, and the newest counts."""

from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from workbench.domain.errors import LedgerError
from workbench.ledger import payload
from workbench.ledger.schema import Json
from workbench.ledger.store import Store, upsert

MOST_NAMES, MOST_CHARS = 300, 4000
metadata = MetaData()
choices = Table(
    "page_choices",
    metadata,
    Column("viewer", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Json, nullable=False),
)


class PageChoices:
    """The choices of one viewer. The table is made on first use."""

    def __init__(self, store: Store, viewer: str):
        self._store, self.viewer = store, payload.name(viewer, "viewer")
        with store.write() as connection:
            _ensure(connection)

    def all(self) -> dict[str, Any]:
        """Name → value of everything that this viewer has chosen."""
        with self._store.read() as connection:
            return dict(self._rows(connection))

    def keep(self, name: str, value: Any) -> None:
        """Remember one choice. Raises LedgerError where it is too long, or one too many."""
        row = {"viewer": self.viewer, "name": payload.name(name, "choice")}
        row["value"] = payload.plain({"is": value}, f"choice {name!r}")
        if len(str(value)) > MOST_CHARS:
            raise LedgerError(f"choice {name[:40]!r} of {self.viewer!r} is longer than {MOST_CHARS} characters")
        with self._store.write(durable=False, ordered=False) as connection:
            known = {known for known, _ in self._rows(connection)}
            if name not in known and len(known) >= MOST_NAMES:
                raise LedgerError(f"{self.viewer!r} has {MOST_NAMES} choices already; {name[:40]!r} is not remembered")
            upsert(connection, choices, [row])

    def _rows(self, connection: Connection) -> list[tuple[str, Any]]:
        query = select(choices.c.name, choices.c.value).where(choices.c.viewer == self.viewer)
        return [(row.name, row.value["is"]) for row in connection.execute(query)]


def _ensure(connection: Connection) -> None:
    if not inspect(connection).has_table(choices.name):
        metadata.create_all(connection)
