"""A task with an owner: begun once, ended and waited for, and its fault is told."""

import asyncio

import structlog

from workbench.owned_task import OwnedTask


async def test_starting_twice_is_one_task_and_stopping_waits_for_its_ending():
    begun, ended = [], []

    async def work():
        begun.append(1)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append(1)

    task = OwnedTask(work, "work")
    task.start()
    task.start()
    await asyncio.sleep(0)

    assert begun == [1]
    assert task.running
    await task.stop()
    await task.stop()
    assert ended == [1]
    assert not task.running


async def test_it_can_be_begun_again_after_its_end():
    begun = []

    async def work():
        begun.append(1)

    task = OwnedTask(work, "short work")
    for _ in range(2):
        task.start()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert begun == [1, 1]


async def test_a_fault_is_told_by_name():
    async def work():
        raise ValueError("no such symbol")

    task = OwnedTask(work, "listener")
    with structlog.testing.capture_logs() as logs:
        task.start()
        await asyncio.sleep(0.01)

    assert [(line["task"], line["error"]) for line in logs] == [("listener", "ValueError: no such symbol")]
