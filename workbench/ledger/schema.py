"""The tables, and how an older ledger becomes a newer one.

Times are stored as whole microseconds since 1970 UTC, JSON as text, so that both databases hold and order them alike
and a replay gives the bytes that were recorded.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text, inspect, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator

from workbench.domain.errors import LedgerError
from workbench.ledger.payload import decode, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator):
    """datetime with zone ⇄ microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


class Json(TypeDecorator):
    """Plain JSON values (see `payload.plain`) ⇄ text, byte for byte the same in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        return encode(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else decode(value)


_Seq = BigInteger().with_variant(Integer, "sqlite")  # INTEGER PRIMARY KEY is SQLite's row number itself
metadata = MetaData()

meta = Table("ledger_meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

events = Table(
    "events",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("events_by_kind", events.c.kind, events.c.seq)

commands = Table(
    "commands",
    metadata,
    Column("number", _Seq, primary_key=True, autoincrement=False),
    Column("command_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("args", Json, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Json, nullable=False),
    Column("lease", Text),
    Column("token", BigInteger),
    Column("finished_at", UtcTime),
)
Index("commands_by_state", commands.c.state, commands.c.number)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

announced_bots = Table(
    "announced_bots",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

equity_points = Table(
    "equity_points",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("bot_id", Text, primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("equity", Double, nullable=False),
    Column("currency", Text, nullable=False),
    sqlite_with_rowid=False,  # the key is the row: half the size, and one curve lies together on disk
)

statuses = Table(
    "bot_statuses",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("payload", Json, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

trading_states = Table(
    "trading_states",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("halt_id", Text, nullable=False),
)

release_codes = Table(
    "release_codes",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("issued_to", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

halts = Table(
    "halts",
    metadata,
    Column("halt_id", Text, primary_key=True),
    Column("scopes", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("step", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("watch_until", UtcTime),
)
Index("halts_by_rank", halts.c.rank)

halted_bots = Table(
    "halted_bots",
    metadata,
    Column("halt_id", Text, primary_key=True),
    Column("bot_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("left_open", Json, nullable=False),
    Column("round", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)

exposure_caps = Table(
    "exposure_caps",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("cap", Double, nullable=False),
    Column("held", Double, nullable=False),
    Column("reserved", Double, nullable=False),
)

exposure_reservations = Table(
    "exposure_reservations",
    metadata,
    Column("intent_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("value", Double, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("reservations_by_scope", exposure_reservations.c.scope)

drawings = Table(
    "drawings",
    metadata,
    Column("author", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("timeframe", Text, primary_key=True),
    Column("drawing_id", Text, primary_key=True),
    Column("rank", BigInteger, nullable=False),
    Column("drawing", Json, nullable=False),
)
Index("drawings_by_symbol", drawings.c.symbol, drawings.c.timeframe)

drawing_steps = Table(
    "drawing_steps",
    metadata,
    Column("number", _Seq, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("changes", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index(
    "drawing_steps_by_board",
    *(drawing_steps.c.author, drawing_steps.c.symbol, drawing_steps.c.timeframe, drawing_steps.c.number),
)

annotations = Table(
    "annotations",
    metadata,
    Column("number", _Seq, primary_key=True, autoincrement=False),
    Column("annotation_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("undoes", BigInteger, nullable=False),
    Column("state", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("annotations_by_id", annotations.c.annotation_id, annotations.c.number)
Index("annotations_by_user", annotations.c.user_id, annotations.c.number)

pattern_log = Table(
    "pattern_log",
    metadata,
    Column("number", _Seq, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("pattern_log_once", pattern_log.c.user_id, pattern_log.c.kind, pattern_log.c.key, unique=True)

job_runs = Table(
    "job_runs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("due", UtcTime, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("skipped", Integer, nullable=False),
    Column("ran_by", Text, nullable=False),
    Column("token", BigInteger),
    Column("outcome", Json, nullable=False),
)
Index("job_runs_by_time", job_runs.c.began_at)
Index("job_runs_by_state", job_runs.c.state)

job_marks = Table(
    "job_marks",
    metadata,
    Column("job", Text, primary_key=True),
    Column("decided_until", UtcTime, nullable=False),
)

_FIRST = (events, commands, leases, announced_bots, equity_points, statuses)
_SAFETY = (trading_states, release_codes, halts, halted_bots, exposure_caps, exposure_reservations)
_DRAWING = (drawings, drawing_steps)
_PATTERNS = (annotations, pattern_log)
_JOBS = (job_runs, job_marks)

Migration = Callable[[Connection], None]

_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER events_refuse_{verb.lower()} BEFORE {verb} ON events "
        "BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the event log is append-only'; END $$",
        "CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change()",
        "CREATE FUNCTION events_wake() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_notify('workbench_events', current_schema()); RETURN NULL; END $$",
        "CREATE TRIGGER events_wake AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION events_wake()",
    ],
}


def _create(connection: Connection) -> None:
    connection.execute(CreateTable(meta))
    _make(connection, (*_FIRST, *_SAFETY, *_DRAWING, *_PATTERNS, *_JOBS))
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    _refuse_changes(connection, _PATTERNS)


def _make(connection: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))


def _add_safety(connection: Connection) -> None:
    """2: trading states, halts and their release, reserved exposure."""
    _make(connection, _SAFETY)


def _add_drawings(connection: Connection) -> None:
    """4: drawings and the steps by which they came about."""
    _make(connection, _DRAWING)


def _add_patterns(connection: Connection) -> None:
    """3: annotations with their history, and what was tried with them."""
    _make(connection, _PATTERNS)
    _refuse_changes(connection, _PATTERNS)


def _add_jobs(connection: Connection) -> None:
    """5: runs of scheduled notebooks."""
    _make(connection, [table for table in _JOBS if not inspect(connection).has_table(table.name)])


def _refuse_changes(connection: Connection, tables: Sequence[Table]) -> None:
    """Rows of `tables` are only ever added, whoever asks."""
    words = {table.name: f"{table.name.replace('_', ' ')} is append-only" for table in tables}
    for name, why in words.items():
        if connection.dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {name}_refuse_{verb.lower()} BEFORE {verb} ON {name} "
                    f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
                )
            continue
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {name}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{why}'; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse_change()"
        )


MIGRATIONS: Sequence[Migration] = (
    _add_safety,
    _add_patterns,
    _add_drawings,
    _add_jobs,
)  # the n-th brings version n to n+1; the tables above are always the newest version


def version(connection: Connection) -> int:
    """Schema version found; 0 for an empty database."""
    if not inspect(connection).has_table(meta.name):
        return 0
    return int(connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar_one())


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Create the tables or bring them forward, inside the caller's write transaction; returns the version reached.

    Raises LedgerError where a newer workbench has written here: its rows may mean what this one cannot know.
    """
    found, newest = version(connection), 1 + len(migrations)
    if found > newest:
        raise LedgerError(
            f"this ledger has schema {found} and this workbench knows {newest}; update the workbench, "
            "or name another ledger"
        )
    if found == 0:
        _create(connection)
        connection.execute(meta.insert().values(name="schema", value=str(newest)))
        return newest
    for step in migrations[found - 1 :]:
        step(connection)
    connection.execute(update(meta).where(meta.c.name == "schema").values(value=str(newest)))
    return newest
