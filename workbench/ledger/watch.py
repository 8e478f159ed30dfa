"""Waiting for another process to commit to an SQLite file: quick while something happens, nearly free while nothing.

The kernel says when somebody writes to the WAL file (inotify). That is a little early, for the commit becomes visible
only after its fsync, so from then on the commit counter (`PRAGMA data_version`) is asked in quick steps until it moves,
and in slower ones after that, for a second writer may have been close behind the first. Where the kernel does not say,
the counter alone is asked, every millisecond.
"""

import contextlib
import ctypes
import os
import select
import threading
import time
from typing import Any

import pysqlite3.dbapi2 as sqlite3

from workbench.domain.errors import LedgerError

# (seconds since the last write, pause between two looks)
_EXPECTING = ((0.003, 0.0001), (0.03, 0.0005), (1.0, 0.002))
_FOLLOWING = ((0.01, 0.001), (0.2, 0.005))
AFTER = object()
_HEARTBEAT_S = 0.05
_BLIND_S = 0.001
_IN_MODIFY, _IN_NONBLOCK, _IN_CLOEXEC = 0x2, 0o4000, 0o2000000


class Interrupt:
    """A descriptor that another thread can make readable, safely even while its owner is closing it."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._guard, self._open = threading.Lock(), True

    def fileno(self) -> int:
        return self._out

    def __call__(self) -> None:
        with self._guard, contextlib.suppress(BlockingIOError):  # full: it is readable already
            if self._open:
                os.write(self._in, b"!")

    def close(self) -> None:
        with self._guard:  # a closed number may be another file's by the time somebody writes to it
            if self._open:
                self._open = False
                os.close(self._in)
                os.close(self._out)


class FileWatch:
    """Owns `connection`. query: SQL and parameters, in which `AFTER` stands for the number to read after.
    trust_events: the folder is local, so the kernel sees every write."""

    def __init__(self, connection: Any, query: tuple[str, list[Any]], wal: str, trust_events: bool):
        self._connection = connection
        self._sql, self._parameters = query
        self._seen = self._version()  # opening the file for reading creates the WAL, which is then there to watch
        self._events = _inotify(wal) if trust_events else -1
        self.interrupt = Interrupt()
        self._written_at, self._expecting = 0.0, False

    def wait(self) -> None:
        while not self._changed() and not self._sleep():
            pass

    def read(self, after: int) -> list[tuple]:
        asked = [after if value is AFTER else value for value in self._parameters]
        try:
            return self._connection.execute(self._sql, asked).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger cannot be read: {error}") from error

    def close(self) -> None:
        self._connection.close()
        self.interrupt.close()
        if self._events >= 0:
            os.close(self._events)
            self._events = -1

    def _changed(self) -> bool:
        now = self._version()
        changed, self._seen = now != self._seen, now
        self._expecting = self._expecting and not changed
        return changed

    def _version(self) -> int:
        try:
            return self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger cannot be watched: {error}") from error

    def _sleep(self) -> bool:
        """Sleep until the next look is due; True where interrupted."""
        listened: list[Any] = [self.interrupt] if self._events < 0 else [self.interrupt, self._events]
        ready, _, _ = select.select(listened, [], [], self._pause())
        if self._events in ready:
            os.read(self._events, 65536)
            self._written_at, self._expecting = time.monotonic(), True
        return self.interrupt in ready

    def _pause(self) -> float:
        if self._events < 0:
            return _BLIND_S
        quiet = time.monotonic() - self._written_at
        steps = _EXPECTING if self._expecting else _FOLLOWING
        return next((pause for until, pause in steps if quiet < until), _HEARTBEAT_S)


def _inotify(path: str) -> int:
    """A descriptor that becomes readable when `path` is written to; -1 where the system has none."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if descriptor < 0:
            return -1
        if libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_MODIFY) < 0:
            os.close(descriptor)
            return -1
        return descriptor
    except (OSError, AttributeError):
        return -1
