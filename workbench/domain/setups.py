"""Setups that somebody watches: which market, which kind, since when. What became of them follows from the bars."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from workbench.domain.drawings import Board, TrendLine, from_json, to_json
from workbench.domain.drawings import Drawing as _Drawing
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe

ARMED, CHANGED, DROPPED = "SetupArmed", "SetupChanged", "SetupDropped"
KINDS = ("breakout", "retest", "range", "line", "pattern")


@dataclass(frozen=True, slots=True)
class AlarmRate:
    """How often a pattern is recognised where nobody labelled it: shares of bars at which it would trigger.

    bars : unlabelled bars it was measured on. nominal : what the bar was raised for. before : at the likeness `least`
    that the examples alone ask for. after : at the likeness in use, measured on bars that did not set it; stretches :
    how many runs of bars that was. known, kept : of the examples, those that another one recognises at the likeness
    before, and in use.
    """

    nominal: float
    bars: int
    least: float
    before: float
    after: float
    stretches: int
    known: int
    kept: int


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled windows of one pattern as they were when a setup was armed: what recognises it does not change under it.

    shapes : of each window (`workbench.quant.shapes`). lengths : bars that a window may have. least : the likeness with
    one of them, a correlation, from which it counts. stop, target : fractions of the close at which it is recognised.
    alarms : how often it is wrong; None where there were too few bars to say.
    """

    pattern: str
    shapes: tuple[tuple[float, ...], ...]
    lengths: tuple[int, ...]
    least: float
    stop: float
    target: float
    alarms: AlarmRate | None = None


@dataclass(frozen=True, slots=True)
class TrackedSetup:
    """`armed_at` : close of the newest bar that was known when it was armed, UTC. side : +1 long, −1 short. line : the
    drawn trend line whose break is waited for. examples : of the pattern that is waited for."""

    setup_id: str
    board: Board
    kind: str
    armed_at: datetime
    side: int = 1
    line: TrendLine | None = None
    examples: Examples | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.side not in (1, -1):
            raise ValueRefused(
                f"a setup is one of {', '.join(KINDS)}, up (1) or down (-1); got {self.kind}, {self.side}"
            )
        if (self.kind == "pattern") != (self.examples is not None):
            raise ValueRefused("a setup of kind pattern has examples of it, and no other kind has")

    @property
    def name(self) -> str:
        direction = "" if self.kind == "range" else " up" if self.side > 0 else " down"
        kind = f"pattern {self.examples.pattern}" if self.examples else self.kind
        return f"{'trend-line break' if self.kind == 'line' else kind}{direction}"


def setup_json(setup: TrackedSetup) -> dict[str, Any]:
    """As JSON data."""
    board = setup.board
    whose = {"user": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}
    line = to_json(_Drawing("line", board, setup.line))["shape"] if setup.line else None
    rest = {"kind": setup.kind, "side": setup.side, "armed_at": setup.armed_at.isoformat(), "line": line}
    if setup.examples:
        rest["examples"] = asdict(setup.examples)
    return {"setup_id": setup.setup_id, **whose, **rest}


def setup_from(data: Mapping[str, Any]) -> TrackedSetup:
    """Read what `setup_json` wrote."""
    board = Board(data["user"], data["symbol"], Timeframe.parse(data["timeframe"]))
    line = None
    if data.get("line"):
        whose = {"user": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}
        shape = from_json({"id": "line", **whose, "shape": data["line"]}).shape
        line = shape if isinstance(shape, TrendLine) else None
    armed_at = datetime.fromisoformat(data["armed_at"])
    examples = _examples_from(data["examples"]) if data.get("examples") else None
    return TrackedSetup(data["setup_id"], board, data["kind"], armed_at, data["side"], line, examples)


def _examples_from(data: Mapping[str, Any]) -> Examples:
    shapes = tuple(tuple(float(value) for value in shape) for shape in data["shapes"])
    least, stop, target = (float(data[name]) for name in ("least", "stop", "target"))
    alarms = AlarmRate(**data["alarms"]) if data.get("alarms") else None
    lengths = tuple(int(bars) for bars in data["lengths"])
    return Examples(str(data["pattern"]), shapes, lengths, least, stop, target, alarms)
