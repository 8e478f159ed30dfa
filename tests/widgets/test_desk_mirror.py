"""Differences bring a page to exactly where a reload would."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import desk_views, naive_page
from tests.support.desk_views import PlayedDesk, glance
from workbench.domain.portfolio import EquityPoint
from workbench.widgets import desk_mirror
from workbench.widgets.desk_mirror import DeskMirror
from workbench.widgets.desk_notices import notices

DESK = PlayedDesk()


def at(bar: int):
    return glance(DESK, DESK.start + DESK.history + bar)


def other_run(data):
    return replace(data, market=replace(data.market, run_id="replay-2"))


def silent_venue(data):
    return replace(data, market=None, equity={})


def fewer(data):
    bots = data.bots[1:]
    return replace(data, bots=bots, equity={row.bot_id: data.equity[row.bot_id] for row in bots})


CHANGES = {
    "as it is": lambda data: data,
    "off": desk_views.not_running,
    "empty": desk_views.empty,
    "troubled": desk_views.troubled,
    "hostile": desk_views.hostile,
    "other run": other_run,
    "silent venue": silent_venue,
    "fewer bots": fewer,
}
STEPS = st.lists(st.tuples(st.integers(1, 40), st.sampled_from(sorted(CHANGES)) | st.just("fail")), max_size=12)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_a_page_that_heard_every_difference_shows_what_a_reload_shows(steps):
    mirror = DeskMirror()
    page = naive_page.after(None, mirror.snapshot())

    for bar, name in steps:
        message = mirror.fail("no answer", "doctor") if name == "fail" else mirror.take(CHANGES[name](at(bar)))
        page = naive_page.after(page, message)

    assert page == naive_page.after(None, mirror.snapshot())


def test_a_step_costs_little_on_the_wire():
    mirror = DeskMirror()
    first = mirror.take(at(1))
    second = mirror.take(at(2))

    assert len(json.dumps(second)) < len(json.dumps(first)) / 8
    assert {name: len(tail["t"]) for name, tail in second["equity"]["add"].items()} == dict.fromkeys(
        [*desk_views.BOTS, "total"], 1
    )


def test_what_has_not_changed_is_not_told_again():
    mirror, data = DeskMirror(), at(1)
    mirror.take(data)

    assert mirror.take(data) == {"kind": "diff", "seq": 2, "set": {"as_of": mirror.snapshot()["as_of"]}}


def test_equity_of_another_run_replaces_the_line_even_after_a_silence():
    mirror = DeskMirror()
    mirror.take(at(1))
    mirror.take(silent_venue(at(2)))

    told = mirror.take(other_run(at(3)))["equity"]

    assert set(told) == {"set"}
    assert set(told["set"]) == {*desk_views.BOTS, "total"}


def test_a_venue_that_is_silent_leaves_the_lines_as_they_were():
    mirror = DeskMirror()
    mirror.take(at(1))
    before = mirror.snapshot()["equity"]

    mirror.take(silent_venue(at(2)))

    assert mirror.snapshot()["equity"] == before


def test_a_seek_backwards_begins_the_line_again():
    mirror = DeskMirror()
    mirror.take(at(30))

    assert "add" not in mirror.take(at(2))["equity"]


def test_a_long_line_is_thinned_and_keeps_its_ends():
    begin = at(1).equity["total"][0]
    points = [EquityPoint(begin.at + timedelta(seconds=n), float(n), "USD") for n in range(9000)]
    mirror = DeskMirror()

    for count in (3000, 3900, 9000):
        mirror.take(replace(at(1), equity={"total": tuple(points[:count])}))

    line = mirror.snapshot()["equity"]["total"]
    assert len(line["t"]) <= desk_mirror.MOST_POINTS
    assert (line["v"][0], line["v"][-1]) == (0.0, 8999.0)


def test_a_failure_keeps_the_figures_and_names_itself_once():
    mirror = DeskMirror()
    mirror.take(at(1))

    first, again, mended = mirror.fail("gone", "doctor"), mirror.fail("gone", "doctor"), mirror.take(at(2))

    assert first["set"]["trouble"] == {"words": "gone", "mend": "doctor"}
    assert "set" not in again
    assert mended["set"]["trouble"] is None
    assert mirror.snapshot()["bots"]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ("as it is", []),
        ("off", ["off"]),
        ("empty", ["empty"]),
        ("troubled", ["nobody"]),
        ("silent venue", ["venue"]),
    ],
)
def test_what_is_missing_is_said_with_its_mend(change, codes):
    found = notices(CHANGES[change](at(1)))

    assert [notice.code for notice in found] == codes
    assert all(notice.words.endswith(".") and notice.mend.startswith("workbench ") for notice in found)


def test_a_replay_that_ended_says_so():
    data = at(1)

    (notice,) = notices(replace(data, market=replace(data.market, ended=True)))

    assert notice.code == "ended"
