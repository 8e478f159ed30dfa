"""The right to act: one holder at a time by the database's clock, and a token that rises with each new one."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.engine import Connection

from workbench.domain.commands import Lease
from workbench.domain.errors import LeaseLost, LedgerError
from workbench.domain.ports import Ledger
from workbench.ledger import payload, schema
from workbench.ledger.events import note
from workbench.ledger.store import Store, upsert

log = structlog.get_logger(__name__)
_table = schema.leases
_ROW = select(_table).where(_table.c.name == bindparam("lease_name"))


class LeaseTable:
    """Who may act. A lease has ended when its holder releases it, or when the database's clock passes its end."""

    def __init__(self, store: Store):
        self._store = store

    def acquire(self, name: str, holder: str, ttl: timedelta) -> Lease | None:
        """Take the lease if nobody holds it: token rises by one. None while somebody does, `holder` itself included.

        `holder` names one process for its lifetime (host, pid, random): two that share a name are one to the screen.
        """
        payload.name(name, "lease name")
        payload.name(holder, "lease holder")
        with self._store.write() as connection:
            row, now = _row(connection, name), self._store.now(connection)
            if row is not None and row.expires_at > now:
                return None
            lease = Lease(name, holder, 1 if row is None else row.token + 1, now + _positive(ttl))
            upsert(connection, _table, [_values(lease)])
            self._note(connection, "lease.acquired", lease)
            return lease

    def renew(self, lease: Lease, ttl: timedelta) -> Lease:
        """Hold it for `ttl` from now on. Raises LeaseLost where it has ended, even if nobody took it since."""
        with self._store.write() as connection:  # durable: the holder will rely on it
            confirm(connection, lease, self._store)
            renewed = Lease(lease.name, lease.holder, lease.token, self._store.now(connection) + _positive(ttl))
            upsert(connection, _table, [_values(renewed)])
            return renewed

    def release(self, lease: Lease) -> None:
        """End it now, so that the next holder need not wait. Raises LeaseLost under an old token."""
        with self._store.write() as connection:
            confirm(connection, lease)
            query = update(_table).where(_table.c.name == lease.name)
            connection.execute(query.values(expires_at=self._store.now(connection)))
            self._note(connection, "lease.released", lease)

    def holder(self, name: str) -> Lease | None:
        """Who holds it now; None where nobody does."""
        with self._store.read() as connection:
            row = _row(connection, name)
            if row is None or row.expires_at <= self._store.now(connection):
                return None
            return Lease(row.name, row.holder, row.token, row.expires_at)

    def newest(self, name: str) -> Lease | None:
        """The lease given out last, ended or not: its token is the newest that anybody may have seen."""
        with self._store.read() as connection:
            row = _row(connection, name)
            return None if row is None else Lease(row.name, row.holder, row.token, row.expires_at)

    def _note(self, connection: Connection, kind: str, lease: Lease) -> None:
        facts = {"lease": lease.name, "holder": lease.holder, "token": lease.token}
        event_id = f"{kind}:{lease.name}:{lease.token}"
        note(connection, kind, lease.holder, event_id, self._store.now(connection), **facts)


def confirm(connection: Connection, lease: Lease, unexpired_by: Store | None = None) -> None:
    """Raise LeaseLost unless `lease` carries the newest token; with `unexpired_by`, also where its time is over."""
    row = _row(connection, lease.name)
    if row is None or (row.token, row.holder) != (lease.token, lease.holder):
        newest = "nobody holds it" if row is None else f"{row.holder!r} came after with token {row.token}"
        raise LeaseLost(f"lease {lease.name!r} token {lease.token} of {lease.holder!r} is old: {newest}; stop acting")
    if unexpired_by and row.expires_at <= unexpired_by.now(connection):
        raise LeaseLost(f"lease {lease.name!r} token {lease.token} ended at {row.expires_at}; acquire it again")


class LeaseKeeper:
    """Holds a lease for a running process and knows, without asking anybody, when it must stop acting.

    It renews every third of `ttl`. Whether it still holds is judged by this machine's own clock that no one can set
    and that goes on while the machine sleeps: from the moment *before* the last successful request was sent, for `ttl`
    less a margin of a fifth. So a frozen process, a dead network or a stuck disk end it here before they end it there.
    """

    MARGIN = 0.2

    def __init__(self, ledger: Ledger, name: str, holder: str, ttl: timedelta, on_lost: Callable[[str], Any]):
        self._ledger, self._name, self._holder, self._ttl, self._on_lost = ledger, name, holder, ttl, on_lost
        self._lease: Lease | None = None
        self._until = 0.0
        self._tasks: list[asyncio.Task] = []

    @property
    def held(self) -> bool:
        """Whether this process may act now. Ask before each effect: it costs a clock reading."""
        return self._lease is not None and _ticks() < self._until

    @property
    def token(self) -> int | None:
        return self._lease.token if self._lease and self.held else None

    @property
    def lease(self) -> Lease:
        """The lease to act under. Raises LeaseLost where it is not held."""
        if self._lease is None or not self.held:
            raise LeaseLost(f"{self._holder!r} does not hold lease {self._name!r}; stop acting")
        return self._lease

    async def start(self) -> Lease | None:
        """Try once to acquire. None while somebody else holds it: try again later."""
        if self.held:
            return self._lease
        await self._end_tasks()
        sent = _ticks()
        self._lease = await asyncio.to_thread(self._ledger.acquire, self._name, self._holder, self._ttl)
        if self._lease is None:
            return None
        self._count_from(sent)
        self._tasks = [asyncio.create_task(self._renew()), asyncio.create_task(self._guard())]
        return self._lease

    async def stop(self) -> None:
        """Stop renewing and hand the lease back if it is still ours."""
        await self._end_tasks()
        lease, self._lease = self._lease, None
        if lease:
            try:
                await asyncio.to_thread(self._ledger.release, lease)
            except LedgerError as error:  # it ends by itself
                log.info("lease not released", lease=self._name, reason=str(error))

    def _count_from(self, sent: float) -> None:
        self._until = sent + self._ttl.total_seconds() * (1 - self.MARGIN)

    async def _renew(self) -> None:
        while self._lease:
            await asyncio.sleep(self._ttl.total_seconds() / 3)
            sent = _ticks()
            try:
                renewed = await asyncio.to_thread(self._ledger.renew, self._lease, self._ttl)
            except LeaseLost as error:
                return self._lost(str(error))
            except LedgerError as error:  # another try may still come in time; the guard decides when it is too late
                log.warning("lease not renewed", lease=self._name, error=str(error))
                continue
            if self._lease:
                self._lease = renewed
                self._count_from(sent)

    async def _guard(self) -> None:
        while self._lease:
            if not self.held:
                return self._lost("it could not be renewed in time")
            await asyncio.sleep(max(self._until - _ticks(), 0.001))

    def _lost(self, reason: str) -> None:
        if self._lease is None:
            return
        self._lease, self._until = None, 0.0
        log.warning("lease lost", lease=self._name, holder=self._holder, reason=reason)
        self._on_lost(reason)

    async def _end_tasks(self) -> None:
        tasks, self._tasks = [task for task in self._tasks if task is not asyncio.current_task()], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ticks() -> float:
    """Seconds that nobody can set and that go on while the machine sleeps, where the system has such a clock."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _row(connection: Connection, name: str) -> Row | None:
    return connection.execute(_ROW, {"lease_name": name}).one_or_none()


def _values(lease: Lease) -> dict[str, Any]:
    return {"name": lease.name, "holder": lease.holder, "token": lease.token, "expires_at": lease.expires_at}


def _positive(ttl: timedelta) -> timedelta:
    if ttl <= timedelta(0):
        raise LedgerError(f"a lease lasts longer than no time; got ttl {ttl}")
    return ttl
