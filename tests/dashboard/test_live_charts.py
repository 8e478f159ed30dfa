"""Live charts as a notebook composes them: with a ledger, with bots, with nothing."""

import asyncio
from types import SimpleNamespace

import pytest

from workbench.dashboard.live_charts import DeskOutlook, LiveCharts
from workbench.domain.drawings import Board, Drawing, Level
from workbench.domain.errors import BotError, SymbolError
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.market import sample

HALF = Timeframe.parse("30m")


async def until(true):
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_without_a_desk_a_replay_is_charted_and_closed_again():
    charts = LiveCharts(speed=20_000)
    panel = await charts.chart("btc", "30m")

    assert not panel.draws
    bars = await charts.bars(panel, 3)
    chart = panel.get_state()["snapshot"]
    await charts.close()

    recorded = sample.load("BTC/USD").loc[bars.index]
    assert bars.astype(float).to_numpy() == pytest.approx(recorded.to_numpy())
    assert chart["kind"] == "chart"
    assert len(chart["bars"]) >= 1000
    assert chart["mode"]["words"] == "REPLAY ×20000"
    assert charts.feeds.counts() == {"venues": 0, "feeds": 0, "leases": 0}


async def test_drawings_of_another_notebook_appear_and_stay(tmp_path):
    ours, theirs = (open_ledger(tmp_path / "ledger.sqlite") for _ in range(2))
    charts = LiveCharts(SimpleNamespace(ledger=ours, center=None, run=None), user="ann", speed=1)
    panel = await charts.chart("BTC/USD", "30m")
    other = Board("bob", "BTC/USD", HALF)
    await asyncio.sleep(0.2)  # the ledger is being followed

    await asyncio.to_thread(theirs.drawings.change, other, [Drawing("d-1", other, Level(7000.0))])
    await until(lambda: panel.drawings)

    assert panel.draws
    assert panel.drawings == (Drawing("d-1", other, Level(7000.0)),)
    assert panel.get_state()["shown"][0]["user"] == "bob"
    await charts.close()
    ours.close()
    theirs.close()


async def test_an_unknown_market_is_refused_and_nothing_stays_open():
    charts = LiveCharts(speed=1)

    with pytest.raises(SymbolError, match="DOGE"):
        await charts.chart("DOGE", "30m")
    await charts.close()
    assert charts.feeds.counts()["venues"] == 0


class Center:
    """A command center whose bots answer together, or not at all."""

    def __init__(self, answer):
        self.registered_bots, self._answer = {"trend": object()}, answer

    async def execute_cross_bot_command(self, command, args, target_bots):
        if isinstance(self._answer, Exception):
            raise self._answer
        return SimpleNamespace(consensus=SimpleNamespace(forecast=self._answer))


async def test_the_bots_fan_is_drawn_where_they_answer_and_the_markets_own_where_not():
    candles = sample.load("BTC/USD").iloc[:600]
    seen = (candles.index[-1] + HALF.step).to_pydatetime()
    said = Forecast("consensus", "BTC/USD", HALF, 4, (0.1, 0.5, 0.9), (5000.0, 6000.0, 7000.0), 6000.0, seen)

    together = await DeskOutlook(Center(said)).look("BTC/USD", HALF, candles)
    alone = await DeskOutlook(Center(BotError("all down"))).look("BTC/USD", HALF, candles)
    nothing = await DeskOutlook(None).look("BTC/USD", HALF, candles.iloc[:50])

    assert (together.forecast, together.confidence) == (said, None)
    assert together.ribbon == alone.ribbon
    assert alone.forecast.bot_id == "house"
    assert 0 < alone.confidence["held"] <= 1
    assert nothing.forecast is None
