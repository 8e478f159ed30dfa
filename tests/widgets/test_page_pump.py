"""Pages are fed while somebody looks, and not a moment longer; one that fails says so."""

import asyncio

import pytest

from workbench.widgets.desk_panel import DeskPanel
from workbench.widgets.page_pump import PagePump, PageSettings

QUICK = PageSettings(every_s=0.02, patience_s=0.05, lapse_s=0.15)


class Counting:
    name = "risk"

    def __init__(self):
        self.looks, self.chosen, self.fault = 0, [], None

    async def look(self):
        self.looks += 1
        if self.fault == "hangs":
            await asyncio.sleep(60)
        if self.fault:
            raise OSError(self.fault)
        return {"looks": self.looks}

    def choose(self, choice):
        self.chosen.append(choice)


@pytest.fixture
async def scene():
    page, sent = Counting(), []
    pump = PagePump([page], sent.append, QUICK)
    yield page, sent, pump
    await pump.stop()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  the condition is no event of ours
            await asyncio.sleep(0.005)


async def test_nobody_looks_nothing_is_computed(scene):
    page, sent, pump = scene
    pump.hear({"kind": "beat", "page": "overview"})
    await asyncio.sleep(0.1)

    assert (page.looks, sent) == (0, [])


async def test_an_open_page_is_fed_and_a_closed_one_falls_asleep(scene):
    page, sent, pump = scene
    pump.hear({"kind": "look", "page": "risk"})
    await until(lambda: len(sent) >= 3)
    assert sent[0] == {"kind": "page", "page": "risk", "view": {"looks": 1}}

    await asyncio.sleep(0.3)
    asleep = page.looks
    await asyncio.sleep(0.1)
    assert page.looks == asleep

    pump.hear({"kind": "beat", "page": "risk"})
    await until(lambda: page.looks > asleep)


async def test_a_choice_is_answered_at_once_and_only_a_mapping_is_one(scene):
    page, sent, _ = scene
    pump = PagePump([page], sent.append, PageSettings(every_s=60))
    pump.hear({"kind": "look", "page": "risk"})
    await until(lambda: len(sent) == 1)

    pump.hear({"kind": "choose", "page": "risk", "choice": "nonsense"})
    pump.hear({"kind": "choose", "page": "risk", "choice": {"what": "halve"}})
    await until(lambda: len(sent) >= 2)
    await pump.stop()

    assert page.chosen == [{"what": "halve"}]


@pytest.mark.parametrize(("fault", "words"), [("disk full", "disk full"), ("hangs", "no answer")])
async def test_a_page_that_fails_is_said_and_asked_again(scene, fault, words):
    page, sent, pump = scene
    page.fault = fault
    pump.hear({"kind": "look", "page": "risk"})
    await until(lambda: sent)
    page.fault = None
    await until(lambda: pump.hear({"kind": "beat", "page": "risk"}) or "view" in sent[-1])

    assert words in sent[0]["trouble"]


async def test_the_panel_names_its_pages_and_keeps_nonsense_out():
    page = Counting()
    panel = DeskPanel(None, pages=[page])
    panel.send = lambda message: None

    for content in ({"kind": "halt", "typed": "halt"}, {"kind": "look", "page": ["risk"]}, {"kind": "look"}, 7):
        panel._hear(panel, content, [])
    await asyncio.sleep(0.05)

    assert panel.pages == ["overview", "risk"]
    assert not panel.halts
    assert page.looks == 0
