"""How a window ended for whoever entered at its last close: target, stop, or the end of the horizon. Pure."""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import Outcome, OutcomeRule

OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3


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
    """How it ended, by `rule`, as `trade_outcomes.net_returns` counts it, with what decided and when.

    entry : close of the window's last bar. later : (n, 5) open, high, low, close, volume of the bars after it, oldest
    first, finite; bars beyond the horizon are never read. Where one bar reaches both, the stop counts; one that opens
    beyond the stop is left at its open, a target at its own price. Raises ValueRefused where the entry is no price.
    """
    if not (np.isfinite(entry) and entry > 0):
        raise ValueRefused(f"an entry is a price above 0, got {entry}")
    seen = np.asarray(later, dtype=float).reshape(-1, 5)[: rule.horizon]
    side = 1.0 if rule.side is Side.BUY else -1.0
    worst, best = (seen[:, LOW], seen[:, HIGH]) if side > 0 else (seen[:, HIGH], seen[:, LOW])
    goal, limit = entry * (1 + side * rule.target), entry * (1 - side * rule.stop)
    stopped, reached = _first(side * (worst - limit) <= 0), _first(side * (best - goal) >= 0)
    if stopped is not None and (reached is None or stopped <= reached):
        left = seen[stopped, OPEN] if side * (seen[stopped, OPEN] - limit) < 0 else limit
        return _ended("stop", stopped + 1, side * (left / entry - 1) - rule.cost)
    if reached is not None:
        return _ended("target", reached + 1, rule.target - rule.cost)
    if len(seen) < rule.horizon:
        return Ending(Outcome.OPEN, "time", len(seen), float("nan"))
    return _ended("horizon", rule.horizon, side * (seen[-1, CLOSE] / entry - 1) - rule.cost)


def _ended(by: str, bars: int, gain: float) -> Ending:
    return Ending(Outcome.SUCCESS if gain > 0 else Outcome.FAILURE, by, bars, float(gain))


def _first(where: np.ndarray) -> int | None:
    return int(np.argmax(where)) if where.any() else None
