"""The whole way from a rough wire to three pages, 500 seeds in virtual time: a quick page, a slow one, a hidden one.

Ends byte-equal to the venue's bars, never shows a forming bar as closed, says stale in time, and is back in time.
"""

import asyncio
import json
import logging
import os

import pytest
import structlog

from tests.support import virtual_time
from tests.support.rough_venue import STEP, RoughVenue
from workbench.domain.market import Timeframe
from workbench.market import live
from workbench.visual import live_feeds
from workbench.visual.live_feeds import FeedKey, VenueAddress, WebSocketManager
from workbench.visual.live_stream import LiveStream

SEEDS = int(os.environ.get("CHAOS_SEEDS", "500"))
LOTS = 20
STALE_S, BACK_S = 5.0, 15.0


class Page:
    """Reads messages as a browser does, and says `drew` after `takes_s` (None: hidden, says nothing)."""

    def __init__(self, loop, venue, takes_s):
        self.loop, self.venue, self.takes_s = loop, venue, takes_s
        self.rev, self.bars, self.parts, self.got = -1, {}, {}, 0

    def attach(self, stream):
        self.viewer = stream.attach(self.hear)
        self.viewer.hear({"kind": "hello", "rev": -1})
        return self

    def hear(self, message):
        message = json.loads(json.dumps(message))
        self.got += 1
        if message["kind"] == "chart":
            self.bars = {}
        elif message["kind"] == "diff":
            assert message["since"] == self.rev
        if message["kind"] != "beat":
            self.rev = message["rev"]
            for row in message.get("bars", ()):
                assert self.venue.truth[row[0]] == row, "a bar was closed that was not over, or not whole"
                assert row[0] + STEP * 1000 <= self.venue.clock_ms, "a bar was closed before its time"
                self.bars[row[0]] = row
            self.parts |= {name: message[name] for name in ("forming", "status") if name in message}
        if self.takes_s is not None:
            self.loop.call_later(self.takes_s, self.viewer.hear, {"kind": "drew", "rev": self.rev})


async def through(loop, seed):
    venue = RoughVenue(loop, seed)
    manager = WebSocketManager(history=15, opens=lambda *_, **__: venue)
    stream = LiveStream(manager, FeedKey(VenueAddress(), "BTC/USD", Timeframe.parse("5s")), None)
    await stream.start()
    player = asyncio.create_task(venue.play())
    quick, slow, hidden = (Page(loop, venue, takes_s).attach(stream) for takes_s in (0.03, 1.5, None))
    back_s, slow_to_say = None, 0.0
    end = venue.bars * STEP
    while venue.now < end + 1 or (back_s is None and venue.now < end + BACK_S):
        await asyncio.sleep(0.25)
        state = (quick.parts.get("status") or {}).get("state")
        if loop.time() - venue.news_s > STALE_S + 0.3:
            slow_to_say = max(slow_to_say, 0.0 if state in ("stale", "down") else loop.time() - venue.news_s)
        if venue.now >= venue.healed_s:
            whole = list(quick.bars.values()) == [r for r in venue.rows(True) if r[0] >= min(quick.bars)]
            back_s = None if not whole else venue.now - venue.healed_s if back_s is None else back_s
        hidden.viewer.hear({"kind": "beat", "rev": hidden.rev})
    shown_to_hidden = hidden.got
    hidden.takes_s = 0.03
    hidden.viewer.hear({"kind": "hello", "rev": hidden.rev})
    while quick.parts["status"]["state"] != "quiet":  # the market has nothing more to say, and the venue says so
        await asyncio.sleep(0.25)
        assert venue.now < end + BACK_S + 10
    player.cancel()
    await asyncio.wait([player])
    truth = [row for at, row in sorted(venue.truth.items()) if at >= min(quick.bars)]
    for page in (quick, slow, hidden):
        assert [page.bars[at] for at in sorted(page.bars)] == truth
    await stream.stop()
    assert manager.counts() == {"venues": 0, "feeds": 0, "leases": 0}
    return back_s, slow_to_say, quick.got, slow.got, shown_to_hidden


@pytest.fixture(autouse=True)
def _quietly():
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(wrapper_class=before)


@pytest.mark.parametrize("lot", range(LOTS))
def test_what_the_pages_show_is_what_the_venue_had(lot, monkeypatch):
    for seed in range(lot, SEEDS, LOTS):

        def made(loop, seed=seed):
            monkeypatch.setattr(live, "seconds", loop.time)
            monkeypatch.setattr(live_feeds, "seconds", loop.time)
            return through(loop, seed)

        back_s, slow_to_say, quick, slow, hidden = virtual_time.run(made)

        assert back_s is not None, f"seed {seed}: not whole again"
        assert back_s <= BACK_S, f"seed {seed}: whole again only after {back_s:.1f} s"
        assert slow_to_say == 0.0, f"seed {seed}: {slow_to_say:.1f} s of silence without the word stale"
        assert slow <= quick, f"seed {seed}: a slow page got {slow} messages, a quick one {quick}"
        assert hidden <= 4, f"seed {seed}: a hidden page got {hidden} messages"
