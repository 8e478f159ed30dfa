"""Room under a limit, reserved by one statement: processes that ask at once can never together pass a cap."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from workbench.ledger import payload, schema
from workbench.ledger.store import Store

_caps, _open = schema.exposure_caps, schema.exposure_reservations
_FITS = _caps.c.held + _caps.c.reserved + bindparam("value") <= _caps.c.cap
_TAKE = (
    update(_caps)
    .where((_caps.c.scope == bindparam("of_scope")) & _FITS)
    .values(reserved=_caps.c.reserved + bindparam("value"))
    .returning(_caps.c.reserved)
)
_KNOWN = select(_open.c.scope).where(_open.c.intent_id == bindparam("of_intent")).limit(1)
_INSERT = insert(_open)


class _Full(Exception):
    """No room; undoes the transaction."""


class ExposureTable:
    """What is held and reserved under each cap, as values in the reporting currency. A scope without a cap allows
    nothing. Writes survive a crash of the process, not always a power loss: after one, the venue is reconciled anyway.
    """

    def __init__(self, store: Store):
        self._store = store

    def set_cap(self, scope: str, cap: float) -> None:
        """Allow `scope` this much from now on; what is held beyond it stays, and nothing more is allowed."""
        self.set_caps({scope: cap})

    def set_caps(self, caps: Mapping[str, float]) -> None:
        """`set_cap` for several scopes, in one transaction."""
        wanted = {payload.name(scope, "scope"): _number(cap, f"cap of {scope}") for scope, cap in sorted(caps.items())}
        with self._store.write(durable=False, ordered=False) as connection:
            for scope, cap in wanted.items():
                found = connection.execute(update(_caps).where(_caps.c.scope == scope).values(cap=cap))
                if found.rowcount == 0:
                    connection.execute(_caps.insert().values(scope=scope, cap=cap, held=0.0, reserved=0.0))

    def reserve(self, intent_id: str, values: Mapping[str, float]) -> str:
        """Reserve `values` (≥ 0, by scope) for an order, all or none. Returns '' or the scope that has no room.

        The same intent asked again is answered '' and reserves nothing more. Raises LedgerError: treat it as no.
        """
        payload.name(intent_id, "intent_id")
        wanted = {scope: _number(value, f"value of {scope}") for scope, value in sorted(values.items())}
        try:
            with self._store.write(durable=False, ordered=False) as connection:
                if connection.execute(_KNOWN, {"of_intent": intent_id}).first() is None:
                    self._take(connection, intent_id, wanted)
        except _Full as error:
            return str(error)
        return ""

    def give_back(self, intent_id: str, held: Mapping[str, float] | None = None) -> None:
        """An order is over: its reservation ends, and what it filled (`held`, by scope) counts as held until the next
        `reconcile`. Twice is harmless."""
        filled = {scope: _number(value, f"value of {scope}") for scope, value in (held or {}).items()}
        with self._store.write(durable=False, ordered=False) as connection:
            query = delete(_open).where(_open.c.intent_id == intent_id).returning(_open.c.scope, _open.c.value)
            for scope, value in sorted(connection.execute(query).all()):
                left = case((_caps.c.reserved > value, _caps.c.reserved - value), else_=0.0)
                more = _caps.c.held + filled.get(scope, 0.0)
                connection.execute(update(_caps).where(_caps.c.scope == scope).values(reserved=left, held=more))

    def reconcile(self, held: Mapping[str, float]) -> None:
        """The venue's word: what is held in each scope now. `reserved` is summed anew from the open reservations."""
        with self._store.write(durable=False, ordered=False) as connection:
            for scope, value in sorted(held.items()):
                # the row first: a sum taken while another process still held it would miss what that one reserved
                connection.execute(select(_caps.c.scope).where(_caps.c.scope == scope).with_for_update())
                total = select(func.coalesce(func.sum(_open.c.value), 0.0)).where(_open.c.scope == scope)
                known = _number(value, f"held in {scope}")
                change = {"held": known, "reserved": total.scalar_subquery()}
                connection.execute(update(_caps).where(_caps.c.scope == scope).values(**change))

    def open_intents(self) -> frozenset[str]:
        """Orders with a reservation that has not ended, whoever made it: what a restart finds."""
        with self._store.read() as connection:
            return frozenset(connection.execute(select(_open.c.intent_id).distinct()).scalars())

    def usage(self) -> dict[str, tuple[float, float, float]]:
        """scope → (held, reserved, cap)."""
        with self._store.read() as connection:
            return {r.scope: (r.held, r.reserved, r.cap) for r in connection.execute(select(_caps))}

    def _take(self, connection: Connection, intent_id: str, wanted: Mapping[str, float]) -> None:
        now = self._store.now(connection)
        rows: list[dict[str, Any]] = []
        for scope, value in wanted.items():  # in one order everywhere, so that two askers cannot wait for each other
            if connection.execute(_TAKE, {"of_scope": scope, "value": value}).one_or_none() is None:
                raise _Full(scope)
            rows.append({"intent_id": intent_id, "scope": scope, "value": value, "at": now})
        if rows:
            connection.execute(_INSERT, rows)


def _number(value: float, what: str) -> float:
    """A finite number of 0 or more. NaN compares false with every cap, and must not get that far."""
    number = payload.plain(float(value), what)
    if number < 0:
        return payload.plain(float("nan"), f"{what} ({value}, below 0)")
    return number
