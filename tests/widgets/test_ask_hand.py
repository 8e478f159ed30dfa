"""The command bar's hand: the same replies as anywhere, each question answered once, none of them able to bury it."""

import asyncio

import pytest

from tests.support.plain_bots import PlainBot
from workbench.commands.catalogue import find
from workbench.commands.dispatcher import Dispatcher
from workbench.dashboard.ask_pages import ask_pages
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import Settings
from workbench.widgets import reply_wire
from workbench.widgets.ask_hand import AT_ONCE, LINE_CHARS, AskHand


class Scene:
    def __init__(self, ledger):
        self.sent, self.bot = [], PlainBot()
        registry = BotRegistry()
        registry.register("trend", self.bot).about = {"symbols": ["BTC/USD", "ETH/USD"]}
        self.center = UnifiedCommandCenter(registry, ledger, settings=Settings(deadline_s=2.0))
        self.dispatcher = Dispatcher(self.center, ledger)
        self.hand = AskHand(self.dispatcher, self.sent.append, ask_pages())

    async def say(self, kind="ask", question="q1", **more):
        self.hand.hear({"kind": kind, "id": question, **more})
        return await self.end(question)

    def answers(self, question):
        return [m for m in self.sent if m["id"] == question and m.get("phase") not in ("sent", "working")]

    async def end(self, question):
        async with asyncio.timeout(30):
            while not (found := self.answers(question)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found[-1]


@pytest.fixture
async def scene(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    made = Scene(ledger)
    yield made
    await made.hand.stop()
    await made.center.stop()
    ledger.close()


async def test_a_line_is_answered_as_in_a_terminal(scene):
    told = await scene.say(line="/bots", zone="Europe/Berlin")

    assert scene.sent[0] == {"kind": "asked", "id": "q1", "phase": "sent"}
    assert told["phase"] == "done"
    assert told["reply"]["title"] == (await scene.dispatcher.ask("/bots")).title
    assert told["reply"]["parts"][0]["rows"][0][0] == "trend"


async def test_a_line_that_is_wrong_says_what_was_meant(scene):
    told = await scene.say(line="/bost")

    assert told["phase"] == "done"
    assert not told["reply"]["ok"]
    assert told["reply"]["error"] == (await scene.dispatcher.ask("/bost")).error


async def test_completion_offers_what_the_shell_offers(scene):
    await scene.say(line="/bots")

    told = await scene.say("complete", "q2", line="/pause tr")

    assert told["offers"] == [["trend", "bot"]]


@pytest.mark.parametrize("page", [page.name for page in ask_pages()])
async def test_each_tab_begins_with_lines_that_can_be_asked(scene, page):
    await scene.dispatcher.ask("/bots")

    told = await scene.say("lines", "q3", page=page)

    for line in told["lines"]:
        assert scene.dispatcher.parse(line)


async def test_no_page_can_bury_the_kernel(scene, monkeypatch):
    async def slow(line, progress=None):
        progress(0.5, "half\x00way")
        await asyncio.Event().wait()

    monkeypatch.setattr(scene.dispatcher, "ask", slow)
    for at in range(AT_ONCE):
        scene.hand.hear({"kind": "ask", "id": f"s{at}", "line": "/bots"})

    told = await scene.say(question="late", line="/bots")
    long = await scene.say(question="long", line="x" * (LINE_CHARS + 1))
    scene.hand.hear({"kind": "give_up", "id": "s0"})
    given_up = await scene.end("s0")

    assert f"{AT_ONCE} questions are being answered already" in told["error"]
    assert "at most" in long["error"]
    assert given_up["error"] == "given up"
    assert {"kind": "asked", "id": "s1", "phase": "working", "part": 0.5, "words": "half\ufffdway"} in scene.sent


async def test_what_breaks_inside_is_said_and_breaks_nothing_else(scene, monkeypatch):
    def broken(*_):
        raise RuntimeError("no picture")

    monkeypatch.setattr(reply_wire, "reply", broken)

    told = await scene.say(line="/bots")

    assert told == {"kind": "asked", "id": "q1", "phase": "refused", "error": "RuntimeError: no picture"}


def test_a_tabs_lines_are_commands_that_exist():
    assert find(("correlate",))
    assert [page.name for page in ask_pages()] == ["forecasts", "correlation", "patterns", "runs", "ask"]
