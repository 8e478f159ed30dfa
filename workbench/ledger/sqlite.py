"""SQLite as the ledger's database: a library that is known to be safe, WAL, writers that queue, a watch for readers."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite3
from sqlalchemy import URL, Select, create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from workbench.domain.errors import LedgerError, UnsafeDatabase
from workbench.ledger.filesystem import caveat
from workbench.ledger.watch import AFTER, FileWatch

UNSAFE = ((3, 7, 0), (3, 51, 2))  # first and last release whose WAL reset can corrupt a database
BUSY_S = 30.0
_POLL_S = 0.0005
WAL_KEPT = 64 * 1024 * 1024


def check_library(version: tuple[int, ...]) -> None:
    """Raise UnsafeDatabase for a library in the documented corruption range."""
    if UNSAFE[0] <= version <= UNSAFE[1]:
        raise UnsafeDatabase(
            f"SQLite {'.'.join(map(str, version))} can corrupt a ledger (its WAL reset, mended in 3.51.3); "
            "reinstall with: pip install --upgrade --force-reinstall 'pysqlite3>=0.6.1'"
        )


class SqliteBackend:
    """One file. Every process on this machine may open it."""

    now_sql = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"

    def __init__(self, path: Path):
        check_library(sqlite3.sqlite_version_info)
        self.path = path.absolute()
        self.place = str(path)
        _make_private(self.path)
        self.engine = _engine(self.path)
        self._switch_to_wal()

    def begin(self, connection: Connection, durable: bool, ordered: bool) -> None:
        """Nothing to add: BEGIN IMMEDIATE has taken the write lock."""

    def watch(self, query: Select) -> FileWatch:
        compiled = query.compile(self.engine)
        known = compiled.construct_params({"after": AFTER})
        asked = [known[name] for name in compiled.positiontup or ()]
        connection = sqlite3.connect(str(self.path), timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        return FileWatch(connection, (compiled.string, asked), str(self.path) + "-wal", trust_events=not self.caveats())

    def sentence(self, error: DBAPIError) -> str:
        said = str(error.orig)
        if "locked" in said:
            return f"another process has been writing for {BUSY_S:.0f} s; nothing was recorded. Is it suspended?"
        if "full" in said:
            return "the disk is full; nothing was recorded. Free some space and try again"
        if "readonly" in said or "unable to open" in said:
            return f"not writable by this user ({said}); nothing was recorded"
        return f"{said}; nothing was recorded"

    def caveats(self) -> list[str]:
        found = caveat(self.path)
        return [found] if found else []

    def damage(self, connection: Connection) -> str:
        found = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
        return "" if found == ["ok"] else "; ".join(found)

    def _switch_to_wal(self) -> None:
        # The switch needs the file alone for a moment, and SQLite does not queue for it: processes that open a new
        # ledger together would fail here without the retry. Once switched, the file remembers.
        until = time.monotonic() + BUSY_S
        while True:
            try:
                mode = self._journal_mode()
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise LedgerError(f"{self.place} cannot be opened as a ledger: {error}") from error
                time.sleep(0.01)
            except sqlite3.DatabaseError as error:
                raise LedgerError(f"{self.place} is not a ledger: {error}; name another file") from error
        if mode != "wal":
            raise LedgerError(f"{self.place}: this folder cannot hold a shared ledger (no WAL); name a local one")

    def _journal_mode(self) -> str:
        connection = sqlite3.connect(str(self.path), timeout=BUSY_S, isolation_level=None)
        try:
            return connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        finally:
            connection.close()


def _make_private(path: Path) -> None:
    """Create the file readable by its owner only, and its entry durable. Never opens a file that exists: closing it
    again would drop the locks that SQLite holds on it in this process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be created: {error.strerror}; name another place") from error


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return  # another process was first
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        module=sqlite3,
        connect_args={"isolation_level": None, "check_same_thread": False},
        pool_size=8,
        max_overflow=56,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, record: Any) -> None:
    connection.set_busy_handler(_queue)
    connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT}")


_waiting = threading.local()


def _queue(tries: int) -> int:
    """Ask again soon, and at a steady pace: SQLite's own handler sleeps ever longer, so newcomers overtake it."""
    now = time.monotonic()
    if tries == 0:
        _waiting.since = now
    if now - _waiting.since > BUSY_S:
        return 0
    time.sleep(_POLL_S)
    return 1


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    try:
        _begin(connection.connection.driver_connection, connection.info, options)
    except sqlite3.Error as error:
        raise OperationalError("BEGIN", None, error) from error


def _begin(driver: Any, info: dict, options: Mapping[str, Any]) -> None:
    # Straight to the driver: this is on every path, and SQLAlchemy would double its cost.
    if not options.get("ledger_write"):
        driver.execute("BEGIN")
        return
    level = "FULL" if options["ledger_durable"] else "NORMAL"
    if info.get("synchronous") != level:  # may only change between transactions
        driver.execute(f"PRAGMA synchronous={level}")
        info["synchronous"] = level
    driver.execute("BEGIN IMMEDIATE")
