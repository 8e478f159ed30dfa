"""Announcements, equity curves, latest statuses."""

import time
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.builders import AT, TTL
from tests.support.naive_ledger import extremes_kept
from workbench.domain.errors import LedgerError
from workbench.domain.portfolio import EquityPoint
from workbench.ledger import thinning

MINUTE = timedelta(minutes=1)


@pytest.fixture
def tables(ledger):
    return ledger.tables


def point(minute=0, equity=10_000.0, currency="USD"):
    return EquityPoint(AT + minute * MINUTE, equity, currency)


def test_a_bot_that_announced_itself_is_found(ledger, second):
    said = ledger.tables.announce("trend", "http://127.0.0.1:1", ["forecast", "pause"], ["research"], TTL)

    assert second.tables.announced() == [said]
    assert said.capabilities == ("forecast", "pause")
    assert said.tags == ("research",)


def test_an_announcement_ends_by_the_databases_clock(tables):
    tables.announce("brief", "http://x", [], [], timedelta(milliseconds=100))
    tables.announce("lasting", "http://y", [], [], TTL)
    time.sleep(0.15)

    assert [bot.bot_id for bot in tables.announced()] == ["lasting"]


def test_announcing_again_replaces(tables):
    tables.announce("trend", "http://old", ["a"], [], TTL)
    tables.announce("trend", "http://new", ["b"], ["t"], TTL)

    assert [(bot.url, bot.capabilities, bot.tags) for bot in tables.announced()] == [("http://new", ("b",), ("t",))]


def test_an_announcement_can_be_taken_back(tables):
    tables.announce("trend", "http://x", [], [], TTL)

    tables.withdraw("trend")
    tables.withdraw("nobody")

    assert tables.announced() == []


def test_equity_is_a_curve_by_run_and_bot(ledger, second):
    for minute in range(3):
        points = {"a": point(minute, 100.0 + minute), "b": point(minute, 200.0)}
        ledger.tables.record_equity("run-1", points)
    ledger.tables.record_equity("run-2", {"a": point(0, 5.0, "EUR")})

    assert second.tables.equity("run-1", "a") == [point(n, 100.0 + n) for n in range(3)]
    assert second.tables.equity("run-2", "a") == [point(0, 5.0, "EUR")]
    assert second.tables.equity("run-3", "a") == []


def test_a_moment_has_one_point_and_the_newest_counts(tables):
    tables.record_equity("run", {"a": point(0, 1.0)})
    tables.record_equity("run", {"a": point(0, 1.0)})
    tables.record_equity("run", {"a": point(0, 2.0)})

    assert tables.equity("run", "a") == [point(0, 2.0)]


def test_a_curve_from_a_moment_on(tables):
    for minute in range(5):
        tables.record_equity("run", {"a": point(minute)})

    assert tables.equity("run", "a", since=AT + 3 * MINUTE) == [point(3), point(4)]


def test_points_recorded_late_come_in_order(tables):
    for minute in (3, 1, 2):
        tables.record_equity("run", {"a": point(minute)})

    assert [found.at for found in tables.equity("run", "a")] == [AT + n * MINUTE for n in (1, 2, 3)]


def test_a_long_curve_is_thinned_to_real_points(tables):
    rng = np.random.default_rng(1)
    values = (10_000 + rng.normal(size=3000).cumsum()).tolist()
    for number, value in enumerate(values):
        if number % 500 == 0:
            tables.record_equity("run", {"a": point(number, value)})
    with tables._store.write() as connection:  # the rest in one go
        from workbench.ledger.store import upsert
        from workbench.ledger.tables import _equity, _equity_row

        upsert(connection, _equity, [_equity_row("run", "a", point(n, value)) for n, value in enumerate(values)])

    kept = tables.equity("run", "a", max_points=200)

    assert len(kept) <= 200
    assert all(values[(found.at - AT) // MINUTE] == found.equity for found in kept)
    chosen = [found.equity for found in kept]
    assert (chosen[0], chosen[-1], min(chosen), max(chosen)) == (values[0], values[-1], min(values), max(values))


def test_equity_that_is_no_number_is_refused(tables):
    with pytest.raises(LedgerError, match="equity of bot 'a' is nan"):
        tables.record_equity("run", {"a": point(0, float("nan"))})
    with pytest.raises(LedgerError, match="max_points must be 4 or more"):
        tables.equity("run", "a", max_points=1)


def test_the_latest_status_of_each_bot(ledger, second):
    ledger.tables.record_status("a", {"state": "running", "n": 1})
    ledger.tables.record_status("a", {"state": "paused", "n": 2})
    ledger.tables.record_statuses({"b": {"state": "halted"}, "c": {}})

    assert second.tables.statuses() == {"a": {"state": "paused", "n": 2}, "b": {"state": "halted"}, "c": {}}


@pytest.mark.parametrize("status", [{"token": "abc"}, {"equity": float("nan")}, {"nested": {"apiKey": "x"}}])
def test_statuses_are_plain_json_without_secrets(tables, status):
    with pytest.raises(LedgerError, match="status of bot 'a'"):
        tables.record_status("a", status)

    assert tables.statuses() == {}


@pytest.mark.parametrize("name", ["'; DROP TABLE bot_statuses; --", "<script>", "%s"])
def test_names_of_bots_and_runs_are_text(tables, name):
    tables.announce(name, name, [name], [name], TTL)
    tables.record_status(name, {name: name})
    tables.record_equity(name, {name: point()})

    assert tables.announced()[0].bot_id == name
    assert tables.statuses() == {name: {name: name}}
    assert tables.equity(name, name) == [point()]


def test_writing_nothing_is_nothing(tables):
    tables.record_equity("run", {})
    tables.record_statuses({})

    assert tables.statuses() == {}


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(4, 60))
def test_thinning_keeps_highs_lows_and_ends(values, max_points):
    kept = thinning.keep(np.array(values), max_points)

    assert len(kept) <= max(max_points, 1)
    assert list(kept) == sorted(set(kept))
    assert extremes_kept(values, kept)
    if len(values) <= max_points:
        assert len(kept) == len(values)


def test_thinning_an_empty_curve_gives_none():
    assert len(thinning.keep(np.array([]), 10)) == 0
