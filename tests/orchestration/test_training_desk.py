"""Training when it is due, in a process of its own: however that ends, the ledger says how, and the next one begins."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from tests.support.klines import START
from workbench.domain.events import NewEvent
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.sync_topics import TRAINING_ENDED
from workbench.orchestration.training_desk import TRAINING_STARTED, TrainingDesk
from workbench.settings import Settings

DONE = ("-c", 'print(\'{"title": "version 3 takes over"}\')')
REFUSED = ("-c", 'import sys; print(\'{"title": "", "error": "too little"}\'); sys.exit(1)')
BROKEN = ("-c", "raise RuntimeError('the <disk> is full')")
SLEEPS = ("-c", "import time; time.sleep(600)")


@pytest.fixture
async def center(registry, ledger, venue, tmp_path):
    settings = Settings(home=tmp_path, learning={"rest_s": 0, "train_every": "1d", "time_limit_s": 60})
    made = UnifiedCommandCenter(registry, ledger, venue, settings)
    yield made
    await made.stop()


def ends(ledger):
    return [(event.payload["outcome"], event.payload["words"]) for event in ledger.read(kinds=[TRAINING_ENDED])]


async def test_it_trains_when_so_much_market_time_has_passed(center, ledger, venue):
    desk = TrainingDesk(center, ledger, DONE)
    await desk.step()
    await desk.step()  # no market time has passed
    venue.now = START + timedelta(hours=23)
    await desk.step()
    venue.now = START + timedelta(hours=24)
    await TrainingDesk(center, ledger, DONE).step()  # another desk: the ledger knows

    assert ends(ledger) == [("done", "training done: version 3 takes over")] * 2
    assert len(ledger.read(kinds=[TRAINING_STARTED])) == 2


@pytest.mark.parametrize(
    ("arguments", "outcome", "why"), [(REFUSED, "failed", "too little"), (BROKEN, "failed", "the <disk> is full")]
)
async def test_a_training_that_fails_says_why(center, ledger, arguments, outcome, why):
    await TrainingDesk(center, ledger, arguments).step()

    ((ended, words),) = ends(ledger)
    assert ended == outcome
    assert why in words


async def test_the_process_is_the_command_that_a_person_would_type(center, ledger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no settings are
    await TrainingDesk(center, ledger).step()

    assert ends(ledger) == [
        (
            "failed",
            "training failed: no market is known to learn from; is the exchange running?",
        )  # its home has no desk
    ]


async def test_one_that_takes_too_long_is_ended(registry, ledger, venue, tmp_path):
    settings = Settings(home=tmp_path, learning={"rest_s": 0, "time_limit_s": 1})
    await TrainingDesk(UnifiedCommandCenter(registry, ledger, venue, settings), ledger, SLEEPS).step()

    assert ends(ledger) == [("timed out", "training timed out: it did not end within 1 s")]
    assert sleepers() == []


async def test_one_that_is_killed_is_said_to_be(center, ledger, until):
    desk = TrainingDesk(center, ledger, SLEEPS)
    step = asyncio.create_task(desk.step())
    await until(sleepers)
    os.kill(sleepers()[0].pid, signal.SIGKILL)
    await step

    assert ends(ledger) == [("killed", "training killed: by signal 9")]


async def test_a_desk_that_stops_ends_its_training(center, ledger, until):
    desk = TrainingDesk(center, ledger, SLEEPS)
    desk.start()
    await until(sleepers)
    await desk.stop()

    assert ends(ledger) == [("stopped", "training stopped: the desk stopped while it was under way")]
    assert sleepers() == []


async def test_what_a_dead_desk_left_open_is_closed(center, ledger, venue):
    facts = {"training": "x", "world": "run-1", "market_time": START.isoformat()}
    ledger.append([NewEvent(TRAINING_STARTED, "desk", facts, "t:x", datetime.now(UTC))])
    await TrainingDesk(center, ledger, DONE).step()

    assert ends(ledger) == [("lost", "training lost: it ended with the desk that had begun it")]


async def test_none_is_begun_where_settings_say_so_or_the_venue_is_silent(registry, ledger, venue, tmp_path):
    off = UnifiedCommandCenter(registry, ledger, venue, Settings(home=tmp_path, learning={"train": False, "rest_s": 0}))
    silent = UnifiedCommandCenter(registry, ledger, None, Settings(home=tmp_path, learning={"rest_s": 0}))
    for center in (off, silent):
        await TrainingDesk(center, ledger, DONE).step()

    assert ledger.read(kinds=[TRAINING_STARTED]) == []


def sleepers():
    return [child for child in psutil.Process().children() if "time.sleep(600)" in " ".join(child.cmdline())]
