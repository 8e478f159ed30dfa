"""When a job is due: five cron fields in a time zone. Pure.

Minute, hour, day of month, month, day of week; `*`, lists, ranges, steps, names (`mon`, `jan`), 7 as Sunday, and
@hourly, @daily, @weekly, @monthly, @yearly. Where days of month and of week are both restricted, either will do.

When clocks change: a time that a change skips comes at the first moment after it, and times that fall on the same
moment come once. A time that happens twice comes at its first; where the hour is `*` or `*/n` the job goes by elapsed
time, and comes in both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from workbench.domain.errors import ValueRefused

_DAY = timedelta(days=1)
_FURTHEST = 3000  # days: 29 February may be eight years away
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day", 1, 31, ()), ("month", 1, 12, _MONTHS))
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cron:
    """`hourly`: the hour is not restricted, so the job goes by elapsed time. Week days count from Sunday, 0."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    hourly: bool

    def on(self, day: date) -> bool:
        """Does the job run on this day of the calendar?"""
        weekday = day.isoweekday() % 7 in self.weekdays
        by_day = day.day in self.days
        return day.month in self.months and (by_day or weekday if self.either else by_day and weekday)

    def matches(self, local: datetime) -> bool:
        """Is the job due at this reading of the wall clock?"""
        return self.on(local.date()) and local.hour in self.hours and local.minute in self.minutes

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first due time after `after`, both UTC; None where there is none within eight years."""
        start = after.astimezone(zone).date() - _DAY
        for number in range(_FURTHEST):
            day = start + number * _DAY
            late = [due for due in _due_on(self, day, zone) if due > after]
            if late:  # a change of clocks about midnight may put a moment of the next day before the last of this one
                return min([*late, *(due for due in _due_on(self, day + _DAY, zone) if due > after)])
        return None

    def between(self, after: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
        """Due times in (after, until], oldest first; of more than a year, those of its last year."""
        first = max(after, until - 366 * _DAY).astimezone(zone).date() - _DAY
        days = (until.astimezone(zone).date() + _DAY - first).days + 1
        found = {due for number in range(days) for due in _due_on(self, first + number * _DAY, zone)}
        return sorted(due for due in found if after < due <= until)


@lru_cache(maxsize=256)  # who looks every few seconds asks about the same three days again and again
def _due_on(cron: Cron, day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    if not cron.on(day):
        return ()
    midnight = datetime.combine(day, time())
    walls = [timedelta(hours=hour, minutes=minute) for hour in sorted(cron.hours) for minute in sorted(cron.minutes)]
    steady = _steady_offset(midnight, zone)
    if steady is not None:
        return tuple((midnight + wall - steady).replace(tzinfo=UTC) for wall in walls)
    return tuple(due for wall in walls for due in _moments(midnight + wall, zone, both=cron.hourly))


def _steady_offset(midnight: datetime, zone: ZoneInfo) -> timedelta | None:
    """The offset that holds all day, None on a day on which clocks change."""
    ends = [at.replace(tzinfo=zone, fold=fold).utcoffset() for at in (midnight, midnight + _DAY) for fold in (0, 1)]
    return ends[0] if len(set(ends)) == 1 else None


def _moments(wall: datetime, zone: ZoneInfo, both: bool) -> Iterator[datetime]:
    """When the wall clock reads `wall`, UTC: once; for a repeated time twice if asked, for a skipped one after it."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        yield first.astimezone(UTC)
    elif first.astimezone(UTC) < second.astimezone(UTC):  # the clock reads it twice
        yield first.astimezone(UTC)
        if both:
            yield second.astimezone(UTC)
    else:  # the clock never reads it
        yield _after_gap(second.astimezone(UTC), first.astimezone(UTC), zone)


def _after_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The moment between `low` and `high` from which the zone's offset is another, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def parse_cron(text: str) -> Cron:
    """Read five fields, or one of the @words. Raises ValueRefused naming the field that cannot be read."""
    fields = _NAMED.get(text.strip().lower(), text).lower().split()
    if len(fields) != 5:
        raise ValueRefused(
            f"cron {text!r} has {len(fields)} fields, not minute hour day month weekday; as in '0 7 * * *'"
        )
    minutes, hours, days, months = (
        _numbers(text, field, *known) for field, known in zip(fields[:4], _FIELDS, strict=True)
    )
    weekdays = {number % 7 for number in _numbers(text, fields[4], "weekday", 0, 7, _WEEKDAYS)}
    cron = Cron(
        text=" ".join(fields),
        minutes=frozenset(minutes),
        hours=frozenset(hours),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(weekdays),
        either=not fields[2].startswith("*") and not fields[4].startswith("*"),
        hourly=fields[1].startswith("*"),
    )
    if cron.next_after(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) is None:
        raise ValueRefused(f"cron {text!r} never comes: no such day is in the calendar")
    return cron


def _numbers(text: str, field: str, name: str, low: int, high: int, words: tuple[str, ...]) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise ValueRefused(f"cron {text!r}: {name} {part!r} cannot be read; write *, 5, 1-5, */15 or 1,15")
        if match["first"] == "*":
            first, last = low, high
        else:
            first = _number(text, match["first"], name, low, high, words)
            last = _number(text, match["last"], name, low, high, words) if match["last"] else first
            last = high if match["step"] and not match["last"] else last
        step = int(match["step"] or 1)
        if step < 1 or last < first:
            raise ValueRefused(f"cron {text!r}: {name} {part!r} means no time; a range rises and a step is 1 or more")
        found |= set(range(first, last + 1, step))
    return found


def _number(text: str, word: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    number = words.index(word) + low % 7 if word in words else int(word) if word.isdigit() else -1
    if not low <= number <= high:
        raise ValueRefused(f"cron {text!r}: {name} {word!r} lies outside {low} to {high}")
    return number


def parse_zone(name: str) -> ZoneInfo:
    """A zone of the IANA data base. Raises ValueRefused."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueRefused(f"no time zone is called {name!r}; write it as Europe/Berlin or UTC") from error
