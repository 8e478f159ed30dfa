"""Which due time of a job runs now. Pure: the clock, and what the ledger knows, are arguments."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workbench.domain.cron import Cron

LATE = timedelta(seconds=60)  # later than this, a run is said to be caught up
Known = Callable[[Sequence[datetime]], Iterable[datetime]]


@dataclass(frozen=True, slots=True)
class Decision:
    """`due`: what to run now, None for nothing. `skipped`: due times that passed unseen and are not made up for.
    `decided_until`: what to remember, None for no change. `turned_back`: how far the clock was set back."""

    due: datetime | None = None
    skipped: tuple[datetime, ...] = ()
    decided_until: datetime | None = None
    late: bool = False
    turned_back: timedelta = timedelta(0)


def decide(cron: Cron, zone: ZoneInfo, decided_until: datetime | None, now: datetime, known: Known) -> Decision:
    """The newest due time up to `now` that has no run yet; older ones are skipped, for one brief is enough.

    decided_until : as remembered; None: the job is seen for the first time, and nothing before now is made up for.
    known : which of some due times have a run. Where the clock was set back, due times come again as it passes them,
    and those that had a run are `known`; so none runs twice, and one that was skipped too early gets its turn.
    """
    if decided_until is None:
        return Decision(decided_until=now)
    if now < decided_until:
        return Decision(decided_until=now, turned_back=decided_until - now)
    passed = cron.between(decided_until, now, zone)
    if not passed:
        return Decision()
    before = set(known(passed))
    fresh = [due for due in passed if due not in before]
    if not fresh:
        return Decision(decided_until=passed[-1])
    *skipped, due = fresh
    return Decision(due, tuple(skipped), passed[-1], bool(skipped) or now - due > LATE)
