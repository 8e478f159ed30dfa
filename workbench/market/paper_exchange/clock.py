"""When the next step of a replay is due. Wall time arrives as an argument (seconds of a monotonic clock)."""

import math
from dataclasses import dataclass

from workbench.domain.errors import ExchangeError

MAX_SPEED = math.inf


def parse_speed(text: str | float) -> float:
    """Market seconds a wall second; 'max' is infinity. Raises ExchangeError."""
    try:
        speed = MAX_SPEED if str(text).strip().lower() == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise ExchangeError(f"speed {text!r} is not one; give a number above zero, or max")
    return speed


@dataclass
class Pace:
    """Market time against wall time: since `anchor_wall_s` it has run from `anchor_ms` at `speed`, unless paused."""

    speed: float
    anchor_ms: float
    anchor_wall_s: float
    paused: bool = False

    def wait_s(self, due_ms: int, wall_s: float) -> float:
        """Wall seconds until market moment `due_ms`; zero or less: it is due; infinity while paused."""
        if self.paused:
            return math.inf
        if self.speed == MAX_SPEED:
            return 0.0
        return self.anchor_wall_s + (due_ms - self.anchor_ms) / 1000 / self.speed - wall_s

    def anchor(self, moment_ms: float, wall_s: float) -> None:
        """Market time is `moment_ms` at this instant."""
        self.anchor_ms, self.anchor_wall_s = moment_ms, wall_s
