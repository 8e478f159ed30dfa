"""What changes bots happens once, wherever it was asked for, and whoever dies."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.plain_bots import GuardedBot, PlainBot
from workbench.domain.commands import Command, CommandState
from workbench.domain.errors import BotError, BotUnknown, CommandError, LedgerError
from workbench.domain.portfolio import BotState
from workbench.ledger.lease import LeaseKeeper
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.executor import Executor
from workbench.orchestration.questions import Asking

MARKET = {"symbol": "BTC/USD", "timeframe": "1h"}
SHORT = timedelta(seconds=2)


async def test_a_lone_process_takes_the_lease_for_the_while_and_gives_it_back(center, ledger):
    bot = PlainBot()
    center.register_bot("a", bot)

    result = await center.execute_cross_bot_command("pause", {}, "a")

    assert result.ok
    assert result.record.state is CommandState.DONE
    assert bot.acts["pause"] == 1
    assert ledger.holder("desk") is None


async def test_the_same_id_acts_once_and_is_answered_alike(center):
    bot = PlainBot()
    center.register_bot("a", bot)

    results = await asyncio.gather(
        *(center.execute_cross_bot_command("pause", {}, "a", command_id="one") for _ in range(5))
    )
    again = await center.execute_cross_bot_command("pause", {}, "a", command_id="one")

    assert all(result.ok for result in [*results, again])
    assert bot.acts["pause"] == 1
    with pytest.raises(LedgerError, match="'one'"):
        await center.execute_cross_bot_command("resume", {}, "a", command_id="one")


async def test_each_bot_has_its_own_outcome(center, registry):
    class Broken(PlainBot):
        def pause(self):
            raise BotError("the venue is closed")

    good = PlainBot()
    for name, bot in (("good", good), ("broken", Broken()), ("seer", object())):
        center.register_bot(name, bot)

    result = await center.execute_cross_bot_command("pause", {}, "all")

    assert not result.ok
    assert result.record.state is CommandState.FAILED
    assert result.answers["good"].ok
    assert result.answers["broken"].words == "the venue is closed"
    assert "does not do 'pause'" in result.answers["seer"].words
    assert good.acts["pause"] == 1


async def test_a_hanging_bot_delays_nobody_and_its_outcome_is_unknown(center):
    class Hanging(PlainBot):
        async def pause(self):
            await asyncio.sleep(3600)

    good = PlainBot()
    center.register_bot("good", good)
    center.register_bot("hanging", Hanging())
    center.effects._deadline_s = 0.3

    result = await center.execute_cross_bot_command("pause", {}, "all")

    assert good.acts["pause"] == 1
    said = result.record.result["bots"]["hanging"]
    assert (said["ok"], said["outcome"]) == (False, "unknown")
    assert "it is running: look at it, then ask again" in said["words"]


async def test_no_answer_but_the_wanted_state_is_done(center):
    class Lossy(PlainBot):
        async def pause(self):
            PlainBot.pause(self)
            raise BotUnknown("sent, but the connection broke")

    center.register_bot("lossy", Lossy())

    result = await center.execute_cross_bot_command("pause", {}, "lossy")

    assert result.ok
    assert result.record.result["bots"]["lossy"]["words"] == "done: it is paused"


@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ("fly", {}, "no question to bots"),
        ("tune", {}, "tune needs symbol and timeframe"),
        ("pause", {"hard": True}, "'hard' is not among it"),
        ("forecast", {"symbol": "BTC/USD"}, "forecast needs timeframe"),
    ],
)
async def test_wrong_commands_are_refused_before_anything_is_recorded(center, ledger, command, args, words):
    center.register_bot("a", PlainBot())

    with pytest.raises(CommandError, match=words):
        await center.execute_cross_bot_command(command, args, "a")
    assert ledger.commands() == []


async def test_without_bots_an_effect_is_refused(center):
    with pytest.raises(CommandError, match="none is registered"):
        await center.execute_cross_bot_command("pause")


async def test_tuning_shows_progress_and_gives_its_result(center):
    bot = PlainBot()
    bot.tune_steps, bot.step_s = 6, 0.25
    center.register_bot("a", bot)
    heard = []

    result = await center.execute_cross_bot_command(
        "tune", MARKET, "a", how=Asking(progress=lambda done, words: heard.append((done, words)))
    )

    assert result.answers["a"].value.best == {"fast": 8}
    assert result.answers["a"].value.bot_id == "a"
    assert len(heard) >= 2
    assert heard == sorted(heard)


async def test_giving_up_a_tuning_ends_it(center, ledger, until):
    ended = []

    class Tuner(PlainBot):
        async def tune(self, symbol, timeframe, progress):
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(1)

    center.register_bot("a", Tuner())
    asking = asyncio.create_task(center.execute_cross_bot_command("tune", MARKET, "a", command_id="t"))
    await until(lambda: ledger.command("t") and ledger.command("t").state is CommandState.RUNNING)
    await asyncio.sleep(0.05)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert ended == [1]
    assert ledger.command("t").state is CommandState.FAILED
    assert ledger.command("t").result["words"] == "cancelled"


async def test_a_pause_does_not_wait_for_a_tuning(center, until, ledger):
    bot = PlainBot()
    bot.tune_steps, bot.step_s = 3000, 0.02
    center.register_bot("a", bot)
    tuning = asyncio.create_task(center.execute_cross_bot_command("tune", MARKET, "a"))
    await until(lambda: ledger.holder("desk"))
    await center.execute_cross_bot_command("pause", {}, "a")

    assert bot.acts["pause"] == 1
    assert not tuning.done()
    tuning.cancel()
    await asyncio.wait([tuning])


async def test_effects_reach_a_bot_in_the_order_they_were_taken(ledger, registry, until):
    class Slow(PlainBot):
        def __init__(self):
            super().__init__()
            self.order = []

        async def pause(self, command_id):
            await asyncio.sleep(0.05)
            self.order.append(command_id)

        async def resume(self, command_id):
            self.order.append(command_id)

    bot = Slow()
    registry.register("a", bot)
    ids = [f"{number:02}" for number in range(8)]
    for number, command_id in enumerate(ids):
        name = "pause" if number % 2 == 0 else "resume"
        ledger.submit(Command(command_id, name, {"targets": ["a"]}, "test", datetime.now(UTC)))
    async with acting(ledger, registry):
        await until(lambda: ledger.command(ids[-1]).state is CommandState.DONE)

    assert bot.order == ids


class acting:
    """An executor under a lease of its own; leaving it is a sudden death unless `kindly`."""

    def __init__(self, ledger, registry, ttl=SHORT):
        self.keeper = LeaseKeeper(ledger, "desk", f"test:{id(self)}", ttl, lambda why: None)
        self.ledger, self.registry = ledger, registry

    async def __aenter__(self):
        assert await self.keeper.start()
        self.executor = Executor(self.registry, self.ledger, self.keeper, 1.0)
        self.task = asyncio.create_task(self.executor.run())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.keeper.stop()


@pytest.mark.parametrize("honours_ids", [True, False])
@pytest.mark.parametrize("acted", [True, False])
async def test_a_command_left_half_done_is_found_out_and_settled(ledger, registry, until, honours_ids, acted):
    bot = GuardedBot()
    bot.idempotent = honours_ids
    registry.register("a", bot)
    ledger.submit(Command("one", "pause", {"targets": ["a"]}, "test", datetime.now(UTC)))
    dead = ledger.acquire("desk", "the dead", SHORT)
    ledger.take(dead)
    if acted:
        await bot.pause(command_id="one", token=dead.token)
    ledger.release(dead)

    async with acting(ledger, registry):
        await until(lambda: ledger.command("one").state in (CommandState.DONE, CommandState.FAILED))

    record = ledger.command("one")
    assert bot.by_id["one"] == (1 if acted or honours_ids else 0)
    assert record.state is (CommandState.DONE if acted or honours_ids else CommandState.FAILED)
    if not acted and not honours_ids:
        assert "it is running: look at it, then ask again" in record.result["bots"]["a"]["words"]


async def test_an_old_resume_is_refused_and_an_old_pause_is_done(ledger, registry, until):
    bot = PlainBot()
    registry.register("a", bot)
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    ledger.submit(Command("resume", "resume", {"targets": ["a"]}, "test", long_ago))
    ledger.submit(Command("pause", "pause", {"targets": ["a"]}, "test", long_ago))

    async with acting(ledger, registry):
        await until(lambda: ledger.command("pause").state is CommandState.DONE)
        await until(lambda: ledger.command("resume").state is CommandState.FAILED)

    assert bot.acts == {"pause": 1}
    assert "too long ago" in ledger.command("resume").result["words"]


async def test_a_command_of_a_newer_workbench_fails_with_words(ledger, registry, until):
    ledger.submit(Command("x", "levitate", {"targets": []}, "test", datetime.now(UTC)))

    async with acting(ledger, registry):
        await until(lambda: ledger.command("x").state is CommandState.FAILED)

    assert "no such effect: levitate" in ledger.command("x").result["words"]


async def test_without_its_lease_an_executor_sends_nothing_more(ledger, registry, until):
    class Slow(PlainBot):
        async def pause(self):
            await asyncio.sleep(0.2)
            PlainBot.pause(self)

    bot = Slow()
    registry.register("a", bot)
    for number in range(4):
        ledger.submit(Command(str(number), "pause", {"targets": ["a"]}, "test", datetime.now(UTC)))
    async with acting(ledger, registry) as desk:
        await until(lambda: bot.acts["pause"] == 1)
        desk.keeper._lost("taken away by the test")
        await asyncio.sleep(0.6)

    assert bot.acts["pause"] <= 2  # the one under way may still end
    assert ledger.command("3").state is CommandState.RUNNING


async def test_objects_of_a_notebook_are_out_of_reach_of_a_desk_elsewhere(center, ledger):
    bot = PlainBot()
    center.register_bot("mine", bot)
    lease = ledger.acquire("desk", "another:1:x", SHORT)

    with pytest.raises(BotError, match="lives in this process only"):
        await center.execute_cross_bot_command("pause", {}, "mine")

    assert ledger.commands() == []
    ledger.release(lease)


async def test_when_the_desk_dies_somebody_who_waits_takes_over(ledger, tmp_path, until):
    bot = GuardedBot()
    registry = BotRegistry()
    registry.register("a", bot)
    center = UnifiedCommandCenter(registry, ledger)
    dead = ledger.acquire("desk", center.effects._holder, timedelta(seconds=1))

    result = await center.execute_cross_bot_command("pause", {}, "a", command_id="one")

    assert result.ok
    assert bot.tokens == [dead.token + 1]
    assert bot.state is BotState.PAUSED
    await center.stop()
