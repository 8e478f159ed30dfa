"""Replies in a terminal, with rich. Everything a bot, a user or an exchange said is text here, never markup."""

import json
import os
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text as Styled

from workbench.commands.formats import UNKNOWN, ago, cells, header, moment, zone_name
from workbench.commands.reply import NUMERIC, Choices, Part, Question, Reply, Shape, Table, Text, Tone

TONES = {
    Tone.PLAIN: "",
    Tone.MUTED: "bright_black",
    Tone.GOOD: "green",
    Tone.WARNING: "yellow",
    Tone.BAD: "red",
}
STATES = {
    "healthy": "green",
    "running": "",
    "stale": "yellow",
    "not ready": "yellow",
    "paused": "yellow",
    "down": "red",
    "halted": "bold red",
}
PIPE_WIDTH = 160


def console() -> Console:
    """Standard error: standard output is kept for --json. A pipe is as wide as a table needs."""
    wide = None if sys.stderr.isatty() else PIPE_WIDTH
    return Console(stderr=True, width=wide, highlight=False, markup=False, emoji=False)


def local_zone() -> tzinfo:
    """This machine's zone by name, so that dates in the other half of the year are right too."""
    name = os.environ.get("TZ", "").removeprefix(":")
    linked = str(Path("/etc/localtime").resolve()) if not name else ""
    name = name or linked.partition("zoneinfo/")[2]
    try:
        return ZoneInfo(name) if name else datetime.now().astimezone().tzinfo or UTC
    except (KeyError, ValueError, OSError):  # a zone that is only a rule, or a machine without zone files
        return datetime.now().astimezone().tzinfo or UTC


def show(reply: Reply, to: Console, zone: tzinfo, now: datetime | None = None) -> None:
    """Title, parts, notes; the error comes last, on one line."""
    if reply.parts:
        to.print(_title(reply, zone, now or datetime.now(UTC)))
    for part in reply.parts:
        to.print(_drawn(part, zone))
    for note in reply.notes:
        to.print(Styled(note, style=TONES[Tone.MUTED]))
    if reply.error:
        to.print(Styled(f"workbench: {reply.error}", style=TONES[Tone.BAD]), soft_wrap=True)


def show_json(reply: Reply) -> None:
    """One JSON object on standard output; why it failed, if it did, on standard error too."""
    print(json.dumps(reply.to_json(), ensure_ascii=False, allow_nan=False))
    if reply.error:
        print(f"workbench: {reply.error}", file=sys.stderr)


def exit_status(reply: Reply) -> int:
    """0 done, 1 it failed, 2 the line was wrong."""
    return 0 if reply.ok else 2 if reply.misread else 1


def _title(reply: Reply, zone: tzinfo, now: datetime) -> Styled:
    title = Styled(reply.title, style="bold")
    if reply.as_of and abs((now - reply.as_of).total_seconds()) > 5:
        title.append(f"  {ago(reply.as_of, now, zone)}", style=TONES[Tone.MUTED])
    return title


def _drawn(part: Part, zone: tzinfo) -> Any:
    if isinstance(part, Table):
        return _grid(part, zone)
    if isinstance(part, Text):
        return Styled(part.text, style=TONES[part.tone])
    if isinstance(part, Question):
        until = f"{moment(part.expires_at, zone)} {zone_name(zone)}"
        return Styled(f"{part.text}\nanswer until {until}: {part.answer}", style=TONES[Tone.WARNING])
    if isinstance(part, Choices):
        lines = ("   ".join(choice.line for choice in row) for row in part.rows)
        return Styled("\n".join((part.text, *lines)))
    return Styled(part.caption, style=TONES[Tone.MUTED])


def _grid(table: Table, zone: tzinfo) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=table.title or None, title_justify="left")
    texts = cells(table, zone)
    for at, column in enumerate(table.columns):
        if _is_empty(texts, at):
            continue
        numeric = column.shape in NUMERIC
        wraps = column.shape is Shape.TEXT
        grid.add_column(header(column, zone), justify="right" if numeric else "left", no_wrap=not wraps)
    for row, values in zip(texts, table.rows, strict=True):
        shown = zip(row, values, table.columns, strict=True)
        styled = [Styled(text, style=_style(value, column.shape, text)) for text, value, column in shown]
        grid.add_row(*(cell for at, cell in enumerate(styled) if not _is_empty(texts, at)))
    return grid


def _is_empty(texts: list[list[str]], column: int) -> bool:
    """A column that says nothing in any row is left out; one of unknown values stays."""
    return bool(texts) and all(row[column] == "" for row in texts)


def _style(value: Any, shape: Shape, text: str) -> str:
    if text == UNKNOWN:
        return TONES[Tone.MUTED]
    if shape is Shape.STATE:
        return STATES.get(text, "")
    if shape in (Shape.CHANGE, Shape.PERCENT):
        amount = getattr(value, "amount", value)
        return "" if not any(c in "123456789" for c in text) else TONES[Tone.GOOD if amount > 0 else Tone.BAD]
    return ""
