"""The pump sends when there is news, at its pace, to somebody, and says when it cannot."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.desk_views import PlayedDesk
from workbench.widgets.desk_panel import DeskPanel
from workbench.widgets.desk_pump import DeskPump, Pace, PanelSettings

QUICK = PanelSettings(every_s=0.02, least_gap_s=0.01, patience_s=0.05, lapse_s=60)


@pytest.fixture
def sent():
    return []


async def until(condition, timeout_s=3.0):
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  the condition is no event of ours
            await asyncio.sleep(0.005)


async def test_differences_follow_each_other_without_a_gap(sent):
    pump = DeskPump(PlayedDesk().get_unified_dashboard_data, sent.append, QUICK)

    pump.start()
    await until(lambda: len(sent) >= 5)
    await pump.stop()

    assert [message["seq"] for message in sent] == list(range(1, len(sent) + 1))
    assert not pump.running


async def test_nothing_is_sent_faster_than_the_gap_however_much_happens(sent):
    news = asyncio.Event()
    news.set()  # something happens all the time
    pump = DeskPump(PlayedDesk().get_unified_dashboard_data, sent.append, PanelSettings(1.0, 0.1, burst=2), news.wait)

    pump.start()
    await asyncio.sleep(0.55)
    await pump.stop()

    assert 3 <= len(sent) <= 8


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=60), st.integers(1, 6))
def test_the_pace_lets_a_burst_through_and_no_more_in_the_long_run(pauses, burst):
    pace, now, sent = Pace(0.25, burst), 100.0, []

    for pause in pauses:
        now += pause
        now += pace.delay(now)
        sent.append(now)

    assert len(set(sent[:burst])) <= burst
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + (sent[last] - sent[first]) / 0.25 + 1e-6


def test_the_first_news_after_a_quiet_while_do_not_wait():
    pace = Pace(0.25, 4)

    assert [pace.delay(50.0) for _ in range(4)] == [0, 0, 0, 0]
    assert pace.delay(50.0) == pytest.approx(0.25)


async def test_news_are_sent_before_the_next_poll_is_due(sent):
    news = asyncio.Event()
    pump = DeskPump(PlayedDesk().get_unified_dashboard_data, sent.append, PanelSettings(60.0, 0.01), news.wait)
    pump.start()
    await until(lambda: len(sent) == 1)

    news.set()
    await until(lambda: len(sent) >= 2)
    await pump.stop()


async def test_without_a_sign_from_a_page_it_sleeps_and_a_sign_wakes_it(sent):
    pump = DeskPump(PlayedDesk().get_unified_dashboard_data, sent.append, PanelSettings(0.02, 0.01, lapse_s=0.1))
    pump.start()
    await asyncio.sleep(0.3)
    asleep = len(sent)
    await asyncio.sleep(0.1)
    assert len(sent) == asleep

    pump.beat()
    await until(lambda: len(sent) > asleep)
    await pump.stop()


@pytest.mark.parametrize(("fault", "words"), [("raises", "cannot be read: disk full"), ("hangs", "has not answered")])
async def test_a_feed_that_fails_is_said_and_asked_again(sent, fault, words):
    desk, broken = PlayedDesk(), True

    async def feed():
        if broken and fault == "hangs":
            await asyncio.sleep(60)
        if broken:
            raise OSError("disk full")
        return await desk.get_unified_dashboard_data()

    pump = DeskPump(feed, sent.append, QUICK)
    pump.start()
    await until(lambda: sent)
    broken = False
    await until(lambda: any(message.get("set", {}).get("phase") == "live" for message in sent))
    await pump.stop()

    assert words in sent[0]["set"]["trouble"]["words"]


async def test_a_page_that_missed_something_gets_the_snapshot(sent):
    panel = DeskPanel(PlayedDesk().get_unified_dashboard_data, QUICK)
    panel.send = sent.append
    panel.start()
    await until(lambda: panel.pump.mirror.seq > 2)
    await panel.stop()

    panel._hear(panel, {"kind": "hello", "seq": panel.pump.mirror.seq}, [])
    assert not sent
    panel._hear(panel, {"kind": "hello", "seq": 1}, [])
    panel._hear(panel, "nonsense", [])

    assert [message["kind"] for message in sent] == ["snapshot"]


async def test_the_widgets_state_is_the_live_buffer_so_a_reload_restores(sent):
    panel = DeskPanel(PlayedDesk().get_unified_dashboard_data, QUICK)
    panel.start()
    await until(lambda: panel.pump.mirror.seq > 0)
    await panel.stop()

    state = panel.get_state("snapshot")["snapshot"]

    assert state["phase"] == "live"
    assert state["seq"] == panel.pump.mirror.seq


async def test_stopping_twice_and_starting_again_are_harmless(sent):
    pump = DeskPump(PlayedDesk().get_unified_dashboard_data, sent.append, QUICK)
    await pump.stop()
    pump.start()
    pump.start()
    await until(lambda: sent)
    await pump.stop()
    await pump.stop()
    pump.start()
    await until(lambda: len(sent) > 1)
    await pump.stop()
