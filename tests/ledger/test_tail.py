"""Following the log: everything, once, in order, for as long as somebody listens."""

import asyncio
import gc
import threading
import time
from contextlib import aclosing

import pytest

from tests.ledger.builders import event, events
from tests.support.postgres import server
from workbench.ledger.log import open_ledger

WAIT_S = 20


async def take(tail, count):
    async with asyncio.timeout(WAIT_S):
        return [await anext(tail) for _ in range(count)]


def followers():
    return [thread for thread in threading.enumerate() if thread.name == "ledger tail"]


async def until(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_tail_starts_now_and_hears_the_others(ledger, second):
    ledger.append(events(3))

    async with aclosing(ledger.tail()) as tail:
        appended = second.append(events(3, prefix="new"))
        heard = await take(tail, 3)

    assert heard == appended


async def test_a_tail_hears_its_own_process(ledger):
    async with aclosing(ledger.tail()) as tail:
        waiting = asyncio.create_task(take(tail, 1))
        await asyncio.sleep(0.1)
        appended = ledger.append([event()])

        assert await waiting == appended


async def test_a_tail_resumes_after_a_number(ledger):
    ledger.append(events(1200))

    async with aclosing(ledger.tail(after=100)) as tail:
        heard = await take(tail, 1100)

    assert [found.seq for found in heard] == list(range(101, 1201))


async def test_a_tail_of_some_kinds(ledger):
    async with aclosing(ledger.tail(kinds=["halt", "fill"])) as tail:
        for number, kind in enumerate(["note", "fill", "note", "halt"]):
            ledger.append([event(f"e{number}", kind)])
        heard = await take(tail, 2)

    assert [found.kind for found in heard] == ["fill", "halt"]


async def test_rows_come_as_read_gives_them(ledger):
    ledger.append([event(nested={"a": [1, 2.5, "ü"]}, big=2**62)])

    async with aclosing(ledger.tail(0)) as tail:
        assert await take(tail, 1) == ledger.read()


async def test_an_idle_tail_wakes_soon(ledger, second):
    async with aclosing(ledger.tail()) as tail:
        for number in range(5):
            waiting = asyncio.create_task(take(tail, 1))
            await asyncio.sleep(0.3)  # long enough to have gone to sleep
            second.append([event(f"e{number}")])
            assert (await waiting)[0].event_id == f"e{number}"


async def test_a_wait_that_was_cancelled_loses_nothing(ledger):
    async with aclosing(ledger.tail()) as tail:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(tail), 0.03)
        appended = ledger.append(events(3))

        assert await take(tail, 3) == appended


async def test_the_loop_stays_free_while_a_tail_waits(ledger):
    turns = 0
    async with aclosing(ledger.tail()) as tail:
        waiting = asyncio.create_task(take(tail, 1))
        ends = time.monotonic() + 0.3
        while time.monotonic() < ends:
            await asyncio.sleep(0)
            turns += 1
        ledger.append([event()])
        await waiting

    assert turns > 100


async def test_a_slow_consumer_holds_up_nobody_and_misses_nothing(ledger):
    async with aclosing(ledger.tail()) as slow, aclosing(ledger.tail()) as quick:
        ledger.append(events(3000), durable=False)
        first = await take(slow, 1)
        assert len(await take(quick, 3000)) == 3000
        assert slow._batches.qsize() <= 2  # the rest waits on the disk, not in memory
        rest = await take(slow, 2999)

    assert [found.seq for found in first + rest] == list(range(1, 3001))


async def test_closing_a_tail_ends_its_iteration_and_its_thread(ledger):
    before = len(followers())
    tail = ledger.tail(0)
    ledger.append([event()])
    await take(tail, 1)
    waiting = asyncio.create_task(anext(tail, "ended"))
    await asyncio.sleep(0.05)

    await tail.aclose()

    assert await asyncio.wait_for(waiting, WAIT_S) == "ended"
    await until(lambda: len(followers()) == before)


async def test_closing_the_ledger_ends_its_tails(ledger):
    waiting = asyncio.create_task(anext(ledger.tail(), "ended"))
    await asyncio.sleep(0.05)

    ledger.close()

    assert await asyncio.wait_for(waiting, WAIT_S) == "ended"


async def test_a_forgotten_tail_lets_its_thread_go(ledger):
    before = len(followers())
    tail = ledger.tail(0)
    ledger.append([event()])
    await take(tail, 1)
    assert len(followers()) == before + 1

    del tail
    gc.collect()

    await until(lambda: len(followers()) == before)


async def test_without_the_kernels_help_the_counter_alone_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.ledger.watch._inotify", lambda path: -1)
    ledger = open_ledger(tmp_path / "ledger.sqlite")

    async with aclosing(ledger.tail()) as tail:
        waiting = asyncio.create_task(take(tail, 2))
        await asyncio.sleep(0.1)
        appended = ledger.append(events(2))
        assert await waiting == appended

    ledger.close()


async def test_an_idle_tail_hardly_computes(tmp_path):
    """Measured precisely in `workbench bench ledger`; here: far from spinning."""
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    async with aclosing(ledger.tail()) as tail:
        waiting = asyncio.create_task(take(tail, 1))
        await asyncio.sleep(1.2)  # past the quick looks after opening
        began = time.process_time()
        await asyncio.sleep(1.0)
        used = time.process_time() - began
        ledger.append([event()])
        await waiting
    ledger.close()

    assert used < 0.1


@pytest.mark.postgres
async def test_a_tail_survives_a_restart_of_the_server(postgres_server):
    with server() as running:
        ledger = open_ledger(running.new_ledger())
        async with aclosing(ledger.tail()) as tail:
            ledger.append(events(2, prefix="before"))
            before = await take(tail, 2)
            await asyncio.to_thread(running.stop)  # as good as kill -9
            await asyncio.to_thread(running.start)
            ledger.append(events(2, prefix="after"))
            after = await take(tail, 2)
        ledger.close()

    assert [found.event_id for found in before + after] == ["before0", "before1", "after0", "after1"]
