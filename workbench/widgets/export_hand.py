"""Tables of a page as Parquet: numbers as 64-bit floats, times as UTC timestamps, everything else as text."""

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from workbench.domain.errors import ValueRefused
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
MOST_ROWS, MOST_COLUMNS = 100_000, 200
Send = Callable[[Json, list[bytes] | None], None]


class ExportHand:
    """Hears {"kind": "export", "id", "columns": [{"name", "kind"}], "rows"} and answers {"kind": "exported", "id"} with
    the file as its buffer, or with "error". One at a time."""

    def __init__(self, send: Send):
        self._send, self._turn = send, asyncio.Lock()
        self._tasks: set[asyncio.Task] = set()

    def hear(self, content: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._export(content), name="page-export")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until everything asked for so far has been answered."""
        await asyncio.gather(*self._tasks)

    async def _export(self, content: Mapping[str, Any]) -> None:
        told: Json = {"kind": "exported", "id": str(content.get("id"))[:64]}
        try:
            async with self._turn:
                made = await asyncio.to_thread(parquet, content.get("columns"), content.get("rows"))
            self._send(told, [made])
        except ValueRefused as error:
            self._send({**told, "error": wire.clean(error)}, None)
        except Exception as error:  # the page is told, whatever it was
            log.exception("export_failed")
            self._send({**told, "error": wire.clean(f"{type(error).__name__}: {error}")}, None)


def parquet(columns: Any, rows: Any) -> bytes:
    """A file of `rows`. columns : [{"name", "kind": "number", "time" or "text"}]; times are ISO texts, None is null.
    A name that occurs twice is numbered. Raises ValueRefused for a table that is none."""
    import pyarrow as pa  # only whoever takes a file along pays for it
    from pyarrow import parquet as pq

    names = [str(column["name"]) for column in _checked(columns, rows)]
    kinds = {"number": (pa.float64(), _number), "time": (pa.timestamp("ms", tz="UTC"), _time)}
    arrays = []
    for at, column in enumerate(columns):
        kind, read = kinds.get(str(column.get("kind")), (pa.string(), _text))
        arrays.append(pa.array([read(row[at]) for row in rows], kind))
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, _apart(names)), sink)
    return sink.getvalue()


def _checked(columns: Any, rows: Any) -> Sequence[Mapping[str, Any]]:
    """`columns`, where both are lists of one width. They come from a browser."""
    if not (isinstance(columns, list) and isinstance(rows, list)):
        raise ValueRefused("a table to export is a list of columns and a list of rows")
    if not 0 < len(columns) <= MOST_COLUMNS or len(rows) > MOST_ROWS:
        raise ValueRefused(f"at most {MOST_COLUMNS} columns and {MOST_ROWS:,} rows are exported; narrow the table")
    if not all(isinstance(column, dict) and "name" in column for column in columns):
        raise ValueRefused("each column to export has a name and a kind")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise ValueRefused(f"each row to export has {len(columns)} values, one a column")
    return columns


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:
        raise ValueRefused(f"{str(value)[:40]!r} is no time; export it as ISO text") from None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _apart(names: Sequence[str]) -> list[str]:
    return [f"{name} {names[:at].count(name) + 1}" if name in names[:at] else name for at, name in enumerate(names)]
