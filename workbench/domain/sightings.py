"""A pattern recognised on a bar that had just closed: what was said, before what came of it. Times UTC."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from workbench.domain.patterns import Outcome, OutcomeRule, Recognition

SEEN, ENDED = "PatternSeen", "PatternEnded"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a user's model said at `seen_at`, the close of the recognition's last bar in market time.

    version : of the model, as it is numbered and hashed. rule : by which it will be judged. fresh : the bar is newer
    than anything that was on the charts when that model's labels were made. outcome, gain : what came of it, open and
    NaN until it is known; a fraction of the entry, after costs.
    """

    user_id: str
    recognition: Recognition
    version: str
    seen_at: datetime
    rule: OutcomeRule = field(default_factory=OutcomeRule)
    fresh: bool = True
    outcome: Outcome = Outcome.OPEN
    gain: float = math.nan

    @property
    def key(self) -> str:
        """One text for one window of one pattern of one user: it is told once, whoever sees it again."""
        one = self.recognition
        return f"{self.user_id}|{one.pattern}|{one.symbol}|{one.timeframe}|{one.last_at.isoformat()}"

    @property
    def words(self) -> str:
        one = self.recognition
        near = f", {one.nearest[0].similarity:.0%} like one of theirs" if one.nearest else ""
        return f"{self.user_id}: {one.pattern} on {one.symbol} {one.timeframe}, probability {one.probability:.0%}{near}"
