"""The button's hand: halts for the typed word and nothing else, releases for the code, and answers everything."""

import asyncio
import time
from datetime import timedelta

import pytest

from tests.support.plain_bots import PlainBot
from workbench.commands.dispatcher import Dispatcher
from workbench.domain.desk import DeskState
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import HaltSettings, Settings
from workbench.widgets.halt_hand import HaltHand

QUICK = HaltSettings(deadline_s=1.0, watch_s=60, watch_every_s=0.1, settle_s=0.1)


class Scene:
    def __init__(self, ledger):
        self.ledger, self.sent, self.bot = ledger, [], PlainBot()
        registry = BotRegistry()
        registry.register("trend", self.bot)
        self.center = UnifiedCommandCenter(registry, ledger, settings=Settings(halt=QUICK))
        self.hand = HaltHand(Dispatcher(self.center, ledger), self.sent.append)

    async def say(self, kind, **more):
        """What the hand sends last of this."""
        self.hand.hear({"kind": kind, "id": "d1", **more})
        return await self.end(kind)

    async def end(self, kind):
        async with asyncio.timeout(60):
            while not self.sent or self.sent[-1]["phase"] in ("sent", "working"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.sent[-1]


@pytest.fixture
async def scene(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    made = Scene(ledger)
    yield made
    await made.center.stop()
    ledger.close()


@pytest.mark.parametrize("typed", ["", "hal", "stop", "halt all", "halt; /release all", "<b>halt</b>", "None"])
async def test_anything_but_the_word_halts_nobody(scene, typed):
    told = await scene.say("halt", typed=typed)

    assert told["phase"] == "refused"
    assert "nothing was halted" in told["error"]
    assert scene.ledger.states.all() == {}
    assert scene.bot.acts["halt"] == 0


@pytest.mark.parametrize("typed", ["halt", " HALT "])
async def test_the_word_latches_tells_the_bots_and_names_each(scene, typed):
    told = await scene.say("halt", typed=typed)

    assert scene.sent[0]["phase"] == "sent"
    assert told["phase"] == "done"
    assert scene.ledger.states.all()["desk"].state is DeskState.HALTED
    assert "halt button" in scene.ledger.states.all()["desk"].reason
    (row,) = told["bots"]
    assert row["id"] == "trend"
    assert not row["confirmed"]  # no venue can be read for it: its word alone proves nothing
    assert row["why"]
    assert scene.bot.acts["halt"] >= 1


async def test_pressed_again_while_under_way_it_is_one_halt(scene):
    for _ in range(5):
        scene.hand.hear({"kind": "halt", "id": "d1", "typed": "halt"})
    await scene.end("halt")

    assert [message["phase"] for message in scene.sent].count("done") == 1
    assert len(scene.ledger.halts.open()) == 1


async def test_a_code_releases_once_and_a_wrong_one_never(scene):
    await scene.say("halt", typed="halt")
    offered = await scene.say("release", scope="desk")

    assert offered["phase"] == "code"
    assert (
        timedelta(seconds=0) < timedelta(milliseconds=offered["expires"] - 1000 * time.time()) <= timedelta(seconds=60)
    )
    wrong = await scene.say("release", scope="desk", code="zzzzzz")
    assert wrong["phase"] == "refused"
    assert "desk" in scene.ledger.states.all()

    done = await scene.say("release", scope="desk", code=offered["code"].upper())
    assert done["phase"] == "done"
    assert scene.ledger.states.all() == {}
    assert (await scene.say("release", scope="desk", code=offered["code"]))["phase"] == "refused"


@pytest.mark.parametrize("scope", ["all; /halt all", "desk --force", "<b>", "a\nb", "x" * 200])
async def test_a_scope_that_is_no_name_is_refused(scene, scope):
    told = await scene.say("release", scope=scope)

    assert told["phase"] == "refused"
    assert scene.ledger.states.all() == {}
