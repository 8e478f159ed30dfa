"""Bots that do not ask: reconciled, reduced on a breach, halted on a trigger, each for itself."""

import pytest

from tests.support.plain_bots import PlainBot, a_position
from workbench.domain.desk import DeskState
from workbench.domain.halts import AccountView
from workbench.domain.portfolio import BotState, Money
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.supervisor import Supervisor
from workbench.settings import HaltSettings, LimitSettings, Settings, TriggerSettings


class Shown:
    """A venue that shows what it is told to."""

    name = "shown"

    def __init__(self):
        self.views = {}

    async def accounts(self):
        return {name: AccountView(name, positions, (), 0) for name, positions in self.views.items()}

    async def flatten(self, account):
        self.views[account] = {}
        return []


@pytest.fixture
def venue():
    return Shown()


@pytest.fixture
async def supervised(registry, ledger, venue):
    settings = Settings(
        deadline_s=2.0,
        halt=HaltSettings(deadline_s=1.5, settle_s=0.1, watch_every_s=0.1),
        limits=LimitSettings(bot_gross=0.5),
        triggers=TriggerSettings(reconciliation_looks=100),
    )
    center = UnifiedCommandCenter(registry, ledger, None, settings, [venue])
    yield Supervisor(center, ledger)
    await center.stop()


async def look(supervised, times=1):
    for _ in range(times):
        await supervised._center.registry.poll()
        await supervised.step()


async def test_a_bot_over_its_limit_is_reduced_and_paused_and_no_other(supervised, registry, ledger, venue, until):
    over, within = PlainBot(positions=(a_position(amount=1.0),)), PlainBot(positions=(a_position(amount=0.5),))
    registry.register("over", over)
    registry.register("within", within)
    venue.views = {"over": {"BTC/USD": 1.0}, "within": {"BTC/USD": 0.5}}  # at 8,100, of 10,000 each

    await look(supervised, 3)

    await until(lambda: over.state is BotState.PAUSED)
    standing = ledger.states.all()["over"]
    assert standing.state is DeskState.REDUCING
    assert standing.reason == "bot gross: 8,100.00 held, at most 5,000.00"
    assert within.state is BotState.RUNNING
    assert set(ledger.states.all()) == {"over"}
    refused = await supervised._center.execute_cross_bot_command("resume", {}, "over")
    assert "over is reducing by supervisor" in refused.answers["over"].words


async def test_back_within_its_limit_a_bot_may_be_resumed(supervised, registry, ledger, venue, until):
    bot = PlainBot(positions=(a_position(amount=1.0),))
    registry.register("over", bot)
    venue.views = {"over": {"BTC/USD": 1.0}}
    await look(supervised, 3)
    await until(lambda: bot.state is BotState.PAUSED)
    venue.views, bot.told = {"over": {}}, {}

    await look(supervised, 1)

    assert ledger.states.all() == {}
    assert bot.state is BotState.PAUSED  # a person resumes it


async def test_what_nobody_can_price_may_not_grow(supervised, registry, ledger, venue):
    registry.register("odd", PlainBot())
    registry.register("well", PlainBot())
    venue.views = {"odd": {"XYZ/USD": 5.0}, "well": {}}

    await look(supervised, 3)

    assert ledger.states.all()["odd"].reason == "what it holds in XYZ/USD has no price"
    assert set(ledger.states.all()) == {"odd"}


async def test_a_bot_that_is_down_stops_nobody_else(supervised, registry, ledger, venue):
    def broken():
        raise OSError("gone")

    bad, good = PlainBot(), PlainBot()
    bad.status = broken
    registry.register("bad", bad)
    registry.register("good", good)

    await look(supervised, 3)

    assert ledger.states.all() == {}
    assert good.state is BotState.RUNNING


async def test_a_tripped_trigger_halts_its_scope_once(supervised, registry, ledger, venue, until):
    loser, other = PlainBot(), PlainBot()
    registry.register("loser", loser)
    registry.register("other", other)
    venue.views = {"loser": {}, "other": {}}
    await look(supervised)
    loser.told = {"equity": Money(7_000.0, "USD")}

    await look(supervised, 3)
    await until(lambda: loser.state is BotState.HALTED)
    await look(supervised, 2)

    standing = ledger.states.all()["loser"]
    assert standing.state is DeskState.HALTED
    assert standing.set_by == "trigger: drawdown"
    assert other.state is BotState.RUNNING
    assert len(ledger.read(kinds=["HaltBegan"])) == 1


async def test_a_bot_that_runs_under_a_latch_is_halted_anew(supervised, registry, ledger, venue, until):
    ledger.states.tighten("desk", DeskState.HALTED, "last week's halt", "ada")  # its watch is long over
    reborn, other = PlainBot(), PlainBot()
    registry.register("reborn", reborn)
    registry.register("other", other)
    venue.views = {"reborn": {}, "other": {}}
    other.state = BotState.HALTED

    await look(supervised, 3)

    await until(lambda: reborn.state is BotState.HALTED)
    assert other.acts["halt"] == 0
    assert ledger.states.all()["desk"].reason == "last week's halt"


async def test_a_market_held_back_pauses_the_supervised_bots_that_have_it_and_no_other(
    supervised, registry, ledger, venue, until
):
    holder, other = PlainBot(positions=(a_position(amount=0.1),)), PlainBot()
    registry.register("holder", holder)
    registry.register("other", other)
    venue.views = {"holder": {"BTC/USD": 0.1}, "other": {}}
    ledger.states.tighten("BTC/USD", DeskState.HALTED, "news", "ada")

    await look(supervised, 2)

    await until(lambda: holder.state is BotState.PAUSED)
    assert other.state is BotState.RUNNING
    assert ledger.states.all()["BTC/USD"].set_by == "ada"  # a person's hold is a person's to lift
