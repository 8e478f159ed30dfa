"""What a person or a bot draws on a chart, as values: levels, trend lines, zones, notes.

A drawing belongs to a board: an author, a symbol, a timeframe. Times are UTC to the millisecond, prices in quote
currency. Text is text: it is shown, never read as markup, code or a path.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe

INKS = ("accent", "up", "down", "warning", "muted", "text")
"""Colours that follow the theme; any other is written '#rrggbb'."""
DASHES = ("solid", "dashed", "dotted")
LONGEST_TEXT, LONGEST_NAME = 280, 64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make text read as another text


@dataclass(frozen=True, slots=True)
class Board:
    """Where somebody draws: an author (a user's name, or 'bot:ID'), a symbol, a timeframe."""

    user: str
    symbol: str
    timeframe: Timeframe

    def __post_init__(self) -> None:
        for what, name in (("author", self.user), ("symbol", self.symbol)):
            if not name or len(name) > LONGEST_NAME:
                raise ValueRefused(f"the {what} of a drawing has 1 to {LONGEST_NAME} characters, got {name[:80]!r}")
            _check_text(name, f"the {what} of a drawing")

    def __str__(self) -> str:
        return f"{self.user}'s {self.symbol} {self.timeframe}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of a chart. `at` None: at every time (a level has no time of its own)."""

    at: datetime | None
    price: float

    def __post_init__(self) -> None:
        _check_price(self.price)
        object.__setattr__(self, "at", _utc(self.at))


@dataclass(frozen=True, slots=True)
class Level:
    """A price that matters, at every time."""

    price: float

    def __post_init__(self) -> None:
        _check_price(self.price)


@dataclass(frozen=True, slots=True)
class TrendLine:
    """A straight line through two points; `start` is the earlier. extended: it goes on to the right."""

    start: Anchor
    end: Anchor
    extended: bool = False

    def __post_init__(self) -> None:
        if self.start.at is None or self.end.at is None or self.start.at == self.end.at:
            raise ValueRefused(f"a trend line needs two moments, got {self.start.at} and {self.end.at}")
        if self.start.at > self.end.at:
            first, last = self.end, self.start
            object.__setattr__(self, "start", first)
            object.__setattr__(self, "end", last)

    def price_at(self, moment: datetime) -> float:
        """The line's price at `moment`, straight on outside its two points."""
        assert self.start.at is not None
        assert self.end.at is not None
        share = (moment - self.start.at) / (self.end.at - self.start.at)
        return self.start.price + share * (self.end.price - self.start.price)


@dataclass(frozen=True, slots=True)
class Zone:
    """A band of prices. `since`, `until`: None means from the first bar on, and to the last."""

    low: float
    high: float
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        _check_price(self.low)
        _check_price(self.high)
        if self.low == self.high:
            raise ValueRefused(f"a zone has two prices, got {self.low} twice; draw a level")
        for name in ("since", "until"):
            object.__setattr__(self, name, _utc(getattr(self, name)))
        if self.since is not None and self.since == self.until:
            raise ValueRefused(f"a zone lasts some time, got {self.since} twice")
        _order(self, "low", "high")
        _order(self, "since", "until")


@dataclass(frozen=True, slots=True)
class Note:
    """A place on the chart to which the drawing's text belongs."""

    where: Anchor

    def __post_init__(self) -> None:
        if self.where.at is None:
            raise ValueRefused("a note stands at a moment; give it one")


Shape = Level | TrendLine | Zone | Note
KINDS: Mapping[str, type] = {"level": Level, "line": TrendLine, "zone": Zone, "note": Note}


@dataclass(frozen=True, slots=True)
class Style:
    """ink: one of INKS or '#rrggbb'; width in pixels, 0.5 to 8; dash: one of DASHES."""

    ink: str = "accent"
    width: float = 1.5
    dash: str = "solid"

    def __post_init__(self) -> None:
        if self.ink not in INKS and not _COLOUR.fullmatch(self.ink):
            raise ValueRefused(f"no ink {self.ink[:40]!r}; take {', '.join(INKS)} or a colour as in #4c9aff")
        if not 0.5 <= self.width <= 8:
            raise ValueRefused(f"a line is 0.5 to 8 pixels wide, got {self.width}")
        if self.dash not in DASHES:
            raise ValueRefused(f"no dash {self.dash[:40]!r}; take {', '.join(DASHES)}")


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing. `text` may be empty, but for a note."""

    drawing_id: str
    board: Board
    shape: Shape
    text: str = ""
    style: Style = field(default_factory=Style)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.drawing_id):
            raise ValueRefused(f"a drawing's id is 1 to 64 letters, digits, - or _, got {self.drawing_id[:80]!r}")
        if len(self.text) > LONGEST_TEXT:
            raise ValueRefused(f"a drawing's text has at most {LONGEST_TEXT} characters, got {len(self.text)}")
        _check_text(self.text, "a drawing's text")
        if isinstance(self.shape, Note) and not self.text.strip():
            raise ValueRefused("a note needs its text")

    @property
    def kind(self) -> str:
        """'level', 'line', 'zone' or 'note'."""
        return next(name for name, shape in KINDS.items() if type(self.shape) is shape)

    @property
    def handles(self) -> tuple[Anchor, ...]:
        """The points by which it is held: one of a level or a note, two of a line or a zone (low first)."""
        match self.shape:
            case Level(price):
                return (Anchor(None, price),)
            case TrendLine(start, end):
                return start, end
            case Zone(low, high, since, until):
                return Anchor(since, low), Anchor(until, high)
            case Note(where):
                return (where,)

    def moved(self, later: timedelta = timedelta(0), higher: float = 0.0) -> "Drawing":
        """The whole drawing shifted in time and price. Raises ValueRefused where a price would not stay above 0."""
        places = [Anchor(None if held.at is None else held.at + later, held.price + higher) for held in self.handles]
        return replace(self, shape=_rebuilt(self.shape, places))

    def reshaped(self, handle: int, to: Anchor) -> "Drawing":
        """One handle taken elsewhere. Raises ValueRefused for a handle it has not, or a shape that cannot be."""
        places = list(self.handles)
        if not 0 <= handle < len(places):
            raise ValueRefused(f"a {self.kind} has {len(places)} handles, counted from 0; got {handle}")
        keep_time = places[handle].at is None or to.at is None  # a zone without an end keeps having none
        places[handle] = Anchor(places[handle].at, to.price) if keep_time else to
        return replace(self, shape=_rebuilt(self.shape, places))


def to_json(drawing: Drawing) -> dict[str, Any]:
    """The drawing as JSON data: times as whole milliseconds since 1970."""
    shape: dict[str, Any] = {"kind": drawing.kind}
    match drawing.shape:
        case Level(price):
            shape |= {"price": price}
        case TrendLine(start, end, extended):
            shape |= {"start": _anchor_json(start), "end": _anchor_json(end), "extended": extended}
        case Zone(low, high, since, until):
            shape |= {"low": low, "high": high, "since": _ms(since), "until": _ms(until)}
        case Note(where):
            shape |= {"where": _anchor_json(where)}
    style = {"ink": drawing.style.ink, "width": drawing.style.width, "dash": drawing.style.dash}
    board = drawing.board
    whose = {"user": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}
    return {"id": drawing.drawing_id, **whose, "shape": shape, "text": drawing.text, "style": style}


def from_json(data: Mapping[str, Any]) -> Drawing:
    """Read what `to_json` wrote, or what a page or a bot sent. Raises ValueRefused naming what is wrong."""
    try:
        board = Board(str(data["user"]), str(data["symbol"]), Timeframe.parse(data["timeframe"]))
        style = data.get("style") or {}
        made = Style(str(style.get("ink", "accent")), float(style.get("width", 1.5)), str(style.get("dash", "solid")))
        return Drawing(str(data["id"]), board, _shape(data["shape"]), str(data.get("text", "")), made)
    except KeyError as error:
        raise ValueRefused(f"a drawing lacks {error}") from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueRefused(f"not a drawing: {error}") from error


def _shape(data: Mapping[str, Any]) -> Shape:
    match data["kind"]:
        case "level":
            return Level(float(data["price"]))
        case "line":
            return TrendLine(_anchor(data["start"]), _anchor(data["end"]), bool(data.get("extended", False)))
        case "zone":
            return Zone(float(data["low"]), float(data["high"]), _time(data.get("since")), _time(data.get("until")))
        case "note":
            return Note(_anchor(data["where"]))
    raise ValueRefused(f"no drawing is a {str(data['kind'])[:40]!r}; there are {', '.join(KINDS)}")


def _rebuilt(shape: Shape, places: list[Anchor]) -> Shape:
    match shape:
        case Level():
            return Level(places[0].price)
        case TrendLine():
            return replace(shape, start=places[0], end=places[1])
        case Zone():
            return Zone(places[0].price, places[1].price, places[0].at, places[1].at)
        case Note():
            return Note(places[0])


def _anchor(data: Mapping[str, Any]) -> Anchor:
    return Anchor(_time(data["at"]), float(data["price"]))


def _anchor_json(anchor: Anchor) -> dict[str, Any]:
    return {"at": _ms(anchor.at), "price": anchor.price}


def _time(ms: Any) -> datetime | None:
    return None if ms is None else _EPOCH + timedelta(milliseconds=int(ms))


def _ms(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    if at.utcoffset() is None:
        raise ValueRefused(f"a drawing's time carries its zone (UTC), got {at!r}")
    return _time(_ms(at.astimezone(UTC)))


def _check_price(price: float) -> None:
    if not (isinstance(price, int | float) and math.isfinite(price) and price > 0):
        raise ValueRefused(f"a drawing's price is a finite number above 0, got {price!r}")


def _check_text(text: str, what: str) -> None:
    for letter in text:
        if letter in _TURNS or (unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n"):
            raise ValueRefused(f"{what} holds the character U+{ord(letter):04X}, which cannot be shown; leave it out")


def _order(zone: Zone, first: str, last: str) -> None:
    one, other = getattr(zone, first), getattr(zone, last)
    if one is not None and other is not None and one > other:
        object.__setattr__(zone, first, other)
        object.__setattr__(zone, last, one)
