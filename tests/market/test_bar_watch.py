"""The deciding half of the live feed, under every disorder a wire can bring."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_venue import STEP, bar, forming
from workbench.market.bar_watch import BarWatch

BARS = 12
PARTS = (0.2, 0.6, 1.0)


@dataclass
class World:
    """What really happened, and a venue whose REST never lies: `at` counts words spoken so far."""

    missing: frozenset
    words: list = field(default_factory=list)

    def __post_init__(self):
        for n in range(BARS):
            if n not in self.missing:
                self.words += [(n, part) for part in PARTS]

    def rows(self, at, since):
        """REST after `at` words: whole bars, then the forming one."""
        found = {n: bar(n) if part == 1 else forming(n, part) for n, part in self.words[:at]}
        return [row for n, row in sorted(found.items()) if n * STEP >= since]

    def clock(self, at):
        if not at:
            return 0
        n, part = self.words[at - 1]
        return n * STEP + int(part * STEP)

    @property
    def truth(self):
        return [bar(n) for n in range(BARS) if n not in self.missing]


@dataclass
class Reader:
    """Takes what the watch tells, and holds it to its promises on the way."""

    watch: BarWatch
    table: dict = field(default_factory=dict)

    def take(self, told):
        for row in told.closed:
            assert row[0] not in self.table, "told twice"
            assert not self.table or row[0] > max(self.table), "told out of order"
            self.table[row[0]] = row
        for row in told.amended:
            assert row[0] in self.table
            self.table[row[0]] = row

    def mend(self, world, at, tells_clock):
        need = self.watch.need()
        if need is not None:
            rows = world.rows(at, need.since_ms or 0)
            self.take(self.watch.read(need, rows, world.clock(at) if tells_clock else None))


def say(word, flags):
    n, part = word
    return (bar(n) if part == 1 else forming(n, part)), flags and part == 1


FATES = ("heard", "heard", "heard", "lost", "twice", "late", "cut", "mended")


@settings(max_examples=300, deadline=None)
@given(
    st.sets(st.integers(0, BARS - 1), max_size=5),
    st.lists(st.sampled_from(FATES), min_size=BARS * len(PARTS), max_size=BARS * len(PARTS)),
    st.integers(0, 20),
    st.booleans(),
)
def test_every_bar_is_told_once_in_order_and_whole(missing, fates, started_at, tells_clock):
    world = World(frozenset(missing))
    reader = Reader(BarWatch(STEP, flags=True))
    held = []

    for at, (word, fate) in enumerate(zip(world.words, fates, strict=False), start=1):
        if at == started_at:
            reader.mend(world, at, True)
        row, final = say(word, True)
        if fate == "lost":
            continue
        if fate == "cut":
            reader.watch.cut()
            continue
        if fate == "late":
            held.append((row, final))
            continue
        for _ in range(2 if fate == "twice" else 1):
            reader.take(reader.watch.heard(row, final, world.clock(at)))
        if fate == "mended":
            reader.mend(world, at, tells_clock)
        while held:
            reader.take(reader.watch.heard(*held.pop(0)))
        assert all(row == bar(row[0] // STEP) for row in reader.table.values()), "a bar was told unfinished"
    drain(reader, world)

    first = min(reader.table, default=0)
    assert list(reader.table.values()) == [row for row in world.truth if row[0] >= first]
    assert not world.truth or reader.table


@settings(max_examples=300, deadline=None)
@given(
    st.sets(st.integers(0, BARS - 1), max_size=5),
    st.lists(st.sampled_from(FATES), min_size=36, max_size=36),
)
def test_where_no_venue_says_final_what_was_told_early_is_put_right(missing, fates):
    world = World(frozenset(missing))
    reader = Reader(BarWatch(STEP, flags=False))
    held = []

    reader.mend(world, 1, True)
    for at, (word, fate) in enumerate(zip(world.words, fates, strict=False), start=1):
        row, _ = say(word, False)
        if fate == "late":
            held.append(row)
            continue
        if fate == "cut":
            reader.watch.cut()
            held.clear()
            continue
        if fate == "lost":
            continue
        for _ in range(2 if fate == "twice" else 1):
            reader.take(reader.watch.heard(row))
        if fate == "mended":
            reader.mend(world, at, False)
        while held:
            reader.take(reader.watch.heard(held.pop(0)))
    drain(reader, world)

    first = min(reader.table, default=0)
    assert list(reader.table.values()) == [row for row in world.truth if row[0] >= first]


def drain(reader, world):
    """The wire has fallen silent and REST answers until nothing is wanted."""
    at = len(world.words)
    if reader.watch.flags:
        reader.watch.cut()
    reader.watch.moved(world.clock(at))
    for _ in range(2 * BARS):
        if reader.watch.need() is None:
            return
        reader.mend(world, at, True)
    pytest.fail(f"still wanted after many answers: {reader.watch.need()}")


def started(flags=True):
    watch = BarWatch(STEP, flags)
    watch.read(watch.need(), [bar(8), bar(9), forming(10, 0.1)], 10 * STEP + 1)
    return watch


def test_history_holds_no_forming_bar():
    watch = BarWatch(STEP, True)

    told = watch.read(watch.need(), [bar(8), bar(9), forming(10, 0.5)], None)

    assert told.closed == [bar(8), bar(9)]
    assert watch.need() is None


def test_an_answer_is_judged_by_the_clock_before_it_was_asked():
    watch = started()
    watch.cut()
    need = watch.need()
    half = forming(10, 0.5)

    watch.heard(forming(11, 0.1), False, 11 * STEP + 5)  # time passes while the answer travels
    told = watch.read(need, [bar(9), half], None)

    assert told.closed == []


def test_the_word_of_another_symbol_brings_a_silent_one_to_be_read():
    watch = started()

    watch.moved(12 * STEP)

    assert watch.need() is not None
    assert not watch.need().urgent


def test_a_silent_market_is_asked_once_a_bar_not_once_a_word():
    watch = started()
    watch.heard(bar(10), True, 11 * STEP)
    watch.moved(13 * STEP)
    need = watch.need()

    watch.read(need, [bar(10)], None)

    assert watch.need() is None
    watch.moved(13 * STEP + 59_000)
    assert watch.need() is None
    watch.moved(14 * STEP)
    assert watch.need() is not None


def test_an_empty_answer_settles_nothing():
    watch = started()
    watch.heard(forming(13, 0.2), False, 13 * STEP)
    need = watch.need()

    watch.read(need, [], None)

    assert watch.need() == need
    assert watch.known_to_ms == 10 * STEP


def test_a_market_without_bars_begins_at_the_venues_time():
    watch = BarWatch(STEP, True)

    watch.read(watch.need(), [], 10 * STEP + 5)

    assert watch.heard(bar(10), True, 11 * STEP).closed == [bar(10)]


def test_a_bar_cut_off_half_way_is_not_told_when_a_newer_one_appears():
    watch = started(flags=False)
    watch.heard(forming(10, 0.5))
    watch.cut()

    assert watch.heard(forming(11, 0.2)).closed == []
    assert watch.need().urgent
    assert watch.read(watch.need(), [bar(9), bar(10), forming(11, 0.2)], None).closed == [bar(10)]


def test_an_older_word_never_overrules_a_newer_one():
    watch = started(flags=False)
    watch.heard(forming(10, 0.8))

    watch.heard(forming(10, 0.4))

    assert watch.heard(forming(11, 0.1)).closed == [forming(10, 0.8)]
    assert watch.heard(forming(10, 0.6)).amended == []
    assert watch.heard(bar(10)).amended == [bar(10)]


def test_a_bar_that_rest_does_not_list_holds_nothing_up():
    watch = started()
    watch.heard(forming(11, 0.1), False, 11 * STEP)
    watch.heard(bar(13), True, 14 * STEP)

    told = watch.read(watch.need(), [bar(10), bar(13), forming(14, 0.1)], None)

    assert told.closed == [bar(10), bar(13)]


def test_an_answer_older_than_the_stream_takes_nothing_back():
    watch = started()
    watch.heard(forming(11, 0.1), False, 11 * STEP)
    need = watch.need()
    watch.heard(bar(11), True, 12 * STEP)

    told = watch.read(need, [bar(10), forming(11, 0.5)], None)

    assert told.closed == [bar(10), bar(11)]


def test_a_venue_that_lags_behind_its_own_stream_loses_no_bar():
    watch = started()
    watch.heard(bar(13), True, 15 * STEP)

    lagging = watch.read(watch.need(), [bar(9)], None)
    late_word = watch.heard(bar(10), True, 15 * STEP)
    caught_up = watch.read(watch.need(), [bar(n) for n in range(10, 14)], None)

    assert lagging.closed == []
    assert late_word.closed == [bar(10)]
    assert caught_up.closed == [bar(n) for n in range(11, 14)]


def test_after_a_cut_the_last_told_bars_are_read_again_and_put_right():
    watch = started()
    watch.heard(forming(10, 0.9), True, 11 * STEP)  # a venue that corrects itself while we are away
    watch.cut()
    need = watch.need()

    told = watch.read(need, [bar(8), bar(9), bar(10), forming(11, 0.1)], None)

    assert need.since_ms <= 9 * STEP
    assert told.amended == [bar(10)]
    assert told.closed == []


def test_what_was_heard_before_history_begins_is_not_told_after_it():
    watch = BarWatch(STEP, True)
    watch.heard(bar(3), True, 4 * STEP)

    told = watch.read(watch.need(), [bar(8), bar(9), forming(10, 0.1)], None)

    assert told.closed == [bar(8), bar(9)]
