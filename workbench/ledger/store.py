"""Transactions on either database: one writer at a time, readers never wait.

`Store.write` is where the promises live. Ordered writes queue for one lock (SQLite's own write lock, an advisory lock
on PostgreSQL) from their first statement until they are committed, so numbers are given in commit order and a reader
that has seen number n will never be shown a smaller one later.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Select, Table, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, TimeoutError

from workbench.domain.errors import LedgerError
from workbench.ledger.schema import UtcTime, migrate
from workbench.ledger.watch import Interrupt


class Watch(Protocol):
    """Waits for commits and reads, on a connection of its own and without a transaction around it: a follower pays
    the driver's price, not SQLAlchemy's. Used by one thread; `interrupt()` may be called by any other."""

    interrupt: Interrupt

    def wait(self) -> None:
        """Return when there may be news, when interrupted, or after a while; at once where news came before."""

    def read(self, after: int) -> list[tuple]:
        """Rows of the query after this number. Raises LedgerError where the database does not answer."""

    def close(self) -> None: ...


class Backend(Protocol):
    """What differs between the databases."""

    engine: Engine
    place: str  # for messages: a path, or a URL without its password
    now_sql: str  # microseconds since 1970 by the database's clock

    def begin(self, connection: Connection, durable: bool, ordered: bool) -> None:
        """Set up the write transaction that has just been opened."""

    def watch(self, query: Select) -> Watch:
        """A connection that follows `query`, which has one open parameter, `after`."""

    def sentence(self, error: DBAPIError) -> str:
        """A database's error in a trader's words: what happened, and the mend."""

    def caveats(self) -> list[str]:
        """What cannot be promised here."""

    def damage(self, connection: Connection) -> str:
        """What the database itself finds wrong with its files; '' where nothing is, or it cannot tell."""


class Store:
    """A database with the ledger's tables in it. Safe to share between threads, not across a fork."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self._now = select(literal_column(backend.now_sql, UtcTime))
        self._turn = threading.Lock()  # threads of one process queue here instead of polling the database's lock
        self._pid = os.getpid()
        with self.write() as connection:
            migrate(connection)

    @contextmanager
    def write(self, durable: bool = True, ordered: bool = True) -> Iterator[Connection]:
        """A write transaction: all of it or nothing.

        durable: survives a power loss once this returns; otherwise the last moments before one may be lost, never
        their order. ordered: takes the one writer's turn; False for rows that nobody reads by number.
        """
        self._same_process()
        with self._turn, self._told(), self.backend.engine.connect() as connection:
            connection = connection.execution_options(ledger_write=True, ledger_durable=durable)
            with connection.begin():
                self.backend.begin(connection, durable, ordered)
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; never waits for a writer."""
        self._same_process()
        with self._told(), self.backend.engine.connect() as connection, connection.begin():
            yield connection

    def now(self, connection: Connection) -> datetime:
        """The database's clock, UTC: the only one that decides when a lease ends."""
        return connection.execute(self._now).scalar_one()

    def check(self) -> None:
        """Raise LedgerError where the database finds damage in itself. Reads everything."""
        with self.read() as connection:
            damage = self.backend.damage(connection)
        if damage:
            raise LedgerError(f"{self.backend.place} is damaged: {damage}; keep the file and restore a copy")

    def close(self) -> None:
        self.backend.engine.dispose()

    def _same_process(self) -> None:
        if os.getpid() != self._pid:
            raise LedgerError(f"{self.backend.place} was opened before a fork; open the ledger in each process anew")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise LedgerError(f"{self.backend.place}: {self.backend.sentence(error)}") from error
        except TimeoutError as error:  # the connection pool, not the database
            raise LedgerError(f"{self.backend.place}: too many threads ask at once; {error}") from error


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; where the primary key is there already, the newest row wins."""
    if not rows:
        return
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest), list(rows))
