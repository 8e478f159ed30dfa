"""Halts as the ledger keeps them: latched with their scopes in one transaction, and never moved back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import Finding, Halt, HaltStep, Outcome, Standing
from workbench.ledger import payload, schema
from workbench.ledger.events import note
from workbench.ledger.store import Store, upsert
from workbench.ledger.trading_states import tighten

HALT_BEGAN, HALT_REPORTED, HALT_REOPENED, HALT_ENDED = "HaltBegan", "HaltReported", "HaltReopened", "HaltEnded"
_halts, _bots = schema.halts, schema.halted_bots
_OPEN = (HaltStep.LATCHED, HaltStep.STOPPING, HaltStep.WATCHING)


class HaltTable:
    """Any number of processes may drive one halt: a step or a round is only ever raised, so a process that was frozen
    and wakes up cannot move it back, and taking it up again after a crash repeats nothing."""

    def __init__(self, store: Store):
        self._store = store

    def begin(self, halt: Halt) -> Halt:
        """Latch every scope of `halt` as HALTED and record it, durably and in one transaction.

        Where an open halt already holds all of its scopes, that one comes back: a hundred repeats are one halt.
        Raises LedgerError, and then nothing is latched here.
        """
        payload.name(halt.halt_id, "halt_id")
        with self._store.write() as connection:
            known = _find(connection, halt.halt_id) or _covering(connection, halt.scopes)
            if known is not None:
                return _halt(known)
            now = self._store.now(connection)
            connection.execute(insert(_halts).values(**_values(halt, now)))
            for scope in halt.scopes:
                latch = Standing(scope, DeskState.HALTED, halt.reason, halt.issued_by, now, halt.halt_id)
                tighten(self._store, connection, latch)
            words = f"halt of {', '.join(halt.scopes)} by {halt.issued_by}: {halt.reason}"
            facts = {"halt_id": halt.halt_id, "scopes": list(halt.scopes), "reason": halt.reason, "words": words}
            note(connection, HALT_BEGAN, halt.issued_by, f"{HALT_BEGAN}:{halt.halt_id}", now, **facts)
            return _halt(_needed(connection, halt.halt_id))

    def get(self, halt_id: str) -> Halt | None:
        with self._store.read() as connection:
            row = _find(connection, halt_id)
            return None if row is None else _halt(row)

    def open(self) -> list[Halt]:
        """Halts that somebody still has to work on, oldest first."""
        query = select(_halts).where(_halts.c.rank <= HaltStep.WATCHING.rank).order_by(_halts.c.issued_at)
        with self._store.read() as connection:
            return [_halt(row) for row in connection.execute(query)]

    def advance(self, halt_id: str, step: HaltStep, watch_until: datetime | None = None) -> Halt:
        """Raise the step; one that was reached before stays. Returns the halt as it now is. Raises LedgerError."""
        with self._store.write() as connection:
            ahead = (_halts.c.halt_id == halt_id) & (_halts.c.rank < step.rank)
            more = {} if watch_until is None else {"watch_until": payload.moment(watch_until, "watch_until")}
            connection.execute(update(_halts).where(ahead).values(step=step.value, rank=step.rank, **more))
            return _halt(_needed(connection, halt_id))

    def next_round(self, halt_id: str, number: int) -> Halt:
        """Raise the round to `number`, recorded before any bot is told under it. Raises LedgerError."""
        with self._store.write() as connection:
            behind = (_halts.c.halt_id == halt_id) & (_halts.c.round < number)
            connection.execute(update(_halts).where(behind).values(round=number))
            return _halt(_needed(connection, halt_id))

    def record(self, halt_id: str, findings: Iterable[Finding]) -> None:
        """Keep the newest finding of each bot."""
        with self._store.write() as connection:
            now = self._store.now(connection)
            rows = [_row(halt_id, finding, now) for finding in findings]
            upsert(connection, _bots, rows)

    def findings(self, halt_id: str) -> dict[str, Finding]:
        """What is known of each bot, by bot id."""
        query = select(_bots).where(_bots.c.halt_id == halt_id).order_by(_bots.c.bot_id)
        with self._store.read() as connection:
            return {row.bot_id: _finding(row) for row in connection.execute(query)}

    def tell(self, kind: str, halt_id: str, words: str, **facts: Any) -> None:
        """An event about a halt, once for each `kind` and `about`."""
        about = facts.get("about", "")
        with self._store.write() as connection:
            now = self._store.now(connection)
            told = {"halt_id": halt_id, "words": words, **facts}
            note(connection, kind, facts.get("bot_id", "desk"), f"{kind}:{halt_id}:{about}", now, **told)


def _covering(connection: Connection, scopes: Sequence[str]) -> Row | None:
    """An open halt that holds all of `scopes`, or the whole desk."""
    wanted = set(scopes)
    for row in connection.execute(select(_halts).where(_halts.c.step.in_([s.value for s in _OPEN]))):
        if wanted <= set(row.scopes) or "desk" in row.scopes:
            return row
    return None


def _values(halt: Halt, now: datetime) -> dict[str, Any]:
    return {
        "halt_id": halt.halt_id,
        "scopes": [payload.name(scope, "scope") for scope in halt.scopes],
        "reason": payload.text(halt.reason, "reason"),
        "issued_by": payload.text(halt.issued_by, "issuer"),
        "issued_at": now,
        "step": halt.step.value,
        "rank": halt.step.rank,
        "round": halt.round,
        "watch_until": halt.watch_until,
    }


def _row(halt_id: str, finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "halt_id": halt_id,
        "bot_id": payload.name(finding.bot_id, "bot_id"),
        "outcome": finding.outcome.value,
        "reason": payload.text(finding.reason, "reason"),
        "left_open": payload.plain(list(finding.left), "left open"),
        "round": finding.round,
        "at": finding.at or now,
    }


def _find(connection: Connection, halt_id: str) -> Row | None:
    return connection.execute(select(_halts).where(_halts.c.halt_id == halt_id)).one_or_none()


def _needed(connection: Connection, halt_id: str) -> Row:
    row = _find(connection, halt_id)
    if row is None:
        raise LedgerError(f"no halt has the id {halt_id!r}")
    return row


def _halt(row: Row) -> Halt:
    return Halt(
        row.halt_id,
        tuple(row.scopes),
        row.reason,
        row.issued_by,
        row.issued_at,
        HaltStep(row.step),
        row.round,
        row.watch_until,
    )


def _finding(row: Row) -> Finding:
    return Finding(row.bot_id, Outcome(row.outcome), row.reason, tuple(row.left_open), row.round, row.at)
