"""Tabs that hold another widget: made once for each choice, shared, taken down; a fault is that tab's alone."""

import asyncio

import pytest

from workbench.domain.errors import ValueRefused
from workbench.widgets.tab_hand import KEPT, TabHand, WidgetTab


class Made:
    def __init__(self, choice):
        self.model_id = "-".join(choice.values())


class Scene:
    def __init__(self):
        self.sent, self.made, self.ended, self.fault = [], [], [], None
        tab = WidgetTab("live", "Live chart", self.choices, self.make, self.end)
        self.hand = TabHand([tab], self.sent.append)

    def choices(self):
        return {"symbol": [f"C{i}/USD" for i in range(20)], "timeframe": ["30m", "1h"]}

    async def make(self, choice):
        if self.fault:
            raise self.fault
        self.made.append(Made(choice))
        return self.made[-1]

    async def end(self, widget):
        self.ended.append(widget.model_id)

    async def say(self, **choice):
        told = len(self.sent)
        self.hand.hear({"kind": "open", "tab": "live", "choice": choice})
        async with asyncio.timeout(30):
            while len(self.sent) == told:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.sent[-1]


@pytest.fixture
async def scene():
    made = Scene()
    yield made
    await made.hand.stop()


async def test_without_a_choice_the_first_of_each_is_shown(scene):
    told = await scene.say()

    assert told["model"] == "C0/USD-30m"
    assert told["choice"] == {"symbol": "C0/USD", "timeframe": "30m"}
    assert told["choices"]["timeframe"] == ["30m", "1h"]


async def test_the_same_choice_is_the_same_widget_and_what_is_not_offered_is_not_made(scene):
    await scene.say(symbol="C1/USD")
    await scene.say(symbol="C1/USD")
    await scene.say(symbol="../etc/passwd", timeframe="<script>")

    assert [one.model_id for one in scene.made] == ["C1/USD-30m", "C0/USD-30m"]


async def test_the_oldest_is_taken_down_when_there_are_too_many(scene):
    for at in range(KEPT + 1):
        await scene.say(symbol=f"C{at}/USD")

    assert scene.ended == ["C0/USD-30m"]
    await scene.hand.stop()
    assert len(scene.ended) == KEPT + 1


@pytest.mark.parametrize("fault", [ValueRefused("no candles"), RuntimeError("no candles")])
async def test_a_fault_is_said_and_the_next_time_works(scene, fault):
    scene.fault = fault
    told = await scene.say()
    scene.fault = None

    assert "no candles" in told["trouble"]
    assert (await scene.say())["model"]


async def test_a_tab_that_does_not_exist_is_not_heard(scene):
    scene.hand.hear({"kind": "open", "tab": "other"})
    scene.hand.hear({"kind": "open"})
    await asyncio.sleep(0)

    assert scene.sent == []
