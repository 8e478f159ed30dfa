"""The plot that a sheet is drawn on: pixels, time and price, and how words find room on it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.visual.tokens import Theme

Row = Mapping[str, Any]
TAG_WIDTH = 66


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot: its size in pixels, its span in milliseconds since 1970 and in price, its theme and letters."""

    width: int
    height: int
    start: float
    end: float
    low: float
    high: float
    theme: Theme
    letters: int
    moving: bool = False  # it will be zoomed: widths in time, not in pixels

    @property
    def line_px(self) -> int:
        """Height of a line of words."""
        return self.letters + 5

    def y(self, price: float) -> float:
        """Pixels from the top."""
        return (self.high - price) / (self.high - self.low) * self.height

    def cut(self, t: float, p: float, t2: float, p2: float) -> tuple[float, float, float, float] | None:
        """The part of a straight line that lies in the plot (Liang and Barsky); None where none does."""
        enter, leave = 0.0, 1.0
        for by, low, high, at in ((t2 - t, self.start, self.end, t), (p2 - p, self.low, self.high, p)):
            if by == 0:
                if not low <= at <= high:
                    return None
                continue
            one, other = sorted(((low - at) / by, (high - at) / by))
            enter, leave = max(enter, one), min(leave, other)
        if enter > leave:
            return None
        return t + enter * (t2 - t), p + enter * (p2 - p), t + leave * (t2 - t), p + leave * (p2 - p)

    def price(self, y: float) -> float:
        return self.high - y / self.height * (self.high - self.low)

    def holds(self, rows: Iterable[Row]) -> bool:
        """Whether all of `rows` lies in the plot. Cutting off costs a picture some ten milliseconds a layer."""
        for row in rows:
            if not all(self.start <= row[key] <= self.end for key in ("t", "t2") if key in row):
                return False
            prices = [row[key] for key in ("p", "p2") if row.get(key) is not None]
            if "y" not in row and not all(self.low <= price <= self.high for price in prices):
                return False
        return True

    @property
    def axis_digits(self) -> int:
        """Decimals of round prices along the axis."""
        return 0 if self.high - self.low > 12 else self.digits

    @property
    def digits(self) -> int:
        """Decimals that tell two prices of this plot apart, at least the two of a price."""
        span, digits = self.high - self.low, 2
        while span * 10**digits < 200 and digits < 8:
            digits += 1
        return digits


def wide(text: str, letters: int) -> float:
    """About how many pixels `text` takes."""
    return 0.56 * letters * len(text)


def flowed(texts: list[str], width: float, letters: int) -> list[tuple[float, int]]:
    """(x in pixels, line) of each text when they are set side by side and wrapped at `width`."""
    places: list[tuple[float, int]] = []
    x, line = 8.0, 0
    for text in texts:
        room = wide(text, letters)
        if places and x + room > width:
            x, line = 8.0, line + 1
        places.append((x, line))
        x += room + 1.4 * letters
    return places


def apart(wanted: list[float], gap: float, top: float, bottom: float) -> list[float]:
    """Places near `wanted` (rising), at least `gap` apart, within [top, bottom] while there is room."""
    spots = [min(max(y, top), bottom) for y in wanted]
    for i in range(1, len(spots)):
        spots[i] = max(spots[i], spots[i - 1] + gap)
    limit = bottom
    for i in range(len(spots) - 1, -1, -1):
        spots[i] = min(spots[i], limit)
        limit = spots[i] - gap
    return spots
