"""The emergency stop: what is confirmed, what is named, and that nothing else can make it stop stopping."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.support.plain_bots import PlainBot
from workbench.bench.halt_floor import Floor
from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError, UnknownBotError
from workbench.domain.halts import Halt, HaltStep, Outcome
from workbench.domain.portfolio import BotState
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.emergency import EmergencyStop
from workbench.orchestration.halt_book import HaltBook
from workbench.settings import HaltSettings

QUICK = HaltSettings(deadline_s=2.5, watch_s=60, watch_every_s=0.1, settle_s=0.3)


class Scene:
    """Bots of given kinds on a floor, and processes that may stop them."""

    def __init__(self, ledger, kinds, **floor):
        self.ledger, self.floor = ledger, Floor(kinds, **floor)
        self._stops = []

    def process(self, settings=QUICK, ledger=None):
        registry = BotRegistry()
        for bot_id, bot in self.floor.bots.items():
            registry.register(bot_id, bot, tags=["spot"] if bot_id == "bot0" else [])
        stop = EmergencyStop(registry, ledger or self.ledger, [self.floor.venue], settings)
        self._stops.append(stop)
        return stop

    async def close(self):
        for stop in self._stops:
            await stop.stop()
        await self.floor.stop()


@pytest.fixture
async def scene(ledger):
    made = []

    def make(*kinds, **floor):
        made.append(Scene(ledger, kinds, **floor))
        made[-1].floor.start()
        return made[-1]

    yield make
    for each in made:
        await each.close()


def outcomes(report):
    return {finding.bot_id: finding.outcome for finding in report.findings}


async def test_bots_that_stop_are_confirmed_at_the_venue(scene, ledger):
    here = scene("good", "good", "slow")

    report = await here.process().halt("all", "typed /halt", "ada")

    assert report.confirmed, report.words
    assert set(here.floor.venue.positions.values()) == {0.0}
    assert ledger.states.all()["desk"].state is DeskState.HALTED
    assert report.halt.step is HaltStep.WATCHING
    assert report.words == "3 of 3 confirmed at the venue"


async def test_the_others_are_named_each_with_its_reason(scene):
    here = scene("good", "hang", "error", "lie open", "lie flat", flat_s=0.8)

    report = await here.process().halt()

    named = {f.bot_id: f.reason for f in report.findings if not f.confirmed}
    assert set(named) == {"bot1", "bot2", "bot3", "bot4"}
    assert "it has not answered the halt" in named["bot1"]
    assert "its database is locked" in named["bot2"]


async def test_a_liar_that_was_flat_but_runs_on_is_caught_by_the_watch(scene, ledger, until):
    here = scene("good", "lie flat", flat_s=1.5)

    report = await here.process().halt()
    assert report.confirmed  # nothing anybody could see
    await until(lambda: ledger.read(kinds=["HaltReopened"]))

    told = ledger.read(kinds=["HaltReopened"])[0].payload
    assert told["bot_id"] == "bot1"
    assert "bot1 re-opened after the halt: 0.5 BTC/USD" in told["words"]
    await until(lambda: here.floor.venue.closed_by_desk["bot1"])


async def test_what_a_bot_leaves_open_is_closed_by_the_desk(scene):
    here = scene("error")
    here.floor.bots["bot0"].trading = False
    here.floor.venue.open("bot0")

    report = await here.process().halt()

    assert here.floor.venue.positions["bot0"] == 0.0
    assert outcomes(report) == {"bot0": Outcome.FAILED}


async def test_a_hundred_repeats_have_one_effect(scene, ledger):
    here = scene("good", "good")
    first, second = here.process(), here.process()

    reports = await asyncio.gather(*((first, second)[n % 2].halt() for n in range(100)))

    assert len({report.halt.halt_id for report in reports}) == 1
    assert all(sum(bot.acts.values()) <= 2 for bot in here.floor.bots.values())  # once from each process
    assert all(len(bot.acts) == 1 for bot in here.floor.bots.values())  # under one id
    assert len(ledger.read(kinds=["HaltBegan"])) == 1


async def test_a_tag_or_a_bot_stops_alone(scene, ledger):
    here = scene("good", "good")

    report = await here.process().halt("@spot")

    assert outcomes(report) == {"bot0": Outcome.CONFIRMED}
    assert here.floor.bots["bot1"].told is BotState.RUNNING
    assert set(ledger.states.all()) == {"@spot"}


async def test_a_name_nobody_answers_to_latches_nothing(scene, ledger):
    here = scene("good")

    with pytest.raises(UnknownBotError):
        await here.process().halt("bto0")

    assert ledger.states.all() == {}


async def test_another_process_goes_on_where_one_has_died(scene, ledger, until):
    here = scene("good", "good")
    ledger.halts.begin(Halt("h1", ("desk",), "typed", "ada", datetime.now(UTC)))  # and then the process was killed

    heir = here.process()
    heir.start()

    await until(lambda: ledger.halts.get("h1").step is HaltStep.WATCHING)
    assert all(finding.confirmed for finding in ledger.halts.findings("h1").values())
    assert len(ledger.halts.findings("h1")) == 2


async def test_the_watch_ends_and_the_latch_stays(scene, ledger, until):
    here = scene("good")

    report = await here.process(QUICK.model_copy(update={"watch_s": 0.3})).halt()

    await until(lambda: ledger.halts.get(report.halt.halt_id).step is HaltStep.DONE)
    assert ledger.states.all()["desk"].state is DeskState.HALTED
    assert ledger.read(kinds=["HaltEnded"])


async def test_a_release_ends_the_watch(scene, ledger, until):
    here = scene("good")
    stop = here.process()
    report = await stop.halt()

    ledger.states.release("desk", ledger.states.offer_release("desk", "ada"), "ada")
    here.floor.bots["bot0"].trading = True
    await asyncio.sleep(0.6)

    assert ledger.halts.get(report.halt.halt_id).step is HaltStep.RELEASED
    assert not ledger.read(kinds=["HaltReopened"])


class FullDisk:
    """A ledger whose every writing fails, as on a full disk; reading goes on."""

    def __init__(self, ledger):
        self._ledger, self.halts = ledger, self
        self.full = True

    def __getattr__(self, name):
        target = self._ledger.halts if hasattr(type(self._ledger.halts), name) else self._ledger
        if self.full and name in ("begin", "advance", "next_round", "record", "tell", "acquire"):
            raise LedgerError("the disk is full; nothing was recorded. Free some space and try again")
        return getattr(target, name)


async def test_a_full_disk_stops_no_stop_and_is_said(scene, ledger, until):
    here, disk = scene("good", "good"), FullDisk(ledger)
    stop = here.process(ledger=disk)

    report = await stop.halt()

    assert outcomes(report) == {"bot0": Outcome.CONFIRMED, "bot1": Outcome.CONFIRMED}
    assert not report.halt.durable
    assert "the ledger could not record it" in report.words
    assert stop.undurable == ("desk",)
    repeat = await stop.halt()
    assert repeat.halt.halt_id == report.halt.halt_id
    disk.full = False
    await until(lambda: ledger.states.all())  # written as soon as it can be
    assert ledger.states.all()["desk"].state is DeskState.HALTED


async def test_a_ledger_that_hangs_holds_up_no_stop(scene, ledger):
    here = scene("good")
    with ledger._store._turn:  # as if another process had been frozen while it wrote
        report = await here.process().halt()

    assert report.confirmed
    assert not report.halt.durable


async def test_a_venue_that_asks_for_fewer_requests_is_left_alone_for_as_long_as_it_said(scene):
    here = scene("good")
    here.floor.venue.busy = 2

    report = await here.process().halt()

    asked = here.floor.venue.asked
    assert report.confirmed, report.words
    assert asked[1] - asked[0] >= 0.3
    assert asked[2] - asked[1] >= 0.6  # twice as long the second time


async def test_without_a_venue_nobody_is_confirmed(scene, ledger):
    here = scene("good")
    stop = EmergencyStop(here.process()._registry, ledger, [], QUICK)
    try:
        report = await stop.halt()
    finally:
        await stop.stop()

    assert outcomes(report) == {"bot0": Outcome.UNSEEN}
    assert "no venue is known here" in report.words


async def test_a_venue_that_hangs_is_named(scene):
    here = scene("good")
    here.floor.venue.down = True

    report = await here.process(HaltSettings(deadline_s=1.0, watch_every_s=0.1)).halt()

    assert outcomes(report) == {"bot0": Outcome.UNSEEN}
    assert "floor cannot be read: no answer within 1.5 s" in report.words


async def test_a_bot_that_can_only_pause_is_paused_and_named(ledger):
    registry = BotRegistry()
    bot = PlainBot()
    registry.register("plain", bot, capabilities=["status", "pause"])
    stop = EmergencyStop(registry, ledger, [], HaltSettings(deadline_s=1.0))
    try:
        report = await stop.halt()
    finally:
        await stop.stop()

    assert bot.state is BotState.PAUSED
    assert "it cannot halt; it was paused" in report.words or "says that it is paused" in report.words


async def test_a_bot_that_was_restarted_during_the_watch_and_runs_again_is_halted_again(scene, ledger, until):
    here = scene("good")
    stop = here.process()
    await stop.halt()
    bot = here.floor.bots["bot0"]
    bot.told, bot.acts = BotState.RUNNING, type(bot.acts)()  # a new process of it, which knows of nothing

    await stop._registry.poll()

    await until(lambda: bot.told is BotState.HALTED)


async def test_a_look_that_begins_as_another_ends_breaks_neither(ledger):
    """Found by killing halts at each system call on a busy machine: the one that woke late read the other's result."""
    book = HaltBook(ledger, Halt("h1", ("desk",), "typed", "ada", datetime.now(UTC)))
    await book.latch()
    latched, first = book._writing, asyncio.create_task(book.refresh())
    while book._writing is latched or not book._writing.done():  # noqa: ASYNC110 - one turn of the loop at a time
        await asyncio.sleep(0)
    assert not first.done()  # its look has ended, and it has not woken yet

    await book.refresh()

    await first
    assert book.halt.durable
