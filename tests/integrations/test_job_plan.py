"""Clocks that change, are set, and stand still: nothing runs twice, nothing is lost, and what is skipped is said."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.domain.cron import parse_cron
from workbench.integrations.job_plan import decide

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)
HOUR, DAY, LOOK = timedelta(hours=1), timedelta(days=1), timedelta(minutes=13)
CRONS = ("0 7 * * *", "30 2 * * *", "0 * * * *", "*/15 * * * *", "30 1-3 * * *")
JUMPS = st.sampled_from([timedelta(0), HOUR, -HOUR, 3 * DAY, -3 * DAY, -timedelta(seconds=2)])
STEPS = st.lists(st.tuples(st.integers(1, 60), JUMPS, st.booleans()), min_size=1, max_size=25)


class Desk:
    """What the ledger keeps of one job, and a clock that somebody sets. While it is off nobody looks."""

    def __init__(self, text, start):
        self.cron, self.now, self.runs, self.skipped = parse_cron(text), start, [], []
        self.decided_until, self.passed = None, set()
        self.look()

    def look(self):
        found = decide(self.cron, BERLIN, self.decided_until, self.now, lambda dues: set(dues) & set(self.runs))
        self.runs += [found.due] if found.due else []
        self.skipped += found.skipped
        self.decided_until = found.decided_until or self.decided_until

    def wait(self, how_long, jump=timedelta(0), looking=True):
        """Time goes by in looks, then somebody sets the clock."""
        end = self.now + how_long
        while looking and self.now < end:
            self._forward(min(self.now + LOOK, end))
            self.look()
        self._forward(end + jump)
        self.look()

    def _forward(self, to):
        self.passed |= set(self.cron.between(self.now, to, BERLIN)) if to > self.now else set()
        self.now = to


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CRONS), st.sampled_from([SPRING, AUTUMN]), STEPS)
@example(CRONS[1], SPRING, [(60, HOUR, True), (60, -HOUR, True), (60, timedelta(0), True)])
@example(CRONS[3], AUTUMN, [(20, 3 * DAY, True), (20, -3 * DAY, True), (60, timedelta(0), True)])
def test_whatever_happens_to_the_clock_nothing_runs_twice_and_nothing_is_lost(text, start, steps):
    desk = Desk(text, start)

    for minutes, jump, looking in steps:
        desk.wait(timedelta(minutes=minutes), jump, looking)

    assert len(desk.runs) == len(set(desk.runs))
    assert desk.passed <= {*desk.runs, *desk.skipped}
    assert {*desk.runs, *desk.skipped} <= desk.passed


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CRONS), st.sampled_from([SPRING, AUTUMN]), st.integers(0, 400))
def test_a_desk_that_looks_often_enough_skips_nothing_over_a_change_of_clocks(text, start, minutes):
    desk = Desk(text, start + timedelta(minutes=minutes))

    desk.wait(DAY)

    assert desk.skipped == []
    assert desk.runs == desk.cron.between(start + timedelta(minutes=minutes), desk.now, BERLIN)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CRONS), st.sampled_from([SPRING, AUTUMN]))
def test_a_clock_that_ran_ahead_costs_no_run_once_it_is_right_again(text, start):
    desk = Desk(text, start)

    desk.wait(HOUR, 3 * DAY)
    desk.wait(timedelta(minutes=5), -3 * DAY)
    desk.wait(2 * DAY)

    assert set(desk.cron.between(start, start + 2 * DAY, BERLIN)) <= set(desk.runs)


def test_three_days_away_are_made_up_for_once_and_the_rest_is_counted():
    desk = Desk("0 * * * *", SPRING)

    desk.wait(3 * DAY, looking=False)

    assert (len(desk.runs), len(desk.skipped)) == (1, 71)
    assert desk.runs[0] == SPRING + 3 * DAY


def test_a_job_seen_for_the_first_time_makes_up_for_nothing():
    found = decide(parse_cron("@hourly"), BERLIN, None, SPRING, lambda dues: ())

    assert (found.due, found.decided_until) == (None, SPRING)
