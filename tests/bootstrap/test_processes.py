"""Children start, are missed when they die, and end with us."""

import asyncio
import os
import signal
import sys

import pytest

from workbench.bootstrap import processes
from workbench.bootstrap.processes import Child, ChildSpec, Household
from workbench.domain.errors import StartError


def spec(manner, **more):
    return ChildSpec(manner, "tests.support.child_program", (manner,), **more)


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split(") ")[1][0] == "Z"
    except FileNotFoundError:
        return True


async def until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_child_says_it_is_ready_and_stops_when_asked(tmp_path):
    child = Child(spec("well"), tmp_path / "log")

    said = await child.start()
    await child.stop()

    assert gone(said["pid"])


async def test_a_failing_child_is_told_in_its_own_words(tmp_path):
    with pytest.raises(StartError, match="port 1 is taken; choose another"):
        await Child(spec("fails"), tmp_path / "log").start()


async def test_a_silent_child_is_given_up(tmp_path):
    with pytest.raises(StartError, match="mute was not ready"):
        await Child(spec("mute", ready_s=0.5), tmp_path / "log").start()


async def test_a_deaf_child_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_S", 0.3)
    child = Child(spec("deaf"), tmp_path / "log")
    said = await child.start()

    await child.stop()

    assert gone(said["pid"])


async def test_if_one_cannot_start_none_is_left_behind(tmp_path):
    house = Household(tmp_path, lambda *_: None)
    good = await house.start([spec("well")])

    with pytest.raises(StartError):
        await house.start([spec("fails")])

    assert gone(good[0]["pid"])


async def test_a_killed_child_is_reported_and_comes_back(tmp_path):
    events, back = [], asyncio.Queue()
    house = Household(tmp_path, lambda kind, facts: events.append((kind, facts)))

    async def restarted(name, said):
        await back.put((name, said))

    first = (await house.start([spec("well")]))[0]
    house.supervise(restarted)
    os.kill(first["pid"], signal.SIGKILL)
    name, second = await asyncio.wait_for(back.get(), 10)
    await house.stop()

    assert name == "well"
    assert second["pid"] != first["pid"]
    assert [kind for kind, _ in events] == ["ChildDied", "ChildRestarted"]
    assert gone(second["pid"])


PARENT = """
import asyncio, pathlib, sys
from workbench.bootstrap.processes import Child, ChildSpec
async def main():
    child = Child(ChildSpec("well", "tests.support.child_program", ("well",)), pathlib.Path(sys.argv[1]))
    print((await child.start())["pid"], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_killed_parent_leaves_no_child(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "log"), stdout=asyncio.subprocess.PIPE
    )
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await until(lambda: gone(pid))
