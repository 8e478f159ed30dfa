"""Kernels come from a nursery that has their imports done, are kernels in every way, and leave with it."""

import asyncio
import os
import sys

import psutil
import pytest

from tests.support.page_server import PageServer
from workbench.dashboard.forked_kernels import FORKS, Forked, Nursery

pytestmark = pytest.mark.skipif(not FORKS, reason="kernels are forked on Linux only")
PATIENCE_S = 120


async def gone(pid):
    async with asyncio.timeout(PATIENCE_S):
        while psutil.pid_exists(pid):  # noqa: ASYNC110 - another's child has no event for us
            await asyncio.sleep(0.05)


async def test_a_process_that_is_not_our_child_is_seen_to_run_end_and_be_ended():
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-c", "sleep 300 >/dev/null & echo $!"), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    forked = Forked(int((await shell.communicate())[0]))

    assert forked.poll() is None
    forked.terminate()
    assert await asyncio.to_thread(forked.wait) == 0
    forked.kill()  # again: nothing

    assert forked.poll() == 0
    await gone(forked.pid)


async def test_kernels_of_a_nursery_that_ends_end_too(tmp_path):
    nursery = Nursery()
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", str(tmp_path / "kernel.json")]
    first, second = [await nursery.fork(argv, dict(os.environ), str(tmp_path)) for _ in range(2)]

    assert psutil.Process(first.pid).ppid() == psutil.Process(second.pid).ppid()
    async with asyncio.timeout(PATIENCE_S):
        while not (tmp_path / "kernel.json").exists():  # noqa: ASYNC110 - written by another process
            await asyncio.sleep(0.05)
    assert psutil.Process(first.pid).cwd() == str(tmp_path)
    nursery.end()

    await gone(first.pid)
    await gone(second.pid)


def test_a_page_of_a_server_is_a_fork_and_leaves_nothing_behind():
    with PageServer("--port", "0", "--heated", "0") as page:
        status, _, _ = page.get()
        kernels = page.kernels()
        nurses = {kernel.ppid() for kernel in kernels}

    assert status == 200
    assert len(kernels) == len(nurses) == 1
    assert not [pid for pid in (*nurses, *(kernel.pid for kernel in kernels)) if psutil.pid_exists(pid)]
