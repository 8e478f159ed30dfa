"""The desk writes down what bots do, carries commands out, and gives way."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.plain_bots import GuardedBot, PlainBot, a_position, a_trade
from workbench.domain.commands import Command, CommandState
from workbench.domain.desk import DeskState, MarketClock
from workbench.domain.errors import ExchangeError
from workbench.domain.portfolio import BotState, Money, MoneyMode
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.desk import Desk
from workbench.orchestration.event_words import SHOWN, sentence
from workbench.orchestration.memory import FORECAST_MADE
from workbench.orchestration.recorder import Recorder
from workbench.settings import Settings

START = datetime(2019, 3, 1, tzinfo=UTC)
TTL = timedelta(seconds=2)


class TinyVenue:
    """A clock that goes one bar further with each look."""

    def __init__(self, run_id="run-1"):
        self.run_id, self.looks, self.silent = run_id, 0, False

    async def clock(self):
        if self.silent:
            raise ExchangeError("the venue is closed")
        self.looks += 1
        at = START + timedelta(minutes=30 * self.looks)
        return MarketClock(MoneyMode.REPLAY, at, 900.0, False, self.run_id, "sample", "30m", ("BTC/USD",))


@pytest.fixture
def venue():
    return TinyVenue()


@pytest.fixture
async def desk(ledger, registry, venue):
    center = UnifiedCommandCenter(registry, ledger, venue, Settings(record_every_s=0.1, deadline_s=1.0))
    made = Desk(center, ledger, ttl=TTL)
    yield made
    await made.stop()


@pytest.fixture
def lease(ledger):
    return ledger.acquire("desk", "the test", timedelta(seconds=60))


def kinds(ledger):
    return [event.kind for event in ledger.last(1000) if event.kind[0].isupper()]


async def test_equity_is_recorded_in_market_time_with_a_total(desk, ledger, lease, registry):
    registry.register("a", PlainBot(equity=Money(10_000.0, "USD")))
    registry.register("b", PlainBot(equity=Money(5_000.0, "USD")))
    recorder = Recorder(desk.center, ledger)

    await recorder.step(lease)
    await recorder.step(lease)

    total = ledger.tables.equity("run-1", "total")
    assert [(point.at, point.equity) for point in total] == [
        (START + timedelta(minutes=30), 15_000.0),
        (START + timedelta(minutes=60), 15_000.0),
    ]
    assert len(ledger.tables.equity("run-1", "a")) == 2
    assert set(ledger.tables.statuses()) == {"a", "b"}


async def test_a_silent_bot_leaves_a_gap_and_no_total(desk, ledger, lease, registry):
    class Failing(PlainBot):
        broken = False

        def status(self):
            if self.broken:
                raise RuntimeError("gone")
            return super().status()

    failing = Failing()
    registry.register("a", PlainBot())
    registry.register("b", failing)
    recorder = Recorder(desk.center, ledger)

    await recorder.step(lease)
    failing.broken = True
    await recorder.step(lease)
    failing.broken = False
    await recorder.step(lease)

    assert [len(ledger.tables.equity("run-1", name)) for name in ("a", "b", "total")] == [3, 2, 2]
    assert kinds(ledger) == ["BotAnnounced", "BotAnnounced", "BotWentDown", "BotRecovered"]


async def test_without_a_venue_statuses_are_recorded_and_equity_is_not(desk, ledger, lease, registry, venue):
    registry.register("a", PlainBot())
    venue.silent = True

    await Recorder(desk.center, ledger).step(lease)

    assert set(ledger.tables.statuses()) == {"a"}
    assert ledger.tables.equity("run-1", "a") == []


async def test_trades_are_told_once_over_any_number_of_desks(desk, ledger, lease, registry):
    bot = PlainBot(positions=(a_position(),))
    registry.register("a", bot)
    bot.past = [a_trade(0), a_trade(1)]
    recorder = Recorder(desk.center, ledger)

    await recorder.step(lease)
    bot.past.append(a_trade(2))
    await recorder.step(lease)
    await Recorder(desk.center, ledger).step(lease)

    told = kinds(ledger)
    assert (told.count("TradeOpened"), told.count("TradeClosed")) == (1, 3)
    words = [sentence(event) for event in ledger.last(1000, SHOWN)]
    assert "a bought 0.5 BTC/USD at 8,000" in words
    assert "a closed BTC/USD at 8,100: +46.00 USD" in words


async def test_the_same_trade_in_another_run_is_another_trade(desk, ledger, lease, registry, venue):
    bot = PlainBot()
    bot.past = [a_trade(0)]
    registry.register("a", bot)
    recorder = Recorder(desk.center, ledger)

    await recorder.step(lease)
    venue.run_id = "run-2"
    await recorder.step(lease)

    assert kinds(ledger).count("TradeClosed") == 2
    assert len(ledger.tables.equity("run-2", "a")) == 1


async def test_stale_and_recovered_are_told(desk, ledger, lease, registry):
    bot = PlainBot()
    registry.register("a", bot)
    recorder = Recorder(desk.center, ledger)
    await recorder.step(lease)
    bot.told["data_at"] = datetime.now(UTC) - timedelta(minutes=5)
    await recorder.step(lease)
    await recorder.step(lease)
    del bot.told["data_at"]
    await recorder.step(lease)

    assert kinds(ledger) == ["BotAnnounced", "BotStale", "BotRecovered"]


async def test_a_desk_records_and_carries_out_until_it_is_stopped(desk, ledger, registry, until):
    bot = GuardedBot()
    registry.register("a", bot)
    await desk.start()
    await until(lambda: desk.lease)
    result = await desk.center.execute_cross_bot_command("pause", {}, "a")
    await until(lambda: len(ledger.tables.equity("run-1", "a")) >= 3)
    await desk.stop()

    assert result.ok
    assert bot.state is BotState.PAUSED
    assert ledger.holder("desk") is None
    assert kinds(ledger)[-1] == "DeskStopped"


async def test_a_slow_bot_delays_neither_the_others_nor_the_lease(desk, ledger, registry, until):
    free = threading.Event()

    class Slow(PlainBot):
        async def status(self):
            await asyncio.sleep(3600)

        def pause(self):
            free.wait(60)

    quick = PlainBot()
    registry.register("slow", Slow())
    registry.register("quick", quick)
    await desk.start()
    await until(lambda: desk.lease)
    token = desk.lease.token
    stuck = asyncio.create_task(desk.center.execute_cross_bot_command("pause", {}, "slow"))
    await desk.center.execute_cross_bot_command("pause", {}, "quick")
    waited = stuck.done()
    free.set()
    await stuck
    await asyncio.sleep(TTL.total_seconds())

    assert not waited
    assert desk.lease.token == token


async def test_of_two_desks_one_acts_and_the_other_takes_over(tmp_path, venue, until):
    ledger = open_ledger(tmp_path / "shared.sqlite")
    bot, desks = GuardedBot(), []
    for _ in range(2):
        registry = BotRegistry()
        registry.register("a", bot)
        desks.append(Desk(UnifiedCommandCenter(registry, ledger, venue, Settings()), ledger, ttl=TTL))
    first, second = desks
    await first.start()
    await until(lambda: first.lease)
    await second.start()
    await asyncio.sleep(0.6)
    assert second.lease is None

    await first.stop()
    await until(lambda: second.lease)
    result = await second.center.execute_cross_bot_command("pause", {}, "a")

    assert result.record.token == 2
    assert bot.tokens == [2]
    await second.stop()
    ledger.close()


async def test_a_desk_that_has_lost_its_lease_stands_by_and_acts_again(desk, ledger, registry, until):
    bot = GuardedBot()
    registry.register("a", bot)
    await desk.start()
    await until(lambda: desk.lease)

    desk._keeper._lost("taken away by the test")
    assert desk.lease is None
    await until(lambda: desk.lease and desk.lease.token == 2)
    await desk.center.execute_cross_bot_command("pause", {}, "a")

    assert bot.tokens == [2]


async def test_the_dashboard_shows_what_is_known_and_says_what_is_not(desk, ledger, registry, venue, until):
    registry.register("a", PlainBot(), tags=["spot"])
    await desk.start()
    await until(lambda: len(ledger.tables.equity("run-1", "total")) >= 2)

    data = await desk.center.get_unified_dashboard_data()

    assert data.state is DeskState.ACTIVE
    assert data.desk.token == 1
    assert data.market.run_id == "run-1"
    assert data.total.equity == Money(10_000.0, "USD")
    assert data.bots[0].health.word == "healthy"
    assert data.bots[0].tags == ("spot",)
    assert set(data.equity) == {"a", "total"}
    assert data.events[0].seq > data.events[-1].seq

    venue.silent = True
    registry.register("down", object(), capabilities=[])
    data = await desk.center.get_unified_dashboard_data()

    assert data.market is None
    assert data.equity == {}


async def test_the_dashboard_works_with_nothing_at_all(center):
    data = await center.get_unified_dashboard_data()

    assert (data.bots, data.desk, data.market) == ((), None, None)
    assert data.total.unknown == "no bot reports money"


async def test_all_bots_halted_is_a_halted_desk(center, registry):
    registry.register("a", PlainBot(state=BotState.HALTED))
    registry.register("b", PlainBot(state=BotState.HALTED))
    assert (await center.get_unified_dashboard_data()).state is DeskState.HALTED

    registry.register("c", PlainBot())
    await registry.poll()
    assert (await center.get_unified_dashboard_data()).state is DeskState.ACTIVE


async def test_cross_forecasts_are_kept_before_their_outcome(desk, ledger, registry):
    registry.register("a", PlainBot())
    registry.register("mute", object())
    market = {"symbol": "BTC/USD", "timeframe": "1h"}

    first = await desk.center.execute_cross_bot_command("forecast", market)
    await desk.center.execute_cross_bot_command("forecast", market)

    assert first.consensus.weights == {"a": 1.0}
    assert "does not do 'forecast'" in first.consensus.left_out["mute"]
    kept = await desk.center.cross_bot_memory.forecasts(symbol="BTC/USD")
    assert [memory.forecast for memory in kept] == [first.answers["a"].value]
    assert kept[0].run_id == "run-1"
    assert len(ledger.last(100, [FORECAST_MADE])) == 1
    assert len(await desk.center.cross_bot_memory.about("a")) == 1


async def test_stale_bots_answer_and_do_not_count(desk, registry):
    registry.register("old", PlainBot(data_at=datetime.now(UTC) - timedelta(minutes=5)))

    result = await desk.center.execute_cross_bot_command("forecast", {"symbol": "BTC/USD", "timeframe": "1h"})

    assert result.answers["old"].ok
    assert result.consensus.forecast is None
    assert "stale" in result.consensus.left_out["old"]


async def test_an_answer_about_another_market_is_no_answer(desk, registry):
    class Confused(PlainBot):
        async def forecast(self, symbol, timeframe, horizon=None):
            return await super().forecast("ETH/USD", timeframe)

    registry.register("confused", Confused())

    result = await desk.center.execute_cross_bot_command("forecast", {"symbol": "BTC/USD", "timeframe": "1h"})

    assert result.answers["confused"].words == "confused was asked for BTC/USD 1h and answered ETH/USD 1h"


async def test_exposure_is_shared_from_recorded_equity(desk, ledger, lease, registry):
    bots = {name: PlainBot() for name in "ab"}
    for name, bot in bots.items():
        registry.register(name, bot)
    recorder = Recorder(desk.center, ledger)
    for number in range(40):
        for size, bot in zip((0.01, 0.02), bots.values(), strict=True):
            bot.told["equity"] = Money(10_000.0 * (1 + size * (number % 2)), "USD")
        await recorder.step(lease)

    shared = await desk.center.coordinate_risk_distribution(1_000.0)

    assert shared.total.currency == "USD"
    assert [round(budget.share, 2) for budget in shared.budgets] == [0.5, 0.5]  # 2 to 1, capped at a half
    assert shared.budgets[0].volatility < shared.budgets[1].volatility
    assert shared.budgets[0].reason.endswith("capped")


async def test_commands_recorded_while_nobody_acted_are_done_by_the_next_desk(desk, ledger, registry, until):
    bot = GuardedBot()
    registry.register("a", bot)
    ledger.submit(Command("waiting", "pause", {"targets": ["a"]}, "test", datetime.now(UTC)))

    await desk.start()
    await until(lambda: ledger.command("waiting").state is CommandState.DONE)

    assert bot.by_id == {"waiting": 1}
