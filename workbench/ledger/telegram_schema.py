"""Tables that only a desk with Telegram or alerts needs: made on first use, with a version of their own."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, inspect
from sqlalchemy.engine import Connection

from workbench.ledger.schema import Json, UtcTime

metadata = MetaData()

updates = Table(
    "telegram_updates",
    metadata,
    Column("bot", BigInteger, primary_key=True, autoincrement=False),
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("body", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
)
Index("telegram_updates_by_state", updates.c.bot, updates.c.state, updates.c.number)

people = Table(
    "telegram_people",
    metadata,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

marks = Table(
    "telegram_marks",
    metadata,
    Column("bot", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

live = Table(
    "telegram_live",
    metadata,
    Column("bot", BigInteger, primary_key=True, autoincrement=False),
    Column("chat", BigInteger, primary_key=True, autoincrement=False),
    Column("message", BigInteger, primary_key=True, autoincrement=False),
    Column("thread", BigInteger, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("update_id", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("editor", Text, nullable=False),
)

alert_choices = Table(
    "alert_choices",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("choices", Json, nullable=False),
)


def ensure(connection: Connection) -> None:
    """Make the tables that are missing, inside the caller's write transaction."""
    there = set(inspect(connection).get_table_names())
    metadata.create_all(connection, [table for table in metadata.sorted_tables if table.name not in there])
