"""Profit by calendar day, week and month, as a clock on somebody's wall shows them. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum


class Unit(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """What was earned in one calendar day, week or month, which begins on `first_day`."""

    first_day: date
    profit: float
    trades: int
    wins: int


def by_period(closed_at: Sequence[datetime], profits: Sequence[float], zone: tzinfo, unit: Unit) -> list[Period]:
    """Periods in which a trade was closed, oldest first; their profits sum to that of all trades.

    closed_at : aware times. profits : as many, in one currency, finite. A trade counts where it closed, by the local
    date in `zone`: a day of a clock change has 23 or 25 hours. Weeks begin on Monday.
    """
    earned: dict[date, list[float]] = {}
    for at, profit in zip(closed_at, profits, strict=True):
        earned.setdefault(first_day(at.astimezone(zone).date(), unit), []).append(profit)
    return [
        Period(day, math.fsum(gains), len(gains), sum(gain > 0 for gain in gains))
        for day, gains in sorted(earned.items())
    ]


def first_day(day: date, unit: Unit) -> date:
    """The day on which the period of `day` begins."""
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit is Unit.MONTH else day
