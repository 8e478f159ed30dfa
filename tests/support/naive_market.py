"""Slow and obvious twins of the market room's algorithms."""

from datetime import UTC, datetime, timedelta


def resample(bars, source, target, until=None):
    """`bars`: list of (opened_at, o, h, l, c, v). The same, one target bar after another, by the definition."""
    if until is None:
        until = bars[-1][0] + source.step if bars else datetime(1970, 1, 1, tzinfo=UTC)
    known = [bar for bar in bars if bar[0] + source.step <= until]
    found = []
    for opened in sorted({target.open_of(bar[0]) for bar in known}):
        if opened + target.step > until:
            continue
        inside = [bar for bar in known if opened <= bar[0] < opened + target.step]
        high, low = max(bar[2] for bar in inside), min(bar[3] for bar in inside)
        found.append((opened, inside[0][1], high, low, inside[-1][4], sum(bar[5] for bar in inside)))
    return found


def missing(times, step: timedelta):
    """Every open time between the first and the last of `times` that is not among them."""
    found, at = [], min(times)
    while at < max(times):
        if at not in times:
            found.append(at)
        at += step
    return found
