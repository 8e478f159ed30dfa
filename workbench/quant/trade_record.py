"""What a list of finished trades amounts to: figures, and how their returns are spread. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOST_BINS = 24
STEPS = (1.0, 2.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Record:
    """Sums over `trades` trades, in their one currency. A figure without a meaning is None: a win rate of no trades, a
    profit factor without a loss."""

    trades: int
    wins: int
    losses: int
    total: float
    mean: float | None
    median: float | None
    best: float | None
    worst: float | None
    profit_factor: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """How many returns lie in each bin: `counts[i]` of [edges[i], edges[i + 1]). 0 is always an edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def record_of(profits: Sequence[float]) -> Record:
    """profits : of each trade after fees, in one currency, finite."""
    gains, losses = [p for p in profits if p > 0], [p for p in profits if p < 0]
    lost = -math.fsum(losses)
    total = math.fsum(profits)
    return Record(
        trades=len(profits),
        wins=len(gains),
        losses=len(losses),
        total=total,
        mean=total / len(profits) if profits else None,
        median=median(profits) if profits else None,
        best=max(profits, default=None),
        worst=min(profits, default=None),
        profit_factor=math.fsum(gains) / lost if lost > 0 else None,
    )


def spread_of(returns: Sequence[float]) -> Spread:
    """Returns in at most `MOST_BINS` bins of one round width. returns : fractions, finite."""
    if not returns:
        return Spread((), ())
    low, high = min(*returns, 0.0), max(*returns, 0.0)
    width = _round_width((high - low) / (MOST_BINS - 2))
    first, last = math.floor(low / width), math.floor(high / width)
    counts = [0] * (last - first + 1)
    for value in returns:
        counts[math.floor(value / width) - first] += 1
    edges = tuple(width * n for n in range(first, last + 2))
    return Spread(edges, tuple(counts))


def _round_width(least: float) -> float:
    """The first of 1, 2, 2.5, 5 times a power of ten that is not below `least`; a basis point where all are 0."""
    if least <= 0:
        return 1e-4
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in STEPS if step * power >= least), 10 * power)
