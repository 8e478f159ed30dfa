"""Annotations with the uninteresting parts filled in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation

HOUR = timedelta(hours=1)
FIRST = datetime(2024, 5, 1, tzinfo=UTC)
BARS = tuple((100.0 + n, 102.0 + n, 99.5 + n, 101.0 + n, 5.0) for n in range(12))


def annotation(annotation_id="a1", user_id="ann", pattern="flag", **changes):
    made = Annotation(
        annotation_id=annotation_id,
        user_id=user_id,
        pattern=pattern,
        symbol="BTC/USD",
        timeframe=Timeframe.parse("1h"),
        first_at=FIRST,
        last_at=FIRST + 11 * HOUR,
        bars=BARS,
        seen_until=FIRST + 20 * HOUR,
    )
    return replace(made, **changes)
