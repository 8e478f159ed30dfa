"""How a window ended for whoever entered at its last close: target, stop, or the end of the horizon. Pure."""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import Outcome, OutcomeRule

HIGH, LOW, CLOSE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Ending:
    """`bars`: how many passed until it was decided; where it is open, how many have passed so far.

    by : 'target', 'stop', 'horizon', or 'time' while it is open. gain : fraction of the entry after costs, of the side
    taken; NaN while it is open.
    """

    outcome: Outcome
    by: str
    bars: int
    gain: float


def ending(entry: float, later: np.ndarray, rule: OutcomeRule) -> Ending:
    """How it ended, by `rule`.

    entry : close of the window's last bar. later : (n, 5) open, high, low, close, volume of the bars after it, oldest
    first, finite; bars beyond the horizon are never read. A bar that touches both levels counts as the stop; one that
    opens beyond a level pays its open. Raises ValueRefused where the entry is no price.
    """
    if not (np.isfinite(entry) and entry > 0):
        raise ValueRefused(f"an entry is a price above 0, got {entry}")
    seen = np.asarray(later, dtype=float).reshape(-1, 5)[: rule.horizon] / entry
    side = 1.0 if rule.side is Side.BUY else -1.0
    worst, best = (seen[:, LOW], seen[:, HIGH]) if side > 0 else (seen[:, HIGH], seen[:, LOW])
    stop, target = 1 - side * rule.stop, 1 + side * rule.target
    stopped, reached = _first(side * worst <= side * stop), _first(side * best >= side * target)
    if stopped is not None and (reached is None or not _opened_beyond(seen, side, stopped, reached, target)):
        paid = side * min(side * stop, side * seen[stopped, 0])
        return Ending(Outcome.FAILURE, "stop", stopped + 1, side * (paid - 1) - rule.cost)
    if reached is not None:
        paid = side * max(side * target, side * seen[reached, 0])
        return Ending(Outcome.SUCCESS, "target", reached + 1, side * (paid - 1) - rule.cost)
    if len(seen) < rule.horizon:
        return Ending(Outcome.OPEN, "time", len(seen), float("nan"))
    gain = side * (seen[-1, CLOSE] - 1) - rule.cost
    return Ending(Outcome.SUCCESS if gain > 0 else Outcome.FAILURE, "horizon", rule.horizon, float(gain))


def _opened_beyond(seen: np.ndarray, side: float, stopped: int, reached: int, target: float) -> bool:
    """Whether the target came first: in an earlier bar, or at the open of the bar that then fell to the stop."""
    return reached < stopped or (reached == stopped and side * seen[reached, 0] >= side * target)


def _first(where: np.ndarray) -> int | None:
    return int(np.argmax(where)) if where.any() else None
