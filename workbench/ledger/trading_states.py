"""Who may trade: latched states by scope, and the single-use codes with which a person takes one back."""

import secrets
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.engine import Connection

from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import HaltStep, Standing
from workbench.ledger import payload, schema
from workbench.ledger.confirmations import offer_code, use_code
from workbench.ledger.events import note
from workbench.ledger.store import Store, upsert

CHANGED = "TradingStateChanged"
_states, _halts = schema.trading_states, schema.halts
_SEVERITY = {state: rank for rank, state in enumerate(DeskState)}


class StateTable:
    """Rows only get more severe, but for `release` (a person, with a code) and `ease` (who set REDUCING takes it back).

    Each change is an event (TradingStateChanged) in the same transaction, and waits for the disk.
    """

    def __init__(self, store: Store):
        self._store = store

    def all(self) -> dict[str, Standing]:
        """Every scope that is not ACTIVE."""
        with self._store.read() as connection:
            return {row.scope: _standing(row) for row in connection.execute(select(_states))}

    def tighten(self, scope: str, state: DeskState, reason: str, set_by: str) -> Standing:
        """Make `scope` at least as severe as `state`; where it is already, nothing changes and it comes back."""
        with self._store.write() as connection:
            return tighten(self._store, connection, Standing(scope, state, reason, set_by, self._store.now(connection)))

    def ease(self, scope: str, set_by: str) -> bool:
        """Take back a REDUCING that `set_by` itself has set; a halt, or another's, stays. Whether anything changed."""
        with self._store.write() as connection:
            row = _row(connection, scope)
            if row is None or row.state != DeskState.REDUCING or row.set_by != set_by:
                return False
            connection.execute(delete(_states).where(_states.c.scope == scope))
            self._note(connection, scope, row.state, f"{scope} trades again: the cause is gone", set_by)
            return True

    def offer_release(self, scope: str, to: str) -> str:
        """A code that releases `scope` once, within a minute. Raises LedgerError where `scope` is not held."""
        with self._store.write() as connection:
            if _row(connection, scope) is None:
                raise LedgerError(f"{scope} is not halted; there is nothing to release")
            return offer_code(connection, scope, to, self._store.now(connection))

    def release(self, scope: str, code: str, by: str) -> Standing:
        """Lift the latch of `scope`; returns what it was. Raises LedgerError for a code that is wrong, used or over, or
        while a halt of this scope still tells its bots."""
        with self._store.write() as connection:
            row, now = _row(connection, scope), self._store.now(connection)
            if row is None:
                raise LedgerError(f"{scope} is not halted; there is nothing to release")
            _refuse_while_stopping(connection, row)
            use_code(connection, scope, code, by, now)
            connection.execute(delete(_states).where(_states.c.scope == scope))
            _end_halt(connection, row.halt_id)
            self._note(connection, scope, row.state, f"{scope} released by {by}", by)
            return _standing(row)

    def _note(self, connection: Connection, scope: str, before: str, words: str, by: str) -> None:
        now = self._store.now(connection)
        facts = {"scope": scope, "before": before, "state": DeskState.ACTIVE.value, "by": by, "words": words}
        note(
            connection,
            CHANGED,
            by or "desk",
            f"{CHANGED}:{scope}:{now.isoformat()}:{secrets.token_hex(3)}",
            now,
            **facts,
        )


def tighten(store: Store, connection: Connection, wanted: Standing) -> Standing:
    """`StateTable.tighten` inside the caller's write transaction."""
    scope = payload.name(wanted.scope, "scope")
    row = _row(connection, scope)
    before = DeskState.ACTIVE if row is None else DeskState(row.state)
    if row is not None and _SEVERITY[before] >= _SEVERITY[wanted.state]:
        if wanted.halt_id and before is DeskState.HALTED and row.halt_id != wanted.halt_id:
            connection.execute(update(_states).where(_states.c.scope == scope).values(halt_id=wanted.halt_id))
        return _standing(row)
    values: dict[str, Any] = {
        "scope": scope,
        "state": wanted.state.value,
        "reason": payload.text(wanted.reason, "reason"),
        "set_by": payload.text(wanted.set_by, "who set it"),
        "since": wanted.since,
        "halt_id": wanted.halt_id,
    }
    upsert(connection, _states, [values])
    words = f"{scope} is {wanted.state.value}: {wanted.reason}"
    facts = {"scope": scope, "before": before.value, "state": wanted.state.value, "by": wanted.set_by, "words": words}
    event_id = f"{CHANGED}:{scope}:{wanted.since.isoformat()}:{secrets.token_hex(3)}"
    note(connection, CHANGED, wanted.set_by or "desk", event_id, store.now(connection), **facts)
    return wanted


def _refuse_while_stopping(connection: Connection, row: Row) -> None:
    if not row.halt_id:
        return
    step = connection.execute(select(_halts.c.step).where(_halts.c.halt_id == row.halt_id)).scalar_one_or_none()
    if step in (HaltStep.LATCHED, HaltStep.STOPPING):
        raise LedgerError(f"the halt of {row.scope} is still stopping its bots; release it when it has reported")


def _end_halt(connection: Connection, halt_id: str) -> None:
    """A halt none of whose scopes is latched any more is over: nobody watches what a person has released."""
    held = connection.execute(select(_states.c.scope).where(_states.c.halt_id == halt_id).limit(1)).one_or_none()
    if halt_id and held is None:
        over = {"step": HaltStep.RELEASED.value, "rank": HaltStep.RELEASED.rank}
        connection.execute(update(_halts).where(_halts.c.halt_id == halt_id).values(**over))


def _row(connection: Connection, scope: str) -> Row | None:
    return connection.execute(select(_states).where(_states.c.scope == scope)).one_or_none()


def _standing(row: Row) -> Standing:
    return Standing(row.scope, DeskState(row.state), row.reason, row.set_by, row.since, row.halt_id)
