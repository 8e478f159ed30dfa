"""Where a notebook failed, read from what its cells left behind. Pure.

Cells are counted from 1 as their author sees them: those that papermill puts in do not count.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.domain.jobs import Fault

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")
LONGEST = 400
ERROR_MARKER, INJECTED = "papermill-error-cell-tag", "injected-parameters"


def fault_in(notebook: Mapping[str, Any]) -> Fault | None:
    """The first cell with an error, and the line of it that led there; None where no cell failed."""
    for number, cell in _counted(notebook):
        for output in cell.get("outputs", ()):
            if output.get("output_type") == "error" and "raises-exception" not in tags_of(cell):
                return _fault(number, cell, output)
    return None


def fault_under(notebook: Mapping[str, Any], error: str) -> Fault:
    """`error` came without a traceback while the newest begun cell was at work; its first line stands for it."""
    begun = [(number, cell) for number, cell in _counted(notebook) if _papermill(cell).get("start_time")]
    if not begun:
        return Fault(error)
    number, cell = begun[-1]
    lines = [line for line in text_of(cell.get("source")).splitlines() if line.strip()]
    return Fault(error, number, 0, lines[0].strip()[:LONGEST] if lines else "")


def without_markers(cells: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The cells without those in which papermill tells of a failure: the page says it better."""
    return [cell for cell in cells if ERROR_MARKER not in tags_of(cell)]


def _counted(notebook: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    for cell in without_markers(notebook.get("cells", ())):
        number += INJECTED not in tags_of(cell)
        yield number, cell


def _papermill(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    return cell.get("metadata", {}).get("papermill", {})


def _fault(number: int, cell: Mapping[str, Any], output: Mapping[str, Any]) -> Fault:
    words = _ANSI.sub("", "\n".join(output.get("traceback") or ()))
    error = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}".strip().rstrip(":")
    frames = [(int(count), int(line)) for count, line in _FRAME.findall(words)]
    own = [line for count, line in frames if count == cell.get("execution_count")] or [line for _, line in frames]
    line, source = own[0] if own else 0, text_of(cell.get("source")).splitlines()
    shown = source[line - 1] if 1 <= line <= len(source) else (source[0] if source else "")
    return Fault(" ".join(error.split())[:LONGEST], number, line, shown.strip()[:LONGEST])


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", ()))


def text_of(value: Any) -> str:
    return "".join(value) if isinstance(value, list | tuple) else str(value or "")
