"""Chart patterns as a user means them: windows that were labelled, what they stand for, where it was found again.

Times are UTC *open* times of closed bars. Prices are in quote currency, volume in base currency.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.orders import Side

FEWEST_BARS, MOST_BARS = 8, 2000
LONGEST_NAME, LONGEST_NOTE = 60, 2000

Bar = tuple[float, float, float, float, float]
"""open, high, low, close, volume"""


class Outcome(StrEnum):
    """How a labelled window ended for whoever entered at its last close."""

    SUCCESS = "success"
    FAILURE = "failure"
    OPEN = "open"  # not known yet, or not said


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """What counts as success: `target` reached before `stop` within `horizon` bars of entering at the window's last
    close. Fractions of that close; at the end of the horizon the return after `cost` (a round trip, fraction) decides.
    """

    side: Side = Side.BUY
    target: float = 0.03
    stop: float = 0.015
    horizon: int = 24
    cost: float = 0.002

    def __post_init__(self) -> None:
        if not (0 < self.target < 10 and 0 < self.stop < 1):
            raise ValueRefused(f"target and stop are fractions above 0 (stop below 1), got {self.target}, {self.stop}")
        if not (1 <= self.horizon <= 100_000 and 0 <= self.cost < 1):
            raise ValueRefused(f"horizon is 1 bar or more, cost in [0, 1); got {self.horizon}, {self.cost}")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One labelled window. `bars`: the window itself, oldest first, so that it can be learned from anywhere.

    seen_until : open time of the newest bar that was on the chart when it was labelled; what comes after it is out of
    sample. shared : its user consents that others learn from it. outcome, rule : how it ended, and by which rule (None:
    the user said so).
    """

    annotation_id: str
    user_id: str
    pattern: str
    symbol: str
    timeframe: Timeframe
    first_at: datetime
    last_at: datetime
    bars: tuple[Bar, ...] = field(repr=False)
    seen_until: datetime
    outcome: Outcome = Outcome.OPEN
    rule: OutcomeRule | None = None
    note: str = ""
    shared: bool = False

    def __post_init__(self) -> None:
        who = f"annotation {self.annotation_id!r}"
        pattern_name(self.pattern)
        if not self.annotation_id or not self.user_id:
            raise ValueRefused(f"{who} needs an id and a user, got user {self.user_id!r}")
        if len(self.note) > LONGEST_NOTE:
            raise ValueRefused(f"{who}: a note has at most {LONGEST_NOTE} characters, got {len(self.note)}")
        if not FEWEST_BARS <= len(self.bars) <= MOST_BARS:
            raise ValueRefused(f"{who}: a window has {FEWEST_BARS} to {MOST_BARS} bars, got {len(self.bars)}")
        if not self.first_at < self.last_at <= self.seen_until:
            times = f"{self.first_at}, {self.last_at}, {self.seen_until}"
            raise ValueRefused(f"{who}: first bar, last bar and newest bar seen must come in that order, got {times}")
        for at, bar in enumerate(self.bars):
            _check_bar(bar, f"{who}, bar {at}")


def pattern_name(name: str) -> str:
    """`name` without spaces around it. Raises ValueRefused where it cannot name a pattern."""
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise ValueRefused(f"a pattern's name has 1 to {LONGEST_NAME} printable characters, got {name[:80]!r}")
    if plain != name:
        raise ValueRefused(f"a pattern's name has no spaces around it, got {name!r}")
    return plain


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a user calls by one name: how many windows they labelled, and how those ended."""

    name: str
    labels: int
    successes: int
    failures: int
    rule: OutcomeRule | None  # of the newest label that has one
    newest_seen: datetime


@dataclass(frozen=True, slots=True)
class Likeness:
    """One of the user's own windows, and how near it is: correlation of shapes in [-1, 1]."""

    annotation_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """A window in which a pattern was found, decided at the close of its last bar and never changed by later ones.

    probability : calibrated, that a user would call it so. p_value : share of unlabelled history at least as like it.
    nearest : the user's own most similar windows, most similar first.
    """

    pattern: str
    symbol: str
    timeframe: Timeframe
    first_at: datetime
    last_at: datetime
    probability: float
    p_value: float
    nearest: tuple[Likeness, ...] = ()

    def __post_init__(self) -> None:
        if not (0 <= self.probability <= 1 and 0 <= self.p_value <= 1):
            raise ValueRefused(
                f"{self.pattern} in {self.symbol}: probabilities lie in [0, 1], got {self.probability}, {self.p_value}"
            )


def _check_bar(bar: Bar, who: str) -> None:
    if len(bar) != 5 or not all(math.isfinite(value) for value in bar):
        raise ValueRefused(f"{who} must be five finite numbers (open, high, low, close, volume), got {bar}")
    opened, high, low, close, volume = bar
    if not 0 < low <= min(opened, close) <= max(opened, close) <= high or volume < 0:
        raise ValueRefused(f"{who} is not a candle (open, high, low, close, volume): {bar}")
