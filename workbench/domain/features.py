"""What bots offer for learning: named numbers of one closed bar, from which the joint model may learn."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe

MOST = 16
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class BotFeatures:
    """One bot's reading of one closed bar.

    values : name → number, None (or NaN, which becomes it) where the bot does not know; at most MOST. Best without a
    scale of their own, so that markets can be learned from together. seen_at : close of the newest candle used, UTC.
    """

    bot_id: str
    symbol: str
    timeframe: Timeframe
    values: Mapping[str, float | None]
    seen_at: datetime

    def __post_init__(self) -> None:
        who = f"features of {self.bot_id} for {self.symbol}"
        if not 0 < len(self.values) <= MOST:
            raise ValueRefused(f"{who}: {len(self.values)} of them; offer 1 to {MOST}")
        for name, value in self.values.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueRefused(f"{who}: {str(name)[:40]!r} is no name; use up to 32 of a–z, 0–9 and '_'")
            if value is not None and (not isinstance(value, int | float) or math.isinf(value)):
                raise ValueRefused(f"{who}: {name} must be a finite number, or None where it is unknown, got {value!r}")
        if self.seen_at.utcoffset() != UTC.utcoffset(None):
            raise ValueRefused(f"{who}: seen_at must be UTC, got {self.seen_at}")
        known = {
            name: None if value is None or math.isnan(value) else float(value) for name, value in self.values.items()
        }
        object.__setattr__(self, "values", known)
