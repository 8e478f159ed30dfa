"""Nothing runs twice, nothing acknowledged is lost: random histories with crashes at every step."""

import asyncio
from collections import Counter
from random import Random

import pytest

from tests.support.telegram_histories import MemoryJournal, Process, World, broken, history
from workbench.integrations.telegram_intake import Intake
from workbench.ledger.log import open_ledger

COUNT = 10_000


async def test_ten_thousand_histories_act_at_most_once_and_lose_nothing_acknowledged():
    outcomes = Counter()

    for seed in range(COUNT):
        world, updates = await history(Random(seed), MemoryJournal())
        assert broken(world, updates) == [], f"seed {seed}"
        assert set(updates) == world.acknowledged
        outcomes.update(world.journal.outcome(number) for number in updates)

    assert min(outcomes[words] for words in ("done", "interrupted", "turned: old")) > 100  # all of it was met


@pytest.mark.parametrize("seed", range(12))
async def test_the_ledgers_own_journal_keeps_the_same_promises(tmp_path, seed):
    ledger = open_ledger(tmp_path / "ledger.sqlite")

    world, updates = await history(Random(seed), ledger.telegram(99))

    assert broken(world, updates) == []
    assert ledger.telegram(99).open() == []
    ledger.close()


async def test_a_journal_that_forgot_would_be_caught():
    class Forgetful(MemoryJournal):
        def receive(self, bodies):
            self.rows = {}
            return super().receive(bodies)

    found = []
    for seed in range(200):
        world, updates = await history(Random(seed), Forgetful())
        found += broken(world, updates)

    assert found


async def test_an_emergency_stop_does_not_wait_for_what_goes_on():
    begun, done = asyncio.Event(), []

    async def act(came, again):
        if came.said == "/halt x":
            done.append("halt")
        else:
            begun.set()
            await asyncio.sleep(30)
        return "done"

    async def at_once(call, *args):
        return call(*args)

    process = Process(World(MemoryJournal()), None, -1, True)
    intake = Intake(MemoryJournal(), act, process.lane, run=at_once)
    _, updates = await history(Random(3), MemoryJournal())
    some = next(iter(updates.values()))
    await intake.accept([_numbered(some, n, "/pause x") for n in range(50)])
    await begun.wait()

    await intake.accept([_numbered(some, 99, "/halt x")])
    async with asyncio.timeout(5):
        while not done:  # noqa: ASYNC110
            await asyncio.sleep(0)

    assert done == ["halt"]
    await intake.stop()


def _numbered(came, number, words):
    from dataclasses import replace

    return replace(came, update_id=number, said=words)


async def test_what_changes_something_keeps_its_order_within_a_chat():
    told = []

    async def act(came, again):
        await asyncio.sleep(0.001 * (5 - came.update_id))
        told.append((came.chat, came.update_id))
        return "done"

    async def at_once(call, *args):
        return call(*args)

    _, updates = await history(Random(3), MemoryJournal())
    some = next(iter(updates.values()))
    from dataclasses import replace

    intake = Intake(MemoryJournal(), act, Process(World(MemoryJournal()), None, -1, True).lane, run=at_once)

    await intake.accept([replace(_numbered(some, n, "/pause x"), chat=1 + n % 2) for n in range(6)])
    await intake.idle()

    assert [n for chat, n in told if chat == 1] == [0, 2, 4]
    assert [n for chat, n in told if chat == 2] == [1, 3, 5]
