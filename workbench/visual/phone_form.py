"""Any Vega-Lite chart laid out for a phone: as narrow as its screen, parts below each other, letters to be read. Pure.

`ChartSpec.for_phone` does better where the renderer's own charts are meant; this is for all the others.
"""

from collections.abc import Mapping
from typing import Any

PHONE_WIDTH = 460
PLOT = PHONE_WIDTH - 90  # what axis and legend leave
LETTERS = 13
_CONFIG: dict[str, dict[str, Any]] = {
    "axis": {"labelFontSize": LETTERS, "titleFontSize": LETTERS},
    "legend": {"labelFontSize": LETTERS, "titleFontSize": LETTERS, "orient": "bottom"},
    "header": {"labelFontSize": LETTERS, "titleFontSize": LETTERS},
    "title": {"fontSize": LETTERS + 3, "subtitleFontSize": LETTERS},
}


def for_phone(spec: Mapping[str, Any]) -> dict[str, Any]:
    """`spec` with plots at most `PLOT` pixels wide (a square stays one) and letters of at least `LETTERS` pixels."""
    config = dict(spec.get("config", {}))
    config |= {part: {**config.get(part, {}), **ours} for part, ours in _CONFIG.items()}
    return {**_narrowed(spec), "config": config}


def _narrowed(node: Any) -> Any:
    if isinstance(node, list):
        return [_narrowed(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: value if key in ("data", "datasets") else _narrowed(value) for key, value in node.items()}
    if "hconcat" in made:
        made["vconcat"] = made.pop("hconcat")
    if "columns" in made and ("facet" in made or "concat" in made or "repeat" in made):
        made["columns"] = min(made["columns"], 2)
    width, height = made.get("width"), made.get("height")
    if isinstance(width, int | float) and width > PLOT:
        made["width"] = PLOT
        if isinstance(height, int | float) and height == width:
            made["height"] = PLOT
    size = made.get("fontSize")
    if isinstance(size, int | float):
        made["fontSize"] = max(size, LETTERS - 2)
    return made
