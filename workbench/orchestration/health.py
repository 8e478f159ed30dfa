"""Is a bot live, ready and fresh? Three answers from what was heard of it. Pure; times UTC wall clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.domain.desk import Health, MarketClock
from workbench.domain.portfolio import BotStatus

LEAST_S = 10.0  # data younger than this is fresh whatever the bar length
BARS = 2.5  # data older than this many bars is stale: late enough for a bar without a trade, on screen within three
SKEW_S = 5.0  # how far ahead of our clock another machine's may run


@dataclass(frozen=True, slots=True)
class Pulse:
    """What was last heard of a bot. `error` is the newest failure since `answered_at`; `asked_at` the last attempt."""

    status: BotStatus | None = None
    answered_at: datetime | None = None
    asked_at: datetime | None = None
    latency_ms: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a pulse is held against. `bar_s`: the bot's bar length in market seconds; `silence_s`: how long ago a bot
    may have answered and still count as live; `market`: the venue's clock, None where it does not answer."""

    now: datetime
    bar_s: float
    silence_s: float
    market: MarketClock | None = None

    @property
    def limit_s(self) -> float:
        """The age in wall seconds at which data turns stale."""
        speed = self.market.speed if self.market and self.market.speed > 0 else 1.0
        return max(LEAST_S, BARS * self.bar_s / speed)


def judge(pulse: Pulse, by: Yardstick) -> Health:
    """Health from the pulse alone: a bot's own word for its state is not evidence that it works."""
    live, reason = _live(pulse, by)
    status = pulse.status
    age_s = (by.now - status.data_at).total_seconds() if status and status.data_at else None
    if not live:
        return Health(False, False, False, age_s, pulse.latency_ms, reason)
    if status is None:
        return Health(True, False, False, None, pulse.latency_ms, "it does not report a status")
    fresh, stale_reason = _fresh(status, age_s, by)
    not_ready = "" if status.ready else status.detail or "it says it is not ready"
    return Health(True, status.ready, fresh, age_s, pulse.latency_ms, not_ready or stale_reason)


def _live(pulse: Pulse, by: Yardstick) -> tuple[bool, str]:
    if pulse.asked_at is None:
        return False, "not asked yet"
    if pulse.error:
        return False, pulse.error
    if pulse.answered_at is None:
        return False, "it has not answered yet"
    silent_s = (by.now - pulse.answered_at).total_seconds()
    if silent_s > by.silence_s:
        return False, f"last heard {silent_s:,.0f} s ago"
    return True, ""


def _fresh(status: BotStatus, age_s: float | None, by: Yardstick) -> tuple[bool, str]:
    if age_s is None:
        return False, "no market data yet"
    if age_s < -SKEW_S:
        return False, f"its data carries a time {-age_s:,.0f} s ahead of this machine's clock"
    if age_s <= by.limit_s:
        return True, ""
    if _holds_the_newest(status, by):
        return True, ""
    return False, f"its newest data is {age_s:,.0f} s old; stale after {by.limit_s:,.0f} s"


def _holds_the_newest(status: BotStatus, by: Yardstick) -> bool:
    """A market that stands still sends nothing: then data is as young as can be if the bot has its last bars."""
    market = by.market
    if market is None or not (market.paused or market.ended) or status.market_time is None:
        return False
    return market.market_time - status.market_time <= timedelta(seconds=BARS * by.bar_s)
