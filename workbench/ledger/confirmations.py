"""Single-use codes with which a person confirms what cannot be taken back. Only their digests are kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.engine import Connection

from workbench.domain.errors import LedgerError
from workbench.ledger import payload, schema
from workbench.ledger.store import Store, upsert

CODE_LIFE = timedelta(seconds=60)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that could be read as another
_codes = schema.release_codes


class Confirmations:
    """A code is for one thing (`what`) and one person, once, within a minute. Blocking, and waits for the disk."""

    def __init__(self, store: Store):
        self._store = store

    def offer(self, what: str, to: str) -> str:
        """A code with which `to` confirms `what`."""
        with self._store.write() as connection:
            return offer_code(connection, what, to, self._store.now(connection))

    def use(self, what: str, code: str, by: str) -> None:
        """Use a code up. Raises LedgerError for one that is wrong, used, over, or another's."""
        with self._store.write() as connection:
            use_code(connection, what, code, by, self._store.now(connection))


def offer_code(connection: Connection, what: str, to: str, now: datetime) -> str:
    """`Confirmations.offer` inside the caller's write transaction."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(6))
    row = {"digest": _digest(what, code), "scope": payload.text(what, "what is confirmed")}
    issued = {"issued_to": payload.text(to, "who asks"), "expires_at": now + CODE_LIFE, "used_at": None}
    upsert(connection, _codes, [row | issued])
    return code


def use_code(connection: Connection, what: str, code: str, by: str, now: datetime) -> None:
    """`Confirmations.use` inside the caller's write transaction."""
    good = (_codes.c.digest == _digest(what, code)) & (_codes.c.scope == what)
    valid = good & _codes.c.used_at.is_(None) & (_codes.c.expires_at > now) & (_codes.c.issued_to == by)
    used = connection.execute(update(_codes).where(valid).values(used_at=now).returning(_codes.c.digest))
    if used.one_or_none() is None:
        raise LedgerError("that code is wrong, used, or older than 60 s; ask for a new one")


def _digest(what: str, code: str) -> str:
    return hashlib.sha256(f"{what}\n{code.strip().lower()}".encode()).hexdigest()
