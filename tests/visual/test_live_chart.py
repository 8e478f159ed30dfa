"""A chart as revisions: whoever applies the messages in order has what the chart has, however many were left out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.market import Timeframe
from workbench.visual.live_chart import REMEMBERED, LiveChartRenderer, freshness, stale_after_s

MINUTE = Timeframe.parse("1m")


def row(n, price=100.0, volume=1.0):
    return [n * 60_000, price, price + 1, price - 1, price, volume]


class Page:
    """The obvious reader of messages, as the browser is."""

    def __init__(self):
        self.rev, self.bars, self.parts = -1, {}, {}

    def hear(self, message):
        message = json.loads(json.dumps(message))
        if message["kind"] == "chart":
            self.bars = {}
        else:
            assert message["since"] == self.rev
        self.rev = message["rev"]
        self.bars |= {bar[0]: bar for bar in message.get("bars", ())}
        self.parts |= {k: v for k, v in message.items() if k in ("forming", "overlay", "status")}


ACTS = st.one_of(
    st.tuples(st.just("close"), st.floats(50, 150)),
    st.tuples(st.just("form"), st.floats(50, 150)),
    st.tuples(st.just("amend"), st.floats(50, 150)),
    st.tuples(st.just("status"), st.sampled_from(["live", "stale"])),
    st.tuples(st.just("send"), st.none()),
)


@given(st.lists(ACTS, max_size=60), st.integers(0, 30))
def test_a_page_that_gets_some_of_the_messages_shows_the_same(acts, history):
    chart, page, n = LiveChartRenderer("BTC/USD", MINUTE), Page(), history
    chart.load([row(i) for i in range(history)], None)

    for act, value in [*acts, ("send", None)]:
        if act == "close":
            chart.sync([row(n, value)], None)
            n += 1
        elif act == "form":
            chart.sync((), row(n, value, 0.5))
        elif act == "amend" and n:
            chart.sync([row(n - 1, value)], chart.part("forming"))
        elif act == "status":
            chart.put("status", {"state": value})
        elif act == "send" and (message := chart.changes(page.rev)):
            page.hear(message)

    assert [page.bars[at] for at in sorted(page.bars)] == chart.bars
    assert page.parts.get("forming") == chart.part("forming")
    assert page.parts.get("status") == chart.part("status")
    assert chart.changes(page.rev) is None


def test_a_forming_bar_is_no_closed_one_and_opens_after_all_of_them():
    chart = LiveChartRenderer("BTC/USD", MINUTE)
    chart.load([row(1), row(2)], row(2))
    assert chart.part("forming") is None

    chart.sync((), row(3, 105.0))
    assert chart.part("forming") == row(3, 105.0)
    assert [bar[0] for bar in chart.bars] == [60_000, 120_000]

    chart.sync([row(3, 106.0)], None)
    assert chart.part("forming") is None
    assert chart.changes(chart.rev - 2)["bars"] == [row(3, 106.0)]


def test_a_small_change_is_a_small_message_and_who_is_far_behind_gets_everything():
    chart = LiveChartRenderer("BTC/USD", MINUTE, keep=5000)
    chart.load([row(n) for n in range(5000)], None)
    chart.sync((), row(5000, 101.5))
    since = chart.rev
    chart.sync((), row(5000, 101.75))

    assert len(json.dumps(chart.changes(since))) < 200
    for n in range(5000, 5000 + REMEMBERED + 1):
        chart.sync([row(n)], None)
    assert chart.changes(since)["kind"] == "chart"
    assert chart.changes(-1)["kind"] == chart.changes(chart.rev + 1)["kind"] == "chart"
    assert len(chart.bars) == 5000


@pytest.mark.parametrize(
    ("silent", "unasked", "state"),
    [
        (1, 99, "live"),
        (9, 1, "quiet"),
        (9, 9, "stale"),
        (float("inf"), float("inf"), "stale"),
        (float("nan"), 9, "stale"),
    ],
)
def test_freshness_is_judged_by_the_age_of_data(silent, unasked, state):
    assert freshness(silent, unasked, 4.5) == state


@given(st.floats(0, 1e9))
def test_stale_is_said_within_five_seconds_or_three_bars(bar_wall_s):
    assert stale_after_s(bar_wall_s) + 0.5 <= max(5.0, 3 * bar_wall_s)
