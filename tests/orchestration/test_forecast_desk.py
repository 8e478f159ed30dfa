"""The desk asks at closed bars, keeps what it hears, and scores it, over a real paper exchange's candles."""

from datetime import timedelta

import numpy as np
import pytest

from tests.support.klines import BAR, START, SYMBOLS
from tests.support.plain_bots import PlainBot, a_forecast
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.forecast_sums import Filter
from workbench.market.lake import Lake
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.desk import Desk
from workbench.orchestration.forecast_bars import VenueBars
from workbench.orchestration.forecast_desk import ForecastDesk
from workbench.settings import Settings


class Forecaster(PlainBot):
    """Speaks of the market as it stands, `width` wide."""

    def __init__(self, venue, width):
        super().__init__()
        self.venue, self.width, self.questions = venue, width, []

    def forecast(self, symbol, timeframe, horizon=None):
        self.questions.append((symbol, timeframe, horizon))
        seen = BAR.open_of(self.venue.now)
        close = float(self.venue.tables[symbol]["close"].asof(seen - BAR.step))
        values = close * np.exp(self.width * np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64]))
        told = {"values": tuple(values.tolist()), "reference": close, "seen_at": seen, "horizon": horizon}
        return a_forecast("x", symbol, timeframe, **told)


@pytest.fixture
async def center(registry, ledger, venue):
    made = UnifiedCommandCenter(registry, ledger, venue, Settings(forecasts={"every_s": 0, "ahead": ("1h", "4h")}))
    yield made
    await made.stop()


async def test_every_bot_is_asked_once_a_bar_and_the_collective_is_kept_too(center, registry, venue, ledger):
    bots = {name: Forecaster(venue, width) for name, width in (("a", 0.02), ("b", 0.05))}
    for name, bot in bots.items():
        registry.register(name, bot)
    await center.look()
    rounds = ForecastDesk(center)

    await rounds.step()
    await rounds.step()

    expected = [(s, "30m", h) for s in SYMBOLS for h in (2, 8)]
    assert [bot.questions for bot in bots.values()] == [expected, expected]
    assert ledger.forecasts.waiting("run-1") == 12
    kept = ledger.forecasts.matured("run-1", START + timedelta(hours=1))
    assert [kept.forecast.bot_id for kept in kept[0].kept] == ["a", "b", "consensus"]


async def test_a_day_of_bars_is_scored_from_the_venue(center, registry, venue):
    registry.register("sane", Forecaster(venue, 0.015))
    registry.register("wild", Forecaster(venue, 0.5))
    await center.look()
    rounds = ForecastDesk(center)
    for _ in range(14):
        await rounds.step()
        venue.now += BAR.step
    await rounds.step()

    league = await center.intelligence.league(("bot", "horizon"))

    near = [row for row in league.rows if row.ahead_s == 3600]
    assert {row.bot_id: row.scored for row in near} == {"sane": 26, "wild": 26, "consensus": 26}
    assert near[-1].bot_id == "wild"
    weights = (await center.intelligence.trust("BTC/USD", "30m", 2)).weights
    assert set(weights) == {"sane", "wild"}
    assert weights["sane"] >= 0.5


async def test_a_silent_venue_a_pause_and_a_race_ask_nobody(center, registry, venue):
    bot = Forecaster(venue, 0.02)
    registry.register("a", bot)
    await center.look()
    rounds = ForecastDesk(center)
    venue.paused = True
    await rounds.step()
    venue.paused, venue.speed = False, float("inf")
    await rounds.step()

    assert bot.questions == []


async def test_a_bot_that_breaks_or_speaks_of_something_else_costs_the_others_nothing(center, registry, venue, ledger):
    class Broken(Forecaster):
        def forecast(self, symbol, timeframe, horizon=None):
            if symbol == "BTC/USD":
                raise RuntimeError("<b>no</b>")
            return super().forecast("BTC/USD", timeframe, 5)

    registry.register("broken", Broken(venue, 0.02))
    registry.register("good", Forecaster(venue, 0.02))
    await center.look()

    await ForecastDesk(center).step()

    assert ledger.forecasts.waiting("run-1") == 4


async def test_the_desk_owns_the_rounds(registry, ledger, venue, until):
    registry.register("a", Forecaster(venue, 0.02))
    center = UnifiedCommandCenter(registry, ledger, venue, Settings(record_every_s=0.1))
    desk = Desk(center, ledger, ttl=timedelta(seconds=5))
    await desk.start()
    await until(lambda: ledger.forecasts.waiting("run-1") == 4, 20.0)
    await desk.stop()

    assert ledger.holder("desk") is None


async def test_closes_are_read_over_many_pages_and_only_closed_ones(venue):
    since = START - 2500 * BAR.step
    venue.now = START + timedelta(minutes=10)

    found = await VenueBars(venue.market_data).closes("BTC/USD", since, START + timedelta(hours=9), await venue.clock())

    table = venue.tables["BTC/USD"]["close"]
    assert len(found.values) == 2501
    assert found.index(START) == 2500
    assert found.index(START + timedelta(minutes=10)) is None
    assert found.values[-1] == table.asof(START - BAR.step)
    expected = [float(table.get(since + n * BAR.step - BAR.step, np.nan)) for n in range(2501)]
    np.testing.assert_array_equal(found.values, expected)
    assert len(venue.asked) >= 3


async def test_what_the_venue_lacks_comes_from_the_lake_unless_it_is_a_replay(venue, tmp_path):
    whole = venue.tables["BTC/USD"]
    Lake(tmp_path).write("kraken", "BTC/USD", "30m", whole[START - timedelta(days=2) : START + timedelta(days=1)])
    venue.tables["BTC/USD"] = whole[whole.index >= START - timedelta(hours=5)]
    between, bars = (START - timedelta(days=1), START), VenueBars(venue.market_data, tmp_path)

    replayed = await bars.closes("BTC/USD", *between, await venue.clock())
    venue.mode = MoneyMode.PAPER
    live = await bars.closes("BTC/USD", *between, await venue.clock())

    assert np.isnan(replayed.values).sum() == 39
    assert np.isfinite(live.values).all()
    assert live.values[0] == whole["close"].asof(between[0] - BAR.step)


async def test_a_late_answer_is_marked(center, registry, venue, ledger):
    class Slow(Forecaster):
        async def forecast(self, symbol, timeframe, horizon=None):
            said = super().forecast(symbol, timeframe, horizon)
            self.venue.now += timedelta(hours=1)
            return said

    bot = Slow(venue, 0.02)
    registry.register("slow", bot)
    await center.look()

    await ForecastDesk(center).step()

    (row,) = ledger.forecasts.sums.read("run-1", ["bot_id"], Filter())
    assert (row["late"], ledger.forecasts.waiting("run-1")) == (3, 1)


async def test_bars_read_before_are_not_asked_for_again_unless_one_was_missing(venue):
    whole, bars = venue.tables["BTC/USD"], VenueBars(venue.market_data)
    since, hole = START - 600 * BAR.step, START - 3 * BAR.step
    venue.tables["BTC/USD"] = whole.drop(hole - BAR.step)
    first = await bars.closes("BTC/USD", since, START, await venue.clock())
    venue.tables["BTC/USD"], venue.now = whole, START + 2 * BAR.step

    second = await bars.closes("BTC/USD", since + BAR.step, venue.now, await venue.clock())
    third = await bars.closes("BTC/USD", since + BAR.step, venue.now, await venue.clock())

    assert np.isnan(first.values[first.index(hole)])
    assert np.isfinite(second.values[second.index(hole)])
    fresh = await VenueBars(venue.market_data).closes("BTC/USD", since + BAR.step, venue.now, await venue.clock())
    np.testing.assert_array_equal(second.values, fresh.values)
    np.testing.assert_array_equal(third.values, fresh.values)
    starts = [int(asked["startTime"]) for asked in venue.asked]
    assert min(starts[1], starts[2]) > starts[0] + 300 * BAR.milliseconds
