"""/league and the weights in /cross forecast, typed into a desk whose bots have been scored."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.support.plain_bots import PlainBot, a_forecast
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.formats import cells
from workbench.commands.reply import Chart, Table, Text
from workbench.domain.desk import MarketClock
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.forecast_bars import Closes
from workbench.orchestration.intelligence_sharing import IntelligenceSharing
from workbench.settings import Settings

BAR = Timeframe.parse("30m")
BEGAN = datetime(2019, 1, 1, tzinfo=UTC)
PRICES = 8000 * np.exp(np.random.default_rng(9).normal(0, 0.01, 1400).cumsum())
FIRST, NOW = 800, 1300
WIDTHS = {"trend": 0.028, "breakout": 0.3}


def clock(number):
    at = BEGAN + number * BAR.step
    return MarketClock(MoneyMode.REPLAY, at, 900.0, False, "run-1", "sample", "30m", ("BTC/USD", "ETH/USD"))


def fan(bot, number, symbol="BTC/USD", timeframe="30m", horizon=8):
    values = PRICES[number] * np.exp(WIDTHS[bot] * np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64]))
    told = {"seen_at": clock(number).market_time, "reference": float(PRICES[number]), "horizon": horizon}
    return a_forecast(bot, symbol, timeframe, values=tuple(values.tolist()), **told)


class Forecaster(PlainBot):
    def __init__(self, bot):
        super().__init__()
        self.bot = bot

    def forecast(self, symbol, timeframe, horizon=None):
        return fan(self.bot, NOW, symbol, timeframe, horizon or 8)


class Venue:
    async def clock(self):
        return clock(NOW)


class Bars:
    async def closes(self, symbol, since, until, market):
        first, last = (max(0, (at - BEGAN) // BAR.step) for at in (since, until))
        return Closes(BEGAN + first * BAR.step, BAR, PRICES[first : last + 1])


@pytest.fixture
async def desk(tmp_path):
    ledger, registry = open_ledger(tmp_path / "ledger.sqlite"), BotRegistry()
    for name in WIDTHS:
        registry.register(name, Forecaster(name))
    center = UnifiedCommandCenter(registry, ledger, Venue(), Settings(deadline_s=2.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


@pytest.fixture
async def scored(desk):
    await desk_scores(desk)
    return desk


async def desk_scores(desk, every=5):
    shared = IntelligenceSharing(desk.ledger, Bars(), 0.0)
    for number in range(FIRST, NOW - 8, every):
        await shared.record([fan(bot, number) for bot in WIDTHS], clock(number))
    await shared.score_matured(clock(NOW))


def rows(reply):
    (shown,) = [part for part in reply.parts if isinstance(part, Table)]
    names = [column.name for column in shown.columns]
    return [dict(zip(names, row, strict=True)) for row in cells(shown)]


def texts(reply):
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


async def test_without_scores_the_league_says_what_to_do(desk):
    reply = await desk.ask("/league")

    assert reply.ok
    assert "Nothing has been scored yet" in texts(reply)


async def test_the_league_answers_who_leads_first(scored):
    reply = await scored.ask("/league btc 30m --horizon 8")

    found = rows(reply)
    assert [row["bot"] for row in found] == ["trend", "breakout"]
    assert found[0]["ahead"] == "4 h"
    assert found[0]["scored"] == "99"
    assert found[0]["against the best"] == "the best"
    assert "p = " in found[1]["against the best"]
    assert "trend leads" in texts(reply).split(".")[1]
    assert len([part for part in reply.parts if isinstance(part, Chart)]) == 2
    assert reply.to_json()["ok"]


@pytest.mark.parametrize(("option", "column"), [("symbol", "market"), ("regime", "regime"), ("month", "month")])
async def test_a_league_can_be_divided(scored, option, column):
    reply = await scored.ask(f"/league --by {option}")

    found = rows(reply)
    assert all(row[column] for row in found)
    assert sum(int(row["scored"]) for row in found if row["bot"] == "trend") == 99


async def test_the_collective_forecast_says_why_each_bot_weighs_what_it_does(scored):
    reply = await scored.ask("/cross forecast BTCUSD 1h --horizon 4")

    by_bot = {row["bot"]: row for row in rows(reply)}
    assert by_bot["trend"]["note"].startswith("99 scored, skill")
    assert float(by_bot["trend"]["weight"].removesuffix(" %")) > 50
    assert by_bot["together"]["note"].startswith("weighed by scored forecasts")


async def test_without_scores_the_weights_are_equal_and_that_is_said(desk):
    reply = await desk.ask("/cross forecast BTCUSD 30m")

    by_bot = {row["bot"]: row for row in rows(reply)}
    assert [by_bot[bot]["weight"] for bot in WIDTHS] == ["50.0 %", "50.0 %"]
    assert by_bot["together"]["note"].startswith("equal weights: no forecast of this market")
