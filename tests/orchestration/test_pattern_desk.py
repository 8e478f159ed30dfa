"""The desk looks at users' patterns as bars close at a venue, tells what it sees once, and it becomes an alert."""

from datetime import timedelta

import pytest

from tests.support.planted import BARS, candles
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.domain.sightings import SEEN
from workbench.ledger.log import open_ledger
from workbench.ledger.pattern_models import models_of
from workbench.ledger.sighting_log import SightingLog
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.alerts import alert_of
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.pattern_desk import PatternDesk
from workbench.settings import Settings
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner
from workbench.visual.pattern_watch import PatternWatch

HOUR = Timeframe.parse("1h")
ROWS = [60 + 110 * n for n in range(6)]
TABLE = candles(1, 700, [(row, "cup") for row in ROWS])
RULE = OutcomeRule(target=0.02, stop=0.02, horizon=10)


@pytest.fixture
async def floor(tmp_path):
    tables = {"BTC/USD": TABLE, "ETH/USD": candles(9, 700)}
    options = ExchangeOptions(tables, HOUR, start=TABLE.index[400].to_pydatetime(), paused=True, admin_token="t")
    server = PaperExchange(options)
    venue, ledger = Venue(await server.start(), "t"), open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger, venue, Settings(home=tmp_path, deadline_s=5.0))
    yield venue, ledger, center, tmp_path
    await center.stop()
    await venue.close()
    ledger.close()
    await server.stop()


def learn(ledger, home):
    past = TABLE.iloc[:450]
    lab = CustomPatternLearner(ledger, "ann", {("BTC/USD", "1h"): past}, trees=30, windows=240, models=models_of(home))
    for row in ROWS[:4]:
        times = past.index[row].to_pydatetime(), past.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow("BTC/USD", "1h", past, *times), "cup", RULE)
    lab.train_custom_patterns("ann")


async def test_what_closes_at_the_venue_is_told_once_and_judged(floor):
    venue, ledger, center, home = floor
    opened = []
    desk = PatternDesk(center, lambda: opened.append(1) or PatternWatch(ledger, home))
    assert await desk.step() == (0, 0)  # nobody has taught anything
    learn(ledger, home)

    told = judged = 0
    for row in range(ROWS[5] + BARS - 4, ROWS[5] + BARS + 16):
        await venue.seek(TABLE.index[row].to_pydatetime() + timedelta(hours=1))
        news, ended = await desk.step()
        told, judged = told + news, judged + ended
        assert await desk.step() == (0, 0)  # the same bar
        if news:
            another = PatternDesk(center, lambda: PatternWatch(ledger, home))  # new in office
            assert await another.step() == (0, 0)

    seen = [one for one in SightingLog(ledger).all("ann") if one.recognition.symbol == "BTC/USD"]
    assert 1 <= len(seen) <= 3
    assert told == len(ledger.read(kinds=[SEEN]))
    assert judged >= sum(one.outcome is not Outcome.OPEN for one in seen) >= 1
    assert all(one.fresh and one.seen_at == one.recognition.last_at + HOUR.step for one in seen)
    assert opened == [1]

    message = alert_of(ledger.read(kinds=[SEEN])[0])
    assert message.topic == "patterns"
    assert "cup on" in message.title


async def test_it_starts_and_stops(floor):
    _, ledger, center, home = floor
    desk = PatternDesk(center, lambda: PatternWatch(ledger, home))

    desk.start()
    desk.start()
    await desk.stop()
    await desk.stop()
