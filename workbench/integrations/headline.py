"""What a notebook wants said of its run: a few figures, in the message and on the index. Put it last in a cell:

headline(equity="48,120.00 USD", pnl="+1.2 %")
"""

from collections.abc import Iterable, Mapping
from typing import Any

MIME = "application/vnd.workbench.headline+json"
MOST, LONGEST = 12, 120


class Headline:
    """Figures by name, already written as they are to be read. Shows as lines of text where nobody collects it."""

    def __init__(self, figures: Mapping[str, object]):
        self.figures = {str(name): str(value) for name, value in figures.items()}

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.figures.items())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {MIME: list(self.figures.items()), "text/plain": repr(self)}  # a list: notebooks sort their keys


def headline(**figures: object) -> Headline:
    """Figures for the message of this run."""
    return Headline(figures)


def collected(cells: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The headlines in a notebook's outputs, in order; a name said again counts as last said."""
    found: dict[str, str] = {}
    for cell in cells:
        for output in cell.get("outputs", ()):
            said = output.get("data", {}).get(MIME)
            pairs = [pair for pair in said if isinstance(pair, list | tuple) and len(pair) == 2] if said else []
            found |= {str(name)[:LONGEST]: str(value)[:LONGEST] for name, value in pairs}
    return tuple(found.items())[:MOST]
