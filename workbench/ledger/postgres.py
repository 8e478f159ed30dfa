"""PostgreSQL as the ledger's database: for several machines, or many desks on one memory."""

import os
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import URL, Select, create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from workbench.domain.errors import LedgerError
from workbench.ledger.watch import Interrupt

# One lock for everybody who writes numbered rows in this database: 'wbledger' as an integer.
_LOCK = int.from_bytes(b"wbledger", "big")
BUSY_S = 30
FROZEN_S = 5  # a client that stops inside a transaction loses it, so that a suspended desk cannot hold up the others
_LIMITS = (f"-c lock_timeout={BUSY_S}s", f"-c idle_in_transaction_session_timeout={FROZEN_S}s")
_HEARTBEAT_S = 0.1


class PostgresBackend:
    """A database reached by URL. Needs PostgreSQL 12 or newer and the right to create tables once."""

    now_sql = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

    def __init__(self, url: URL):
        self.url = url.set(drivername="postgresql+psycopg")
        self.place = self.url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.engine = create_engine(
            self.url,
            isolation_level="READ COMMITTED",  # each statement sees what was committed before it: see `begin`
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=24,
            connect_args={
                "connect_timeout": 10,
                "application_name": f"workbench ledger {os.getpid()}",
                "options": " ".join([*_options(url), *_LIMITS]),
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )

    def begin(self, connection: Connection, durable: bool, ordered: bool) -> None:
        # The lock is held until after the commit is visible, and the statements that follow take their snapshot after
        # it was had: they see every smaller number.
        level = "on" if durable else "off"
        lock = f", pg_advisory_xact_lock({_LOCK})" if ordered else ""
        connection.exec_driver_sql(f"SELECT set_config('synchronous_commit', '{level}', true){lock}")

    def watch(self, query: Select) -> "NotifyWatch":
        return NotifyWatch(self.engine, query)

    def sentence(self, error: DBAPIError) -> str:
        said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return f"another process has been writing for {BUSY_S} s; nothing was recorded"
        if error.connection_invalidated:
            return (
                f"the connection broke ({said}); whether the last step was recorded is unknown: send it again as it was"
            )
        return said

    def caveats(self) -> list[str]:
        with self.engine.connect() as connection:
            fsync = connection.exec_driver_sql("SHOW fsync").scalar_one()
        return [] if fsync == "on" else [f"{self.place} runs with fsync=off: a power loss may lose or corrupt it"]

    def damage(self, connection: Connection) -> str:
        return ""  # PostgreSQL checks its pages as it reads them


class NotifyWatch:
    """LISTEN on a connection of its own. A notification only wakes; the rows are read by number, so a lost one costs
    a heartbeat, never an event."""

    def __init__(self, engine: Engine, query: Select):
        compiled = query.compile(engine)
        self._sql, self._parameters = compiled.string, compiled.construct_params({"after": 0})
        with _told():
            self._pooled = engine.raw_connection()
            self._connection = cast(psycopg.Connection, self._pooled.driver_connection)
            self._pooled.detach()  # this one never goes back to the pool
            self._connection.autocommit = True
            self._connection.execute("LISTEN workbench_events")
        self.interrupt = Interrupt()

    def wait(self) -> None:
        with _told():
            listened: list[Any] = [self._connection, self.interrupt]
            ready, _, _ = select.select(listened, [], [], _HEARTBEAT_S)
            if self._connection in ready:
                for _ in self._connection.notifies(timeout=0):
                    pass

    def read(self, after: int) -> list[tuple]:
        with _told():
            return self._connection.execute(self._sql.encode(), {**self._parameters, "after": after}).fetchall()

    def close(self) -> None:
        self._connection.close()
        self.interrupt.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, SQLAlchemyError, ValueError) as error:  # ValueError: select on a connection that has closed
        raise LedgerError(f"the ledger cannot be watched: {error}") from error


def _options(url: URL) -> Sequence[str]:
    """What the URL itself asks for, as in ?options=-csearch_path%3Dmy_schema: a ledger may live in any schema."""
    asked = url.query.get("options", ())
    return (asked,) if isinstance(asked, str) else asked


def checked_url(url: URL) -> URL:
    """A PostgreSQL URL that names a database, or LedgerError."""
    if not url.database:
        raise LedgerError("the PostgreSQL URL names no database; write postgresql://user@host/database")
    return url
