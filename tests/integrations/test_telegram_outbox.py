"""What goes out: the urgent first, within the pace, and a flood delays nothing that is carried out."""

import asyncio
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram.error import BadRequest, NetworkError, RetryAfter

from tests.support.telegram_desk import ADMIN, OPERATOR, telegram_desk
from workbench.domain.telling import Message, Severity
from workbench.integrations.telegram_outbox import MOST_WAITING, Outbox, Rank
from workbench.integrations.telegram_pace import Pace

WIDE = 100_000.0


@given(st.lists(st.tuples(st.sampled_from([1, 2, -5, -6]), st.floats(0, 3)), min_size=1, max_size=200))
def test_the_pace_keeps_every_limit(asked):
    pace, now, sent = Pace(), WIDE, []
    for chat, pause in asked:
        now += pause
        now += pace.wait_s(chat, now)
        assert pace.wait_s(chat, now) <= 1e-6
        pace.sent(chat, now)
        sent.append((chat, now))

    for chat, at in sent:
        assert sum(c == chat and at <= t < at + 0.999 for c, t in sent) == 1
        assert sum(at <= t < at + 0.999 for _, t in sent) <= 30
        assert chat > 0 or sum(c == chat and at <= t < at + 59.9 for c, t in sent) <= 20


@given(st.floats(0.1, 100), st.floats(0, 200))
def test_a_429_is_obeyed_by_its_chat_alone(wait_s, later_s):
    pace = Pace()
    pace.refused(1, wait_s, WIDE)

    assert pace.wait_s(1, WIDE + later_s) == pytest.approx(max(wait_s - later_s, 0), abs=1e-6)
    assert pace.wait_s(2, WIDE) == 0


class Fast(Pace):
    def __init__(self):
        super().__init__(chat_s=0.0, group_a_minute=10**6, all_a_second=10**6)


@pytest.fixture
async def outbox():
    outbox = Outbox(Fast())
    yield outbox
    await outbox.stop()


def sender(told, words, *errors):
    left = list(errors)

    async def send():
        if left:
            raise left.pop(0)
        told.append(words)
        return words

    return send


async def test_the_urgent_goes_first_and_each_rank_keeps_its_order(outbox):
    told = []
    for rank in (Rank.ALERT, Rank.LIVE, Rank.REPLY, Rank.URGENT):
        outbox.put(1, rank, sender(told, rank.name))
    last = outbox.put(1, Rank.ALERT, sender(told, "last"))

    outbox.start()
    await last

    assert told == ["URGENT", "REPLY", "LIVE", "ALERT", "last"]


async def test_of_two_edits_the_newer_is_sent_alone(outbox):
    told = []
    first = outbox.put(1, Rank.LIVE, sender(told, "old"), key="m")
    second = outbox.put(1, Rank.LIVE, sender(told, "new"), key="m")

    outbox.start()

    assert await first is None
    assert await second == "new"
    assert told == ["new"]


async def test_a_refusal_is_final_and_a_broken_wire_is_tried_again(outbox):
    told = []
    outbox.start()

    assert await outbox.put(1, Rank.REPLY, sender(told, "a", BadRequest("chat not found"))) is None
    assert await outbox.put(2, Rank.REPLY, sender(told, "b", BadRequest("Message is not modified"))) is None
    assert await outbox.put(3, Rank.REPLY, sender(told, "c", RetryAfter(timedelta(seconds=0)))) == "c"
    assert await outbox.put(4, Rank.REPLY, sender(told, "d", NetworkError("x"))) == "d"

    assert list(outbox.dropped) == ["chat not found"]


async def test_one_chat_that_is_refused_holds_up_no_other(outbox):
    told = []
    outbox.put(1, Rank.REPLY, sender(told, "late", RetryAfter(timedelta(seconds=60))))
    outbox.start()

    assert await outbox.put(2, Rank.REPLY, sender(told, "soon")) == "soon"
    assert outbox.waiting(1) == 1
    assert told == ["soon"]


async def test_a_line_that_is_too_long_loses_its_least_important(outbox):
    told = []
    urgent = outbox.put(1, Rank.URGENT, sender(told, "urgent"))
    some = [outbox.put(1, Rank.ALERT, sender(told, n)) for n in range(MOST_WAITING + 50)]

    outbox.start()
    await urgent
    await asyncio.gather(*some)

    assert told[0] == "urgent"
    assert told[1:] == list(range(MOST_WAITING - 1))
    assert len(outbox.dropped) == 51


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(Rank), st.sampled_from([1, 2])), max_size=30))
def test_nothing_goes_before_what_matters_more(jobs):
    async def play():
        outbox, told = Outbox(Fast()), []
        done = [outbox.put(chat, rank, sender(told, (chat, rank, n))) for n, (rank, chat) in enumerate(jobs)]
        outbox.start()
        await asyncio.gather(*done)
        await outbox.stop()
        return told

    told = asyncio.run(play())
    for chat in (1, 2):
        mine = [(rank, n) for c, rank, n in told if c == chat]
        assert mine == sorted(mine)


async def test_a_flood_of_alerts_is_merged_and_an_emergency_stop_is_carried_out_at_once(tmp_path):
    """10,000 alerts while Telegram answers every message with `retry after 60`; what is counted is order, not time."""
    async with telegram_desk(tmp_path) as desk:
        desk.server.flood(0, 60)
        for number in range(10_000):
            await desk.telegram.tell(Message(f"alert {number}", topic="bots", severity=Severity.WARNING))
        waiting = sum(desk.telegram.outbox.waiting(chat) for chat in desk.telegram.alerts.readers.chats)

        update = await desk.server.say(OPERATOR, "/halt all")
        await desk.settled(update)

        assert desk.bots["trend"].acts["halt"] == 1
        assert desk.ledger.states.all()
        assert desk.server.shown(OPERATOR) == []  # carried out though nothing at all could be sent
        assert waiting <= 5
        desk.server.floods.clear()
        desk.telegram.outbox._pace._until.clear()
        desk.telegram.outbox._news.set()
        answer = await desk.server.heard(OPERATOR, "Halted: desk")
        merged = await desk.server.heard(ADMIN, "10,0")
        order = [message.text for message in desk.server.shown(OPERATOR)]
        assert "more (bots: 10,000" in merged.text
        assert order.index(answer.text) == 0
        assert len(order) <= 4


async def test_within_real_rates_nothing_is_refused(tmp_path):
    async with telegram_desk(tmp_path, rates=True) as desk:
        for _ in range(3):
            await desk.server.say(OPERATOR, "/help pause")
        began = time.monotonic()

        await desk.server.until(lambda: len(desk.server.shown(OPERATOR)) == 3)

        assert time.monotonic() - began > 1.5  # one a second
        assert not desk.telegram.outbox.dropped
