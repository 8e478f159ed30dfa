"""The event log: numbered once, in order, never changed."""

import multiprocessing
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update

from tests.ledger.builders import AT, event, events
from tests.support.naive_ledger import NaiveLog
from workbench.domain.errors import LedgerError
from workbench.domain.events import Event
from workbench.ledger import schema


def test_append_numbers_events_from_one(ledger):
    numbered = ledger.append(events(3))

    assert [found.seq for found in numbered] == [1, 2, 3]
    assert ledger.read() == numbered


def test_what_is_read_is_what_was_appended(ledger, second):
    given_ = event(payload_text="ü€😀 'quoted\" \\ </script>", nested={"list": [1, 2.5, None, True, {"a": -0.0}]})

    ledger.append([given_])
    found = second.read()[0]

    assert {**asdict(found)} == {"seq": 1, **asdict(given_)}
    assert found.at.utcoffset() == timedelta(0)


def test_an_id_seen_before_keeps_its_old_number_and_content(ledger):
    first = ledger.append([event("fill-7", price=1.0)])[0]

    again = ledger.append([event("fill-7", price=2.0), event("fill-8")])

    assert again[0] == first
    assert [found.seq for found in again] == [1, 2]
    assert len(ledger.read()) == 2


def test_one_id_twice_in_a_batch_is_one_event(ledger):
    numbered = ledger.append([event("a", price=1.0), event("b"), event("a", price=9.0)])

    assert [found.seq for found in numbered] == [1, 2, 1]
    assert numbered[2].payload == {"price": 1.0}


def test_a_batch_is_recorded_whole_or_not_at_all(ledger):
    with pytest.raises(LedgerError, match=r"payload of event 'bad'\.price is nan"):
        ledger.append([event("good"), event("bad", price=float("nan"))])

    assert ledger.read() == []


def test_reading_goes_on_after_a_number_and_stops_at_the_limit(ledger):
    ledger.append(events(10))

    assert [found.seq for found in ledger.read(after=3, limit=4)] == [4, 5, 6, 7]
    assert ledger.read(after=10) == []


def test_kinds_are_filtered(ledger):
    ledger.append([event(f"e{n}", kind) for n, kind in enumerate(["fill", "halt", "fill", "note"])])

    assert [found.seq for found in ledger.read(kinds=["fill"])] == [1, 3]
    assert [found.seq for found in ledger.read(after=1, kinds=["fill", "note"])] == [3, 4]
    assert ledger.read(kinds=[]) == []
    assert [found.seq for found in ledger.last(1, kinds=["halt"])] == [2]


def test_last_gives_the_newest_oldest_first(ledger):
    ledger.append(events(10))

    assert [found.seq for found in ledger.last(3)] == [8, 9, 10]
    assert ledger.head() == 10


def test_an_event_is_found_by_its_id(ledger):
    numbered = ledger.append(events(3))

    assert ledger.event("e1") == numbered[1]
    assert ledger.event("never") is None


def test_cheap_events_are_seen_at_once_by_everybody(ledger, second):
    ledger.append(events(5), durable=False)

    assert len(second.read()) == 5


def test_nothing_to_append_is_nothing(ledger):
    assert ledger.append([]) == []


def test_more_ids_than_one_query_takes(ledger):
    ledger.append(events(1200))

    again = ledger.append(events(1300))

    assert [found.seq for found in again] == list(range(1, 1301))


@pytest.mark.parametrize("statement", [update(schema.events).values(kind="x"), delete(schema.events)])
def test_the_database_itself_refuses_to_change_the_past(ledger, statement):
    ledger.append(events(2))

    with pytest.raises(LedgerError, match="append-only"), ledger._store.write() as connection:
        connection.execute(statement)

    assert len(ledger.read()) == 2


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE events; --", '"', "%s %(x)s ? :x", "<b>bold</b>", "名前", "a" * 5000, "\\x00 {} $1"]
)
def test_names_are_text(ledger, name):
    ledger.append([event(name, kind=name, source=name, **{name: name})])

    found = ledger.read(kinds=[name])[0]

    assert (found.event_id, found.kind, found.source, found.payload) == (name, name, name, {name: name})
    assert ledger.event(name) == found


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (event(price=float("inf")), r"payload of event 'e1'\.price is inf"),
        (event(nested={"deep": [1, {"x": float("nan")}]}), r"\.nested\.deep\[1\]\.x is nan"),
        (event(at_=AT), "is a datetime, which JSON does not have"),
        (event(raw=b"x"), "is a bytes"),
        (event(some={1, 2}), "is a set"),
        (event(huge=2**63), "needs more than 64 bits"),
        (event(text="half \ud800"), "half of a surrogate pair"),
        (event(text="nul \0"), "NUL"),
        (event(api_key="abc"), "looks like a secret"),
        (event(keys={1: "a"}), "JSON keys are text"),
        (event(""), "event_id must not be empty"),
        (event("nul\0"), "event_id holds a NUL"),
        (event(kind=""), "kind of event 'e1' must not be empty"),
        (event(at=datetime(2024, 1, 1)), "a time with its zone"),
        (event(kind=None), "must be text, got NoneType"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused_by_name(ledger, broken, words):
    with pytest.raises(LedgerError, match=words):
        ledger.append([broken])

    assert ledger.read() == []


def test_other_zones_enums_and_mappings_become_plain(ledger):
    class Side(StrEnum):
        LONG = "long"

    east = timezone(timedelta(hours=5, minutes=30))
    ledger.append([event(at=AT.astimezone(east), side=Side.LONG, of=MappingProxyType({"a": (1, 2)}))])

    found = ledger.read()[0]

    assert found.at == AT
    assert found.payload == {"side": "long", "of": {"a": [1, 2]}}
    assert type(found.payload["side"]) is str


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(ledger, limit):
    with pytest.raises(LedgerError, match="limit must be 1 or more"):
        ledger.read(limit=limit)


def test_a_number_is_not_given_before_the_smaller_ones_are_visible(ledger, second):
    """The writer's turn lasts until its commit: a second writer waits, so no reader can run past an open number."""
    import threading

    done = []
    with ledger._store.write() as connection:
        connection.execute(text("SELECT 1"))
        other = threading.Thread(target=lambda: done.append(second.append([event("late")])))
        other.start()
        other.join(0.2)
        assert done == []
    other.join(10)

    assert done[0][0].seq == 1


def _append_in_fork(ledger, said):
    try:
        ledger.append([event()])
    except LedgerError as error:
        said.put(str(error))


def test_a_ledger_from_before_a_fork_is_refused(ledger):
    fork = multiprocessing.get_context("fork")
    said = fork.Queue()

    child = fork.Process(target=_append_in_fork, args=(ledger, said))
    child.start()
    child.join(20)

    assert "opened before a fork" in said.get(timeout=60)


ids = st.sampled_from("abcdefgh")
batches = st.lists(st.lists(st.tuples(ids, st.sampled_from(["fill", "halt"])), max_size=5), max_size=6)


@given(batches=batches, after=st.integers(0, 12), limit=st.integers(1, 6), kinds=st.sampled_from([None, ["halt"]]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_log_agrees_with_its_naive_twin(ledger, batches, after, limit, kinds):
    naive, base = NaiveLog(), ledger.head()  # one ledger for all examples: each starts where the last one ended
    prefix = f"example-{base}-"

    def shifted(found: list[Event]) -> list[tuple]:
        return [(one.seq - base, one.event_id, one.kind, one.payload) for one in found if one.seq > base]

    for batch in batches:
        new = [event(prefix + letter, kind, letter=letter, n=n) for n, (letter, kind) in enumerate(batch)]
        assert shifted(ledger.append(new, durable=False)) == naive.append(new)

    assert shifted(ledger.read(base + after, limit, kinds)) == naive.read(after, limit, kinds)
    assert shifted(ledger.last(limit, kinds)) == naive.last(limit, kinds)
