"""Profit by period the slow way: for each day of the calendar, every trade is asked whether it closed within it."""

from datetime import UTC, datetime, time, timedelta


def midnight(day, zone):
    """The moment at which `day` begins on a clock in `zone`, UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def by_day(closed_at, profits, zone):
    """(day, profit, trades) of days with trades, oldest first."""
    if not closed_at:
        return []
    day, last = (at.astimezone(zone).date() for at in (min(closed_at), max(closed_at)))
    found = []
    while day <= last:
        begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        gains = [gain for at, gain in zip(closed_at, profits, strict=True) if begins <= at < ends]
        if gains:
            found.append((day, sum(gains), len(gains)))
        day += timedelta(days=1)
    return found
