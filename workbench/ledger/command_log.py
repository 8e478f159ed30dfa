"""Commands: recorded once, taken by the holder of the newest token, finished once, and never sent again blindly."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.engine import Connection

from workbench.domain.commands import Command, CommandRecord, CommandState, Lease
from workbench.domain.errors import LedgerError
from workbench.domain.events import Event, NewEvent
from workbench.ledger import payload, schema
from workbench.ledger.events import check, note, record
from workbench.ledger.lease import confirm
from workbench.ledger.store import Store

_table = schema.commands
_FIND = select(_table).where(_table.c.command_id == bindparam("command_id"))
_NEXT_NUMBER = select(func.coalesce(func.max(_table.c.number), 0) + 1)
_PENDING = select(_table).where(_table.c.state == CommandState.PENDING).order_by(_table.c.number).limit(1)
_OF_LEASE = (_table.c.lease == bindparam("of_lease")) & (_table.c.state == bindparam("in_state"))
_IN_STATE = select(_table).where(_OF_LEASE).order_by(_table.c.number)


class CommandLog:
    """The command table. Each step is told in the event log too, in the same transaction, so a tail hears of it:
    command.submitted, command.taken, command.finished, command.unknown, command.settled."""

    def __init__(self, store: Store):
        self._store = store

    def submit(self, command: Command) -> CommandRecord:
        """Record `command` as pending. Sent again it changes nothing and answers what became of the first.

        Raises LedgerError where the id belongs to a command with another name or other args.
        """
        row = _checked(command)
        with self._store.write() as connection:
            found = _find(connection, command.command_id)
            if found is not None:
                return _same(_as_record(found), row)
            number = connection.execute(_NEXT_NUMBER).scalar_one()
            connection.execute(_table.insert().values(number=number, **row))
            self._note(connection, "submitted", command.command_id, row["issued_by"], name=row["name"])
            return _as_record(_needed(connection, command.command_id))

    def command(self, command_id: str) -> CommandRecord | None:
        """What became of a command; None where none has this id."""
        with self._store.read() as connection:
            row = _find(connection, command_id)
            return None if row is None else _as_record(row)

    def commands(self, state: CommandState | None = None, limit: int = 100) -> list[CommandRecord]:
        """The newest `limit` commands, in that state if one is given, oldest first."""
        query = select(_table).order_by(_table.c.number.desc()).limit(limit)
        with self._store.read() as connection:
            rows = connection.execute(query if state is None else query.where(_table.c.state == state))
            return [_as_record(row) for row in rows][::-1]

    def take(self, lease: Lease) -> Command | None:
        """The oldest pending command, now running under `lease`; None where none is pending. Raises LeaseLost."""
        with self._store.read() as connection:  # most calls find nothing, and need not queue with the writers for that
            confirm(connection, lease, self._store)
            if _oldest_pending(connection) is None:
                return None
        with self._store.write() as connection:
            confirm(connection, lease, self._store)
            row = _oldest_pending(connection)
            if row is None:
                return None
            _change(connection, row.command_id, state=CommandState.RUNNING, lease=lease.name, token=lease.token)
            self._note(connection, "taken", row.command_id, lease.holder, lease=lease.name, token=lease.token)
            return _as_record(row).command

    def finish(self, lease: Lease, command_id: str, ok: bool, result: Mapping[str, Any]) -> None:
        """Record the outcome of a command taken under `lease`. Raises LeaseLost under an old token: its outcome is then
        for the next holder to find out. The same outcome may be recorded twice."""
        self._end(lease, command_id, ok, result, CommandState.RUNNING)

    def settle(self, lease: Lease, command_id: str, ok: bool, result: Mapping[str, Any]) -> None:
        """Record what reconciling found out about an unknown command. Raises LeaseLost under an old token."""
        self._end(lease, command_id, ok, result, CommandState.UNKNOWN)

    def recover(self, lease: Lease) -> list[CommandRecord]:
        """Commands whose outcome nobody knows, oldest first: taken under an older token of this lease, never finished.

        Call it after each acquire and before the first `take`; reconcile each by its id, then `settle` it.
        """
        with self._store.write() as connection:
            confirm(connection, lease, self._store)
            for row in _in_state(connection, lease, CommandState.RUNNING):
                if row.token == lease.token:
                    continue
                _change(connection, row.command_id, state=CommandState.UNKNOWN)
                self._note(connection, "unknown", row.command_id, lease.holder, lease=lease.name, token=row.token)
            return [_as_record(row) for row in _in_state(connection, lease, CommandState.UNKNOWN)]

    def append_fenced(self, lease: Lease, events: Sequence[NewEvent]) -> list[Event]:
        """Append `events`, durably, where `lease` carries the newest token and has not ended; else LeaseLost."""
        checked = [check(event) for event in events]
        with self._store.write() as connection:
            confirm(connection, lease, self._store)
            return record(connection, checked) if checked else []

    def _end(self, lease: Lease, command_id: str, ok: bool, result: Mapping[str, Any], before: CommandState) -> None:
        state = CommandState.DONE if ok else CommandState.FAILED
        outcome = payload.document(result, f"result of command {command_id!r}")
        with self._store.write() as connection:
            confirm(connection, lease)
            row = _needed(connection, command_id)
            if (row.state, row.result, row.lease) == (state, outcome, lease.name):
                return
            if row.state != before or row.lease != lease.name:
                raise LedgerError(f"command {command_id!r} is {row.state}, not {before}; it cannot become {state}")
            now = self._store.now(connection)
            _change(connection, command_id, state=state, result=outcome, token=lease.token, finished_at=now)
            step = "finished" if before is CommandState.RUNNING else "settled"
            self._note(connection, step, command_id, lease.holder, ok=ok, result=outcome)

    def _note(self, connection: Connection, step: str, command_id: str, source: str, **facts: Any) -> None:
        at: datetime = self._store.now(connection)
        facts = {"command_id": command_id, **facts}
        note(connection, f"command.{step}", source, f"command.{step}:{command_id}", at, **facts)


def _checked(command: Command) -> dict[str, Any]:
    who = f"command {command.command_id!r}"
    return {
        "command_id": payload.name(command.command_id, "command_id"),
        "name": payload.name(command.name, f"name of {who}"),
        "args": payload.document(command.args, f"args of {who}"),
        "issued_by": payload.text(command.issued_by, f"issuer of {who}"),
        "issued_at": payload.moment(command.issued_at, f"time of {who}"),
        "state": CommandState.PENDING,
        "result": {},
    }


def _same(found: CommandRecord, row: Mapping[str, Any]) -> CommandRecord:
    if (found.command.name, found.command.args) != (row["name"], row["args"]):
        raise LedgerError(
            f"command id {found.command.command_id!r} was used for {found.command.name!r} {found.command.args}; "
            f"{row['name']!r} {row['args']} needs an id of its own"
        )
    return found


def _find(connection: Connection, command_id: str) -> Row | None:
    return connection.execute(_FIND, {"command_id": command_id}).one_or_none()


def _needed(connection: Connection, command_id: str) -> Row:
    row = _find(connection, command_id)
    if row is None:
        raise LedgerError(f"no command has the id {command_id!r}; submit it first")
    return row


def _oldest_pending(connection: Connection) -> Row | None:
    return connection.execute(_PENDING).one_or_none()


def _in_state(connection: Connection, lease: Lease, state: CommandState) -> Sequence[Row]:
    """Commands that were taken under any token of this lease and are in `state` now, oldest first."""
    return connection.execute(_IN_STATE, {"of_lease": lease.name, "in_state": state}).all()


def _change(connection: Connection, command_id: str, **values: Any) -> None:
    connection.execute(update(_table).where(_table.c.command_id == command_id).values(**values))


def _as_record(row: Row) -> CommandRecord:
    command = Command(row.command_id, row.name, row.args, row.issued_by, row.issued_at)
    return CommandRecord(command, CommandState(row.state), row.result, row.token, row.finished_at)
