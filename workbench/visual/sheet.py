"""A sheet to draw on: boxes, strokes, paths, areas, signs and words in time and price, as few Vega-Lite layers.

Everything on a sheet is a row of plain values, colours included; words are data and never read as an expression. What
is drawn later lies above, but for words and tags, which lie above everything.
"""

from collections.abc import Iterable
from typing import Any

from workbench.visual.sheet_frame import Frame, Row, apart, wide
from workbench.visual.sheet_layers import LAYERS, OUTSIDE
from workbench.visual.tokens import Theme, contrast


class Sheet:
    """Collects rows, layer by layer; `layers` writes them down."""

    def __init__(self, frame: Frame, name: str):
        self.frame, self.name = frame, name
        self.rows: dict[str, list[Row]] = {}

    def put(self, layer: str, rows: Iterable[Row]) -> None:
        """Add rows to one of LAYERS, which says what its rows hold."""
        self.rows.setdefault(layer, []).extend(rows)

    def words(self, t: float, price: float, text: str, ink: str, *, right: bool = False, dy: float = 0) -> None:
        """Words at a point inside the plot, left-aligned from it or `right`-aligned to it, on a quiet ground."""
        frame, down = self.frame, self._down(price, dy)
        if text and frame.start <= t <= frame.end and frame.low <= price <= frame.high:
            self.put("words_right" if right else "words", [{"t": t, "p": down, "text": text, "c": ink}])
            left = (t - frame.start) / (frame.end - frame.start) * frame.width + (
                -8 - wide(text, frame.letters) if right else 2
            )
            self.plate(left, frame.y(down) - frame.line_px / 2, text)

    def plate(self, x: float, y: float, text: str, lines: int = 1) -> None:
        """A ground for words whose upper left corner is at these pixels; cut to the plot."""
        frame = self.frame
        per_px = (frame.end - frame.start) / frame.width
        left, right = max(0.0, x), min(float(frame.width), x + wide(text, frame.letters) + 7)
        top, bottom = max(0.0, y), min(float(frame.height), y + lines * frame.line_px)
        if left < right and top < bottom:
            times = {"t": frame.start + left * per_px, "t2": frame.start + right * per_px}
            self.put("plates", [times | {"p": frame.price(bottom), "p2": frame.price(top)}])

    def stroke(
        self, t: float, p: float, t2: float, p2: float, ink: str, width: float = 1.2, dash: str = "solid", of: str = ""
    ) -> None:
        """A straight line from one point to another, as far as it lies in the plot. of : the drawing it belongs to."""
        if part := self.frame.cut(t, p, t2, p2):
            row = dict(zip(("t", "p", "t2", "p2"), part, strict=True)) | {"c": ink, "w": width}
            self.put(dash, [row | {"of": of} if of else row])

    def box(self, t: float, p: float, t2: float, p2: float, fill: str, edge: str, opacity: float, of: str = "") -> None:
        """A box in time and price, as far as it lies in the plot."""
        frame = self.frame
        left, right = max(min(t, t2), frame.start), min(max(t, t2), frame.end)
        bottom, top = max(min(p, p2), frame.low), min(max(p, p2), frame.high)
        if left < right and bottom < top:
            place = {"t": left, "t2": right, "p": bottom, "p2": top}
            row = place | {"fill": fill, "edge": edge, "o": opacity}
            self.put("boxes", [row | {"of": of} if of else row])

    def tag(self, price: float, text: str, ink: str, name: str = "") -> None:
        """A price named at the right edge, moved off its neighbours; `name` stands beside it, inside the plot."""
        self.put("tags", [{"p": price, "text": text, "c": ink, "name": name}])

    def layers(self, datasets: dict[str, list[Row]]) -> list[dict[str, Any]]:
        """The Vega-Lite layers, from back to front; their rows go into `datasets`."""
        self._place_tags()
        found = []
        for layer, make in LAYERS.items():
            if self.rows.get(layer):
                key, rows = f"{self.name}_{layer}", self.rows[layer]
                datasets[key] = rows
                clip = layer not in OUTSIDE and (self.frame.moving or not self.frame.holds(rows))
                parts = [part | {"mark": part["mark"] | {"clip": True}} if clip else part for part in make(self.frame)]
                found += [{"data": {"name": key, "format": {"parse": None}}, **part} for part in parts]
        return found

    def _down(self, price: float, dy: float) -> float:
        return price if not dy else self.frame.price(self.frame.y(price) + dy)

    def _place_tags(self) -> None:
        """Push tags apart, the one that came last keeping its place best (the newest price does)."""
        frame, gap = self.frame, self.frame.letters + 6
        tags = [tag for tag in self.rows.pop("tags", []) if 0 <= frame.y(tag["p"]) <= frame.height]
        order = sorted(tags, key=lambda tag: frame.y(tag["p"]))
        spots = apart([frame.y(tag["p"]) for tag in order], gap, gap / 2, frame.height - gap / 2)
        for tag, y in zip(order, spots, strict=True):
            ink = _on(tag["c"], frame.theme)
            self.put("tag", [{"p": frame.price(y), "text": tag["text"], "c": tag["c"], "ink": ink}])
            if tag["name"]:
                self.words(frame.end, frame.price(y), tag["name"], tag["c"], right=True)


def _on(colour: str, theme: Theme) -> str:
    """The ink that is read best on `colour`."""
    return max(("#ffffff", "#0f141b"), key=lambda ink: contrast(ink, colour))
