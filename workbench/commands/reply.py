"""An answer as a value: title and parts with raw values inside, which every surface renders in its own way.

A table knows the *kind* of each column, and from that come its alignment and how its values are written (see
`formats`). `to_json` keeps the raw values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from workbench.domain.portfolio import Money


class Tone(StrEnum):
    """How a text is meant, for colour: the surface chooses which."""

    PLAIN = "plain"
    MUTED = "muted"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Shape(StrEnum):
    """What a column holds, which decides how it is written."""

    TEXT = "text"
    BOT = "bot"
    STATE = "state"  # healthy, stale, down …: coloured by word
    PRICE = "price"  # float, quote currency
    SIZE = "size"  # float, base currency
    MONEY = "money"  # Money
    CHANGE = "change"  # Money with a sign
    PERCENT = "percent"  # a fraction, written with a sign
    SHARE = "share"  # a fraction, written without
    NUMBER = "number"
    COUNT = "count"
    AGE = "age"  # seconds
    LATENCY = "latency"  # milliseconds
    TIME = "time"  # datetime UTC, shown in the viewer's zone


NUMERIC = frozenset(Shape) - {Shape.TEXT, Shape.BOT, Shape.STATE}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    shape: Shape = Shape.TEXT


@dataclass(frozen=True, slots=True)
class Text:
    """A line or a paragraph."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values, None for unknown. `why` maps (row, column name) to the reason a value is unknown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    why: Mapping[tuple[int, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite specification, for surfaces that can draw; `caption` for those that cannot. `phone`: the same chart
    laid out for a narrow screen, where whoever made it can do better than scaling."""

    spec: Mapping[str, Any]
    caption: str
    phone: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something to confirm. `answer`: the line that does it; valid until `expires_at` (UTC), once."""

    text: str
    answer: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """A button, or where there are none, words: what it says, and the line that it asks."""

    label: str
    line: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be done next; each row is about one thing."""

    text: str
    rows: tuple[tuple[Choice, ...], ...]


Part = Text | Table | Chart | Question | Choices


@dataclass(frozen=True, slots=True)
class Reply:
    """`ok`: what was asked for was done. `error`: '' or the one line that says why not. `misread`: it was the line that
    was wrong, not the doing."""

    title: str
    parts: tuple[Part, ...] = ()
    ok: bool = True
    error: str = ""
    misread: bool = False
    as_of: datetime | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON data with raw values: money as {amount, currency}, times as ISO text in UTC, unknown as null."""
        return {
            "title": self.title,
            "ok": self.ok,
            "error": self.error,
            "as_of": jsonable(self.as_of),
            "notes": list(self.notes),
            "parts": [_part(part) for part in self.parts],
        }


def failure(title: str, error: str, misread: bool = False) -> Reply:
    """A reply that says why not."""
    return Reply(title, (), ok=False, error=error, misread=misread)


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text, "tone": part.tone.value}
    if isinstance(part, Table):
        names = [column.name for column in part.columns]
        return {
            "type": "table",
            "title": part.title,
            "columns": [{"name": column.name, "shape": column.shape.value} for column in part.columns],
            "rows": [{name: jsonable(value) for name, value in zip(names, row, strict=True)} for row in part.rows],
            "why": [{"row": row, "column": column, "reason": words} for (row, column), words in part.why.items()],
        }
    if isinstance(part, Chart):
        return {"type": "chart", "caption": part.caption, "spec": part.spec}
    if isinstance(part, Choices):
        rows = [[{"label": choice.label, "line": choice.line} for choice in row] for row in part.rows]
        return {"type": "choices", "text": part.text, "rows": rows}
    return {"type": "question", "text": part.text, "answer": part.answer, "expires_at": jsonable(part.expires_at)}


def jsonable(value: Any) -> Any:
    """`value` as JSON data. NaN and infinity are unknown: null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [jsonable(item) for item in value]
    return value if value is None or isinstance(value, bool | int) else str(value)
