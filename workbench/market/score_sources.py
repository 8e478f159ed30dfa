"""Where scores come from: CSV files that are named in the settings, and plug-ins of other packages.

A plug-in is an entry point of the group `workbench.scores`: a function that takes symbols (BASE/QUOTE) and returns rows
(symbol, known_at, value). known_at is the moment at which the value could be read, with its zone: a score about Monday
that was published on Tuesday is known on Tuesday. A CSV has these three columns by these names.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import structlog

from workbench.domain.errors import SettingsError

log = structlog.get_logger(__name__)
GROUP = "workbench.scores"
COLUMNS = ("symbol", "known_at", "value")
MOST_ROWS = 5_000_000
Row = tuple[str, datetime, float]


def load_rows(files: Mapping[str, Path], symbols: Sequence[str]) -> dict[str, dict[str, list[Row]]]:
    """Source → symbol → rows in order of `known_at`: of CSV `files` by name, and of every plug-in that is installed.

    Raises SettingsError naming the source and the row that breaks a rule: no zone, no number, no such column.
    """
    found = {name: read_csv(name, path) for name, path in files.items()}
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            raise SettingsError(f"two sources of scores are called {entry.name!r}; rename the file in the settings")
        found[entry.name] = _asked(entry.name, entry, symbols)
    return {name: _sorted(name, rows, frozenset(symbols)) for name, rows in found.items()}


def read_csv(name: str, path: Path) -> list[Row]:
    """The rows of a file. Raises SettingsError."""
    import csv

    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise SettingsError(
                    f"scores {name!r}: {path} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}"
                )
            return [_row(name, number, [row[column] for column in COLUMNS]) for number, row in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"scores {name!r}: {path} cannot be read: {error}") from error


def _asked(name: str, entry: Any, symbols: Sequence[str]) -> list[Row]:
    try:
        given: Iterable[Any] = entry.load()(tuple(symbols))
        return [_row(name, number, row) for number, row in enumerate(given, 1)]
    except SettingsError:
        raise
    except Exception as error:  # somebody else's program: whatever it does is told as its fault
        raise SettingsError(f"scores {name!r}: the plug-in failed: {type(error).__name__}: {error}") from error


def _row(name: str, number: int, row: Any) -> Row:
    where = f"scores {name!r}, row {number}"
    if number > MOST_ROWS:
        raise SettingsError(f"{where}: at most {MOST_ROWS:,} rows are read")
    try:
        symbol, known_at, value = row
        at = known_at if isinstance(known_at, datetime) else datetime.fromisoformat(str(known_at).strip())
        score = float(value)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: {error}; it needs symbol, known_at (ISO time with zone) and a number") from error
    if at.utcoffset() is None:
        raise SettingsError(f"{where}: {known_at} has no zone; write it as 2024-01-31T14:00:00Z")
    if not math.isfinite(score):
        raise SettingsError(f"{where}: {value} is no finite number; leave the row out")
    return str(symbol).strip(), at.astimezone(UTC), score


def _sorted(name: str, rows: list[Row], symbols: frozenset[str]) -> dict[str, list[Row]]:
    by_symbol: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row[1]):
        if row[0] in symbols:
            by_symbol.setdefault(row[0], []).append(row)
    if rows and not by_symbol:
        log.warning("scores_of_no_market", source=name, symbols=sorted({row[0] for row in rows})[:5])
    return by_symbol
