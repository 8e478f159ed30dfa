"""Which of several able bots to ask: the one whose answer is due soonest. Pure; times are seconds of one clock."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

Item = TypeVar("Item")
DECAY_S = 10.0  # how fast an old slow answer is forgotten, so that a bot that has recovered is tried again
FAILURE_S = 5.0  # an error counts as an answer at least this slow: failing fast must not attract work


@dataclass(slots=True)
class Load:
    """What one bot carries: calls under way, and its latency.

    The latency jumps up to a slower answer at once and decays towards faster ones over `DECAY_S` (a peak-sensitive
    moving average): slowness is learnt from one call, recovery from several.
    """

    outstanding: int = 0
    latency_s: float = 0.0
    measured_at: float = -math.inf

    def begin(self) -> None:
        self.outstanding += 1

    def end(self, took_s: float, ok: bool, now: float) -> None:
        """A call has ended after `took_s`."""
        self.outstanding -= 1
        seen = took_s if ok else max(took_s, FAILURE_S)
        keep = math.exp(-max(now - self.measured_at, 0.0) / DECAY_S)
        self.latency_s = seen if seen >= self.latency_s else seen + (self.latency_s - seen) * keep
        self.measured_at = now

    def cost(self, now: float) -> float:
        """Seconds until an answer to one more call may be expected; 0 for an idle bot never asked."""
        faded = self.latency_s * math.exp(-max(now - self.measured_at, 0.0) / DECAY_S)
        return (self.outstanding + 1) * faded + 1e-9 * self.outstanding


def choose(items: Sequence[Item], cost: Callable[[Item], float], rng: Random) -> Item:
    """The cheaper of two drawn at random.

    Two are enough to keep the longest queue near log log n (Mitzenmacher 2001), and unlike "always the cheapest" many
    askers with the same stale knowledge do not all run to one bot. `items` must not be empty.
    """
    if len(items) == 1:
        return items[0]
    first, second = rng.sample(items, 2)
    return second if cost(second) < cost(first) else first
