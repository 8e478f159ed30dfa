"""One picture a chat, within Telegram's limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.visual.live_chart import LiveChartRenderer
from workbench.visual.live_streaming import LiveChartStreamer, WebSocketManager
from workbench.visual.telegram_pictures import PictureBoard, PictureBusy, PicturePace


class Chat:
    """A sender that remembers; `busy` makes the next delivery wait, `gone` loses the message."""

    def __init__(self):
        self.sent, self.edited, self.busy, self.gone = [], [], 0.0, False

    async def send(self, chat_id, png, caption):
        self._may()
        self.sent.append((chat_id, png, caption))
        return len(self.sent)

    async def edit(self, chat_id, message_id, png, caption):
        self._may()
        if not self.gone:
            self.edited.append((chat_id, message_id, png))
        return not self.gone

    def _may(self):
        if self.busy:
            wait, self.busy = self.busy, 0.0
            raise PictureBusy(wait)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 0.5)), max_size=400))
def test_no_chat_gets_more_than_twenty_a_minute_and_all_together_twenty_a_second(asks):
    pace, now, sent = PicturePace(), 0.0, []
    for chat, step in asks:
        now += step
        if pace.wait_s(chat, now) == 0:
            pace.sent(chat, now)
            sent.append((chat, now))

    for chat, at in sent:
        assert sum(1 for other, when in sent if other == chat and at <= when < at + 60) <= 20
        assert sum(1 for _, when in sent if at <= when < at + 1) <= 20


async def test_the_first_is_sent_and_then_edited_only_when_it_changed():
    chat = Chat()
    board = PictureBoard(chat)

    assert await board.show(7, "BTC", b"one", "", 0.0)
    assert not await board.show(7, "BTC", b"two", "", 1.0)  # too soon
    assert not await board.show(7, "BTC", b"one", "", 9.0)  # the same
    assert await board.show(7, "BTC", b"two", "", 9.0)

    assert [png for _, png, _ in chat.sent] == [b"one"]
    assert chat.edited == [(7, 1, b"two")]


async def test_telegram_is_obeyed_and_a_deleted_message_is_sent_anew():
    chat = Chat()
    board = PictureBoard(chat)
    await board.show(7, "BTC", b"one", "", 0.0)

    chat.busy = 40.0
    assert not await board.show(7, "BTC", b"two", "", 10.0)
    assert not await board.show(7, "BTC", b"two", "", 49.0)
    chat.gone = True
    assert await board.show(7, "BTC", b"two", "", 50.0)

    assert [png for _, png, _ in chat.sent] == [b"one", b"two"]


async def test_a_chart_becomes_a_picture_with_its_words():
    chart, chat = LiveChartRenderer("BTC/USD", Timeframe.parse("1h")), Chat()
    chart.load([[n * 3_600_000, 100.0, 102.0, 99.0, 101.0, 5.0] for n in range(1, 40)], None)
    chart.sync((), [40 * 3_600_000, 101.0, 101.5, 100.5, 101.25, 1.0])
    chart.put("status", {"state": "stale", "words": ""})
    streamer = LiveChartStreamer(WebSocketManager(), pictures=chat)

    assert await streamer.stream_to_telegram(7, chart.snapshot())

    (_, png, caption), *_ = chat.sent
    assert png.startswith(b"\x89PNG")
    assert "BTC/USD 1h  101.25" in caption
    assert "stale" in caption
    with pytest.raises(ValueRefused, match="nobody sends pictures"):
        await LiveChartStreamer(WebSocketManager()).stream_to_telegram(7, chart.snapshot())
