"""The slow obvious twin of `domain.cron`: walk the world's minutes one by one and read the wall clock at each."""

from datetime import UTC, timedelta

MINUTE = timedelta(minutes=1)


def due_times(cron, zone, after, until):
    """Due times in (after, until], both at whole minutes UTC."""
    found, at = [], after
    while at < until:
        before, at = at, at + MINUTE
        was, now = before.astimezone(zone), at.astimezone(zone)
        wall, missing = was.replace(tzinfo=None), []
        while wall + MINUTE < now.replace(tzinfo=None):  # what the clock skips
            wall += MINUTE
            missing.append(wall)
        again = now.fold == 1 and now.replace(fold=0).utcoffset() != now.utcoffset() and not cron.hourly
        if (cron.matches(now) and not again) or any(cron.matches(reading) for reading in missing):
            found.append(at.astimezone(UTC))
    return found
