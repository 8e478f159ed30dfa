"""Events and commands with the uninteresting parts filled in, and time that passes for leases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from workbench.domain.commands import Command
from workbench.domain.events import NewEvent
from workbench.ledger import schema

AT = datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)
TTL = timedelta(seconds=60)


def event(event_id="e1", kind="fill", at=AT, source="trend", **payload):
    return NewEvent(kind, source, payload or {"price": 1.5}, event_id, at)


def events(count, kind="fill", prefix="e"):
    return [event(f"{prefix}{number}", kind, number=number) for number in range(count)]


def command(command_id="c1", name="pause", issued_by="trader", **args):
    return Command(command_id, name, args or {"bot": "trend"}, issued_by, AT)


def expire(ledger, name="desk"):
    """Let the lease `name` run out, as waiting for its end would."""
    with ledger._store.write() as connection:
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        connection.execute(update(schema.leases).where(schema.leases.c.name == name).values(expires_at=long_ago))


def take_over(ledger, holder="b", name="desk"):
    expire(ledger, name)
    return ledger.acquire(name, holder, TTL)
