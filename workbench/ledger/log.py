"""The ledger: one memory for every process of the desk, in an SQLite file or a PostgreSQL database."""

import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from workbench.domain.errors import LedgerError
from workbench.ledger.alert_choices import AlertTable
from workbench.ledger.annotations import AnnotationTable
from workbench.ledger.command_log import CommandLog
from workbench.ledger.confirmations import Confirmations
from workbench.ledger.drawings import DrawingTable
from workbench.ledger.events import EventLog
from workbench.ledger.exposure import ExposureTable
from workbench.ledger.forecast_book import ForecastBook
from workbench.ledger.halts import HaltTable
from workbench.ledger.job_runs import JobRunTable
from workbench.ledger.lease import LeaseTable
from workbench.ledger.live_messages import LiveMessageTable
from workbench.ledger.page_choices import PageChoices
from workbench.ledger.pattern_log import PatternLog
from workbench.ledger.postgres import PostgresBackend, checked_url
from workbench.ledger.sqlite import SqliteBackend
from workbench.ledger.store import Backend, Store
from workbench.ledger.tables import DeskTables
from workbench.ledger.tail import Tail
from workbench.ledger.telegram_journal import TelegramJournal
from workbench.ledger.telegram_people import PeopleTable
from workbench.ledger.trading_states import StateTable

log = structlog.get_logger(__name__)


class SqlLedger:
    """Implements `domain.ports.Ledger` by putting its parts together; each method is documented where it is defined.

    events (`EventLog`): append, read, last, event, head, tail. commands (`CommandLog`): submit, command, commands,
    take, finish, recover, settle, append_fenced. leases (`LeaseTable`): acquire, renew, release, holder, newest.
    `tables`: `DeskTables`; `states`: `StateTable`; `halts`: `HaltTable`; `exposure`: `ExposureTable`; `drawings`:
    `DrawingTable`; `annotations`: `AnnotationTable`; `pattern_log`: `PatternLog`; `forecasts`: `ForecastBook`. check:
    raises where the database is damaged. `place` says where it is (without a password), `caveats` what cannot be
    promised there.
    """

    def __init__(self, backend: Backend):
        self._store = Store(backend)
        self._tails: weakref.WeakSet[Tail] = weakref.WeakSet()
        self.check = self._store.check
        self.place, self.caveats = backend.place, tuple(backend.caveats())
        self.tables = DeskTables(self._store)
        self.states, self.halts = StateTable(self._store), HaltTable(self._store)
        self.confirmations = Confirmations(self._store)
        self.exposure, self.drawings = ExposureTable(self._store), DrawingTable(self._store)
        self.annotations, self.pattern_log = AnnotationTable(self._store), PatternLog(self._store)

        self.job_runs = JobRunTable(self._store)

        self.forecasts = ForecastBook(self._store)

        self._events = EventLog(self._store)
        self.append, self.read = self._events.append, self._events.read
        self.last, self.event, self.head = self._events.last, self._events.event, self._events.head

        commands = CommandLog(self._store)
        self.submit, self.command, self.commands = commands.submit, commands.command, commands.commands
        self.take, self.finish = commands.take, commands.finish
        self.recover, self.settle = commands.recover, commands.settle
        self.append_fenced = commands.append_fenced

        leases = LeaseTable(self._store)
        self.acquire, self.renew = leases.acquire, leases.renew
        self.release, self.holder, self.newest = leases.release, leases.holder, leases.newest

    def tail(self, after: int | None = None, kinds: Sequence[str] | None = None) -> Tail:
        """Every event with seq > after (None: from now on), for ever; see `EventLog.tail`."""
        tail = self._events.tail(after, kinds)
        self._tails.add(tail)
        return tail

    def telegram(self, bot: int) -> TelegramJournal:
        """The journal of one Telegram bot's updates. Writes on first use."""
        return TelegramJournal(self._store, bot)

    def live_messages(self, bot: int, editor: str) -> LiveMessageTable:
        """The messages of one Telegram bot that edit themselves, for one editor of them. Writes on first use."""
        return LiveMessageTable(self._store, bot, editor)

    def page_choices(self, viewer: str) -> PageChoices:
        """How one viewer likes the page. Writes on first use."""
        return PageChoices(self._store, viewer)

    @cached_property
    def people(self) -> PeopleTable:
        """Who may speak to the desk in a chat. Writes on first use."""
        return PeopleTable(self._store)

    @cached_property
    def alerts(self) -> AlertTable:
        """What each reader wants to hear. Writes on first use."""
        return AlertTable(self._store)

    def close(self) -> None:
        """End the tails and let the database go. Closing twice is harmless."""
        for tail in list(self._tails):
            tail.stop()
        self._store.close()


def open_ledger(where: str | Path) -> SqlLedger:
    """Open, and where needed create, the ledger at a path or a URL (sqlite:///…, postgresql://…).

    Raises UnsafeDatabase for a database library with a known corruption fault, LedgerError where the place cannot be
    used. What a place cannot promise (memory, shared folder, fsync=off) is logged and kept in `caveats`.
    """
    ledger = SqlLedger(_backend(where))
    for words in ledger.caveats:
        log.warning("ledger caveat", caveat=words)
    return ledger


def _backend(where: str | Path) -> Backend:
    if isinstance(where, Path) or "://" not in where:
        return SqliteBackend(_file(str(where)))
    url = _url(where)
    if url.get_backend_name() == "sqlite":
        return SqliteBackend(_file(url.database or ""))
    if url.get_backend_name() in ("postgresql", "postgres"):
        return PostgresBackend(checked_url(url))
    raise LedgerError(
        f"no ledger can be kept in {url.get_backend_name()!r}; name a file or postgresql://user@host/database"
    )


def _file(path: str) -> Path:
    if not path or path == ":memory:":
        raise LedgerError("a ledger needs a file: one kept in memory is seen by no other process and survives nothing")
    return Path(path).expanduser()


def _url(where: str) -> URL:
    try:
        return make_url(where)
    except (ArgumentError, ValueError) as error:
        raise LedgerError("the ledger's URL cannot be read; write postgresql://user@host/database") from error
