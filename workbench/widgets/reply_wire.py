"""A reply as the page receives it: text cropped and cleaned, numbers to sort and export by. Pure but for charts.

Tables carry each cell twice: as it is written, in the viewer's zone, and as a raw number where it is one.
"""

import base64
import math
from datetime import datetime, tzinfo
from typing import Any

from workbench.commands.formats import cells, header
from workbench.commands.reply import NUMERIC, Chart, Choices, Part, Question, Reply, Shape, Table, Text
from workbench.domain.errors import ValueRefused
from workbench.domain.portfolio import Money
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

MOST_ROWS = 500
TEXT_CHARS = 4000


def reply(said: Reply, zone: tzinfo | None = None, theme: str = "dark") -> Json:
    """Everything the page shows of `said`. Charts become pictures in `theme`: nothing of a specification runs there."""
    return {
        "title": wire.clean(said.title, 200),
        "ok": said.ok,
        "error": wire.clean(said.error, TEXT_CHARS),
        "as_of": wire.millis(said.as_of),
        "notes": [wire.clean(note, 600) for note in said.notes],
        "parts": [_part(part, zone, theme) for part in said.parts],
    }


def _part(part: Part, zone: tzinfo | None, theme: str) -> Json:
    if isinstance(part, Table):
        return _table(part, zone)
    if isinstance(part, Text):
        return {"type": "text", "text": _lines(part.text), "tone": part.tone.value}
    if isinstance(part, Question):
        until = wire.millis(part.expires_at)
        return {"type": "question", "text": _lines(part.text), "answer": wire.clean(part.answer, 200), "until": until}
    if isinstance(part, Choices):
        rows = [[[wire.clean(one.label, 80), wire.clean(one.line, 200)] for one in row] for row in part.rows]
        return {"type": "choices", "text": _lines(part.text), "rows": rows}
    return _picture(part, theme)


def _table(table: Table, zone: tzinfo | None) -> Json:
    kept = Table(table.columns, table.rows[:MOST_ROWS], table.title)
    columns = [
        {"name": wire.clean(header(column, zone), 80), "right": column.shape in NUMERIC, "shape": column.shape.value}
        for column in table.columns
    ]
    raws = [[_raw(v, c.shape) for v, c in zip(row, table.columns, strict=True)] for row in kept.rows]
    return {
        "type": "table",
        "title": wire.clean(table.title, 200),
        "columns": columns,
        "rows": [[wire.clean(text) for text in row] for row in cells(kept, zone)],
        "raws": raws,
        "currencies": [_currencies(kept, at) for at in range(len(columns))],
        "why": [[row, wire.clean(name, 80), wire.clean(words)] for (row, name), words in table.why.items()],
        "left_out": max(0, len(table.rows) - MOST_ROWS),
    }


def _currencies(table: Table, at: int) -> list[str] | None:
    """The currency of each value of a column of money, None for any other column."""
    values = [row[at] for row in table.rows]
    if not any(isinstance(value, Money) for value in values):
        return None
    return [wire.clean(value.currency, 12) if isinstance(value, Money) else "" for value in values]


def _picture(chart: Chart, theme: str) -> Json:
    from workbench.visual.picture import svg  # brings altair: only whoever sees a chart pays for it

    told: Json = {"type": "chart", "caption": wire.clean(chart.caption, 600), "picture": "", "trouble": ""}
    try:
        drawn = svg(chart.spec, theme)
    except ValueRefused as error:
        return told | {"trouble": wire.clean(error)}
    return told | {"picture": "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()}


def _raw(value: Any, shape: Shape) -> float | str | None:
    """What a column is sorted and exported by: a number, or a time as ISO text; None: its text."""
    if isinstance(value, Money):
        value = value.amount
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool) or not isinstance(value, int | float) or shape not in NUMERIC:
        return None
    return float(value) if math.isfinite(value) else None


def _lines(text: str) -> str:
    """Several lines stay several lines; each is cleaned."""
    return "\n".join(wire.clean(line, TEXT_CHARS) for line in text.splitlines()[:200])
