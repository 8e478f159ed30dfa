"""Where a notebook failed, read from what its cells left behind. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from workbench.domain.jobs import Fault

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")
LONGEST = 400


def fault_in(notebook: Mapping[str, Any]) -> Fault | None:
    """The first cell with an error, and the line of it that led there; None where no cell failed."""
    for number, cell in enumerate(notebook.get("cells", ()), 1):
        for output in cell.get("outputs", ()):
            if output.get("output_type") == "error" and "raises-exception" not in _tags(cell):
                return _fault(number, cell, output)
    return None


def fault_at(notebook: Mapping[str, Any], number: int, error: str) -> Fault:
    """`error` came over cell `number` (from 1) without a traceback; its first line stands for it."""
    cells = notebook.get("cells", ())
    if not 1 <= number <= len(cells):
        return Fault(error)
    lines = [line for line in text_of(cells[number - 1].get("source")).splitlines() if line.strip()]
    return Fault(error, number, 0, lines[0].strip()[:LONGEST] if lines else "")


def running_cell(notebook: Mapping[str, Any]) -> int:
    """Number, from 1, of the cell that papermill had begun and not ended; 0 where there is none."""
    for number, cell in enumerate(notebook.get("cells", ()), 1):
        if cell.get("metadata", {}).get("papermill", {}).get("status") == "running":
            return number
    return 0


def _fault(number: int, cell: Mapping[str, Any], output: Mapping[str, Any]) -> Fault:
    words = _ANSI.sub("", "\n".join(output.get("traceback") or ()))
    error = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}".strip().rstrip(":")
    frames = [(int(count), int(line)) for count, line in _FRAME.findall(words)]
    own = [line for count, line in frames if count == cell.get("execution_count")] or [line for _, line in frames]
    line, source = own[0] if own else 0, text_of(cell.get("source")).splitlines()
    shown = source[line - 1] if 1 <= line <= len(source) else (source[0] if source else "")
    return Fault(" ".join(error.split())[:LONGEST], number, line, shown.strip()[:LONGEST])


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", ()))


def text_of(value: Any) -> str:
    return "".join(value) if isinstance(value, list | tuple) else str(value or "")
