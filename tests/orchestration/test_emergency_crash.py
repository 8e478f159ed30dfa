"""A halt that is killed half-way is finished by somebody else; and real bots are flat where it counts, at the venue."""

import pytest

from tests.support.trading_floor import held, trading_floor, until
from workbench.bench import halt_crashes, halt_syscalls
from workbench.domain.portfolio import BotState
from workbench.ledger.log import open_ledger
from workbench.market.paper_exchange.custody import PaperCustody
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.emergency import EmergencyStop
from workbench.settings import HaltSettings


@pytest.mark.slow
async def test_a_halt_killed_at_any_step_completes_and_nothing_resumes(tmp_path):
    swept = await halt_crashes.sweep(4, tmp_path)

    assert swept.crashes == 4
    assert swept.latched >= 2  # the first steps come before the latch
    assert swept.completed == swept.latched
    assert swept.resumed == 0
    assert swept.most_effects == 1


@pytest.mark.slow
@pytest.mark.skipif(not halt_syscalls.available(), reason="strace is not here: no halt is killed at its system calls")
async def test_a_halt_killed_at_any_system_call_completes_and_nothing_resumes(tmp_path):
    sites, swept = await halt_syscalls.sweep(5, tmp_path)

    assert sites > swept.crashes == 5  # all of them: workbench bench halt
    assert swept.latched >= 2
    assert swept.completed == swept.latched
    assert swept.resumed == 0
    assert swept.most_effects <= 1


async def test_a_halted_desk_started_again_and_again_stays_halted(tmp_path):
    assert await halt_syscalls.restarts(40, tmp_path) == (40, 0)


@pytest.mark.slow
async def test_after_a_halt_the_exchange_itself_shows_nothing_open(tmp_path):
    async with trading_floor(bots=1) as floor:
        bot = await floor.bot("trend")
        await floor.play(3)
        hand = await floor.hand("ada")  # a bot that does not answer, with something open
        await hand.create_order("BTC/USD", "market", "buy", 0.3)
        await hand.create_order("ETH/USD", "limit", "buy", 1.0, 100.0)
        assert held(await floor.account("trend"))
        ledger, registry = open_ledger(tmp_path / "ledger.sqlite"), BotRegistry()
        registry.register("trend", bot)
        registry.register("ada", Silent())
        settings = HaltSettings(deadline_s=4.0, settle_s=0.3, watch_every_s=0.2)
        stop = EmergencyStop(registry, ledger, [PaperCustody(floor.venue)], settings)

        report = await stop.halt("all", "test", "ada")

        found = {finding.bot_id: finding for finding in report.findings}
        assert found["trend"].confirmed, found["trend"]
        assert "it has not answered the halt" in found["ada"].reason
        for name in ("trend", "ada"):
            account = await floor.account(name)
            assert held(account) == {}
            assert account["open_orders"] == []
        assert (await bot.status()).state is BotState.HALTED
        # what is opened afterwards, by whomever, is found and closed again
        await hand.create_order("BTC/USD", "market", "buy", 0.2)
        await until(lambda: _flat(floor, "ada"))
        await stop.stop()
        ledger.close()


class Silent:
    """Never answers."""

    async def halt(self):
        await until(_never, 3600)


async def _never():
    return False


async def _flat(floor, name):
    return not held(await floor.account(name))
