"""Setups that somebody watches: which market, which kind, since when. What became of them follows from the bars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.domain.drawings import Board, TrendLine, from_json, to_json
from workbench.domain.drawings import Drawing as _Drawing
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe

ARMED, CHANGED, DROPPED = "SetupArmed", "SetupChanged", "SetupDropped"
KINDS = ("breakout", "retest", "range", "line")


@dataclass(frozen=True, slots=True)
class TrackedSetup:
    """`armed_at` : close of the newest bar that was known when it was armed, UTC. side : +1 long, −1 short. line : the
    drawn trend line whose break is waited for."""

    setup_id: str
    board: Board
    kind: str
    armed_at: datetime
    side: int = 1
    line: TrendLine | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.side not in (1, -1):
            raise ValueRefused(
                f"a setup is one of {', '.join(KINDS)}, up (1) or down (-1); got {self.kind}, {self.side}"
            )

    @property
    def name(self) -> str:
        direction = "" if self.kind == "range" else " up" if self.side > 0 else " down"
        return f"{'trend-line break' if self.kind == 'line' else self.kind}{direction}"


def setup_json(setup: TrackedSetup) -> dict[str, Any]:
    """As JSON data."""
    board = setup.board
    whose = {"user": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}
    line = to_json(_Drawing("line", board, setup.line))["shape"] if setup.line else None
    rest = {"kind": setup.kind, "side": setup.side, "armed_at": setup.armed_at.isoformat(), "line": line}
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
    return TrackedSetup(data["setup_id"], board, data["kind"], armed_at, data["side"], line)
