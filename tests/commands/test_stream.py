"""/stream on a real paper exchange."""

import json
from datetime import UTC, datetime

import pytest

from tests.support.plain_bots import a_position, a_status
from workbench.bots.protocol import plain
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Chart, Table, Text
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter


@pytest.fixture
async def ask(tmp_path):
    start = datetime(2018, 6, 5, tzinfo=UTC)
    options = ExchangeOptions({"BTC/USD": sample.load("BTC/USD")}, Timeframe.parse("30m"), start=start, paused=True)
    server, ledger = PaperExchange(options), open_ledger(tmp_path / "ledger.sqlite")
    venue = Venue(await server.start())
    center = UnifiedCommandCenter(BotRegistry(), ledger, venue)
    yield Dispatcher(center, ledger).ask
    await center.stop()
    await venue.close()
    await server.stop()
    ledger.close()


async def test_the_chart_as_it_is_now_and_where_it_moves(ask):
    reply = await ask("/stream btc 30m")

    assert reply.ok, reply.error
    assert reply.title == "BTC/USD 30m REPLAY ×900 paused"
    [table] = [part for part in reply.parts if isinstance(part, Table)]
    assert table.rows[0][2] == sample.load("BTC/USD").loc[: datetime(2018, 6, 4, 23, 59, tzinfo=UTC)]["close"].iloc[-1]
    [picture] = [part for part in reply.parts if isinstance(part, Chart)]
    assert "BTC/USD 30m" in picture.caption
    assert picture.spec["layer"]
    assert picture.phone["width"] < picture.spec["width"]
    words = " ".join(part.text for part in reply.parts if isinstance(part, Text))
    assert "80 % by" in words
    assert "live_chart.ipynb" in words


async def test_what_is_no_market_or_no_bar_is_said(ask):
    assert "no market" in (await ask("/stream doge 30m")).error
    assert "7m" in (await ask("/stream btc 7m")).error


async def test_what_a_bot_holds_is_on_the_picture_with_its_stop(ask, tmp_path):
    held = a_position(entry_price=7500.0, opened_at=datetime(2018, 6, 4, 12, tzinfo=UTC), stop=7412.5)
    other = open_ledger(tmp_path / "ledger.sqlite")
    other.tables.record_status("trend", plain(a_status(positions=(held,))))
    other.close()

    reply = await ask("/stream btc 30m")

    [picture] = [part for part in reply.parts if isinstance(part, Chart)]
    assert "stop trend" in json.dumps(picture.spec)
    assert "7,412.5" in json.dumps(picture.spec)
