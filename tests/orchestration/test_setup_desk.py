"""The desk tells what becomes of tracked setups as the market moves, once, whoever else looks."""

from datetime import UTC, datetime

import pytest

from workbench.domain.drawings import Board
from workbench.domain.market import Timeframe
from workbench.domain.setups import CHANGED, TrackedSetup
from workbench.ledger.log import open_ledger
from workbench.ledger.setup_log import SetupLog
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.event_words import SHOWN
from workbench.orchestration.setup_desk import SetupDesk
from workbench.quant.setup_replay import replayed
from workbench.settings import Settings

START, HALF = datetime(2018, 3, 1, tzinfo=UTC), Timeframe.parse("30m")


@pytest.fixture
async def floor(tmp_path):
    candles = {"BTC/USD": sample.load("BTC/USD")}
    server = PaperExchange(ExchangeOptions(candles, HALF, start=START, paused=True, admin_token="t"))
    venue, ledger = Venue(await server.start(), "t"), open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger, venue, Settings(deadline_s=5.0))
    yield venue, ledger, center
    await center.stop()
    await venue.close()
    ledger.close()
    await server.stop()


async def test_each_change_is_told_once_as_bars_close(floor):
    venue, ledger, center = floor
    setup = TrackedSetup("s", Board("you", "BTC/USD", HALF), "breakout", START)
    lost = TrackedSetup("x", Board("you", "DOGE/USD", HALF), "breakout", START)
    log, desk = SetupLog(ledger), SetupDesk(center, ledger)
    log.arm(lost)
    log.arm(setup)

    assert await desk.step() == 0
    for day in range(2, 9):
        await venue.seek(datetime(2018, 3, day, tzinfo=UTC))
        await desk.step()
        await desk.step()
        await SetupDesk(center, ledger).step()  # another desk, new in office

    known = sample.load("BTC/USD").loc[:"2018-03-07 23:30"]
    wanted = [change.after.value for change in replayed(setup, known)]
    assert [event.payload["after"] for event in ledger.read(kinds=[CHANGED])] == wanted
    assert wanted[0] == "triggered"
    assert CHANGED in SHOWN


async def test_it_starts_and_stops(floor):
    _, ledger, center = floor
    desk = SetupDesk(center, ledger)

    desk.start()
    desk.start()
    await desk.stop()
    await desk.stop()
