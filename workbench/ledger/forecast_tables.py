"""Tables of the accuracy database: forecasts as they were given, what is due, scores, running sums, trust.

They come about at first use and carry a version of their own in `ledger_meta`, so that the ledger's other tables and
these can change apart. A stored forecast and a score are never changed; both databases refuse it, whoever asks.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from workbench.domain.errors import LedgerError
from workbench.ledger.schema import Json, UtcTime, meta, metadata

VERSION, NAME = 1, "forecasts"
BINS = 20
BIN_NAMES = tuple(f"pit_{number:02d}" for number in range(BINS))
SUMMED = ("scored", "unscored", "late", "crps", "naive", "pinball", "vol_scored", "qlike", "qlike_naive", *BIN_NAMES)
COUNTS = {"scored", "unscored", "late", "vol_scored", *BIN_NAMES}

forecasts = Table(
    "forecasts",
    metadata,
    Column("forecast_id", Text, primary_key=True),
    Column("world", Text, nullable=False),
    Column("bot_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("horizon", Integer, nullable=False),
    Column("ahead_s", BigInteger, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("matures_at", UtcTime, nullable=False),
    Column("stored_at", UtcTime, nullable=False),  # the market's clock
    Column("made_at", UtcTime, nullable=False),  # the wall's clock
    Column("levels", Json, nullable=False),
    Column("prices", Json, nullable=False),
    Column("reference", Double, nullable=False),
    Column("volatility", Double),
    Column("model_version", Text, nullable=False),
    Column("late", Text, nullable=False),  # '' or why it is never scored
)

forecasts_due = Table(
    "forecasts_due",
    metadata,
    Column("forecast_id", Text, primary_key=True),
    Column("world", Text, nullable=False),
    Column("matures_at", UtcTime, nullable=False),
)
Index("forecasts_due_by_time", forecasts_due.c.world, forecasts_due.c.matures_at)

forecast_scores = Table(
    "forecast_scores",
    metadata,
    Column("forecast_id", Text, primary_key=True),
    Column("scored_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),  # '' where it was scored
    Column("regime", Text, nullable=False),
    *(Column(name, Double) for name in ("outcome", "sigma", "crps", "naive", "pinball", "pit", "qlike", "qlike_naive")),
)

_KEY = (("world", Text), ("bot_id", Text), ("symbol", Text), ("timeframe", Text), ("ahead_s", BigInteger))

forecast_sums = Table(
    "forecast_sums",
    metadata,
    *(Column(name, kind, primary_key=True) for name, kind in _KEY),
    Column("regime", Text, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),  # 202401: of seen_at
    *(Column(name, BigInteger if name in COUNTS else Double, nullable=False) for name in SUMMED),
    Column("lowest", Double, nullable=False),  # outermost levels that every forecast here states
    Column("highest", Double, nullable=False),
    sqlite_with_rowid=False,
)

forecast_days = Table(
    "forecast_days",
    metadata,
    *(Column(name, kind, primary_key=True) for name, kind in _KEY),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("days", LargeBinary, nullable=False),  # float64 (31, 3): scored, Σ crps, Σ naive of each day
    sqlite_with_rowid=False,
)

forecast_trust = Table(
    "forecast_trust",
    metadata,
    Column("world", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("ahead_s", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("matured_at", UtcTime, nullable=False),
)

TABLES = (forecasts, forecasts_due, forecast_scores, forecast_sums, forecast_days, forecast_trust)
_FIXED = (forecasts, forecast_scores)


def found_version(connection: Connection) -> int:
    """0 where the tables are not there. Raises LedgerError where a newer workbench has made them."""
    found = connection.execute(select(meta.c.value).where(meta.c.name == NAME)).scalar_one_or_none()
    if found is not None and int(found) > VERSION:
        raise LedgerError(
            f"this ledger keeps forecasts by version {found} and this workbench knows {VERSION}; update the workbench"
        )
    return int(found or 0)


def create(connection: Connection) -> None:
    """Make the tables, inside an ordered write transaction; nothing happens where they are there."""
    if found_version(connection):
        return
    for table in TABLES:
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
    for table in _FIXED:
        for statement in _never_changed(connection.dialect.name, table.name):
            connection.exec_driver_sql(statement)
    connection.execute(insert(meta).values(name=NAME, value=str(VERSION)))


def _never_changed(dialect: str, name: str) -> list[str]:
    words = f"{name.replace('_', ' ')} are never changed"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name}_keep_{verb.lower()} BEFORE {verb} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {name}_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{words}'; END $$",
        f"CREATE TRIGGER {name}_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_keep()",
    ]
