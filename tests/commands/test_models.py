"""/model, /share and the decision under /cross plan: who may, what is asked first, what is written down."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.support.plain_bots import PlainBot
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.formats import cells
from workbench.commands.reply import Question, Text
from workbench.commands.spec import Role
from workbench.domain.forecasts import Plan
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.ledger.model_store import ModelStore
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.data_sync import DataSync
from workbench.quant.model_file import pack
from workbench.settings import ConflictSettings, Settings

START = datetime(2018, 7, 20, tzinfo=UTC)
NAME = "volatility:30m:48"


class Planner(PlainBot):
    def __init__(self, side):
        super().__init__()
        self.side = side

    def plan(self, symbol, timeframe):
        return Plan("x", symbol, Timeframe.parse(timeframe), self.side, None, None, (), 0.0, "hm", START)


@pytest.fixture
async def venue():
    candles = {symbol: sample.load(symbol)["2018-04-20":] for symbol in sample.SYMBOLS}
    server = PaperExchange(ExchangeOptions(candles, Timeframe.parse("30m"), start=START, paused=True))
    made = Venue(await server.start())
    yield made
    await made.close()
    await server.stop()


@pytest.fixture
def bots():
    return {"a": Planner("long"), "b": Planner("long"), "c": Planner("flat"), "odd": Planner("sideways")}


@pytest.fixture
async def desk(tmp_path, venue, bots):
    ledger, registry = open_ledger(tmp_path / "ledger.sqlite"), BotRegistry()
    for name, bot in bots.items():
        registry.register(name, bot)
    center = UnifiedCommandCenter(registry, ledger, venue, Settings(deadline_s=60.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


def as_role(desk, role):
    return Dispatcher(desk.center, desk.ledger, Viewer("ann", role))


def put(desk, loss, against, better=True):
    facts = {"better": better, "reason": "better by 9 %" if better else "worse", "against_version": against}
    return ModelStore(desk.ledger).put(NAME, pack({"loss": np.array([loss])}, {}), facts, "desk")


def words(reply):
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


def offered(reply):
    (question,) = [part for part in reply.parts if isinstance(part, Question)]
    return question.answer


async def test_training_promotes_announces_and_lists(desk):
    empty = await desk.ask("/model list")
    assert "train one" in words(empty)

    reply = await desk.ask("/model train 30m")
    assert reply.title == f"{NAME}: version 1 takes over"
    assert "better by" in words(reply)

    listed = await desk.ask("/model list")
    (row,) = cells(listed.parts[0])
    assert row[:3] == [NAME, "1", "in use"]
    assert len(desk.ledger.read(kinds=["ModelPromoted"])) == 1

    again = await desk.ask("/model train 30m")
    assert "stays a challenger" in again.title


async def test_going_back_is_asked_for_and_then_done_once(desk):
    for version in (1, 2):
        put(desk, version, version - 1)
        done = await desk.ask(offered(await desk.ask(f"/model promote {version}")))
        assert done.ok, done.error

    asked = await desk.ask("/model rollback")
    assert asked.title == f"Go back to version 1 of {NAME}?"
    assert ModelStore(desk.ledger).champion(NAME).version == 2
    done = await desk.ask(offered(asked))
    assert done.title == f"{NAME}: version 1"
    assert ModelStore(desk.ledger).champion(NAME).by == "you"

    used = await desk.ask(offered(asked))
    assert not used.ok
    assert ModelStore(desk.ledger).champion(NAME).version == 1


async def test_a_code_is_for_one_person_and_one_change(desk):
    for version in (1, 2, 3):
        put(desk, version, version - 1)
        await desk.ask(offered(await desk.ask(f"/model promote {version}")))
    line = offered(await desk.ask("/model rollback"))

    assert "wrong, used" in (await as_role(desk, Role.ADMIN).ask(line)).error
    assert "wrong, used" in (await desk.ask(line + " --to 1")).error
    assert "wrong, used" in (await desk.ask("/model rollback abcdef")).error
    assert ModelStore(desk.ledger).champion(NAME).version == 3


async def test_only_an_admin_changes_the_model_in_use(desk):
    put(desk, 1, 0)

    for role in (Role.VIEWER, Role.OPERATOR):
        for line in ("/model promote 1", "/model rollback"):
            assert "is for admins" in (await as_role(desk, role).ask(line)).error
    assert "is for operators" in (await as_role(desk, Role.VIEWER).ask("/model train")).error
    assert (await as_role(desk, Role.VIEWER).ask("/model list")).ok


async def test_what_cannot_be_says_why(desk):
    assert "no model yet" in (await desk.ask("/model rollback")).error
    put(desk, 1, 0, better=False)
    assert "no champion" in (await desk.ask("/model rollback")).error
    assert "no version 9" in (await desk.ask("/model promote 9")).error
    refused = await desk.ask(offered(await desk.ask("/model promote 1")))
    assert "was not better" in refused.error
    assert "no model 'x'" in (await desk.ask("/model rollback --name x")).error


async def test_sharing_by_topic(desk):
    reply = await as_role(desk, Role.OPERATOR).ask("/share patterns on")

    assert dict(reply.parts[1].rows)["patterns"] == "shared"
    assert (await DataSync(desk.ledger).sharing("ann"))["patterns"]
    await as_role(desk, Role.OPERATOR).ask("/share patterns off")
    assert not (await DataSync(desk.ledger).sharing("ann"))["patterns"]
    assert "none of" in (await desk.ask("/share gossip on")).error


async def test_a_conflict_is_decided_and_written_down_once(desk):
    reply = await desk.ask("/cross plan btc 1h")

    assert "Together: long by trust: long has 67% of the trust" in words(reply)
    assert "c says flat" in words(reply)
    (event,) = desk.ledger.read(kinds=["SignalDecided"])
    said = {each["bot_id"]: (each["side"], each["weight"]) for each in event.payload["said"]}
    assert said == {"a": ("long", 1.0), "b": ("long", 1.0), "c": ("flat", 1.0)}
    assert (event.payload["decided"], event.payload["before"], event.payload["policy"]) == ("long", "", "trust")
    assert "sideways" in event.payload["left_out"]["odd"]

    await desk.ask("/cross plan btc 1h")
    assert len(desk.ledger.read(kinds=["SignalDecided"])) == 1


async def test_decisions_hold_and_each_market_has_its_own(desk, bots):
    await desk.ask("/cross plan btc 1h")
    bots["b"].side = "flat"
    held = await desk.ask("/cross plan btc 1h")
    other = await desk.ask("/cross plan eth 1h")

    assert "Together: flat by trust: flat has 67% of the trust" in words(held)
    assert "Together: flat by trust" in words(other)
    decided = [event.payload["decided"] for event in desk.ledger.read(kinds=["SignalDecided"])]
    assert decided == ["long", "flat", "flat"]


@pytest.mark.parametrize(("policy", "side"), [("unanimous", "flat"), ("veto", "flat"), ("freshest", "long")])
async def test_the_policy_is_a_setting(desk, policy, side):
    chosen = Settings(deadline_s=60.0, conflicts=ConflictSettings(policy=policy))
    desk.center.settings = chosen

    assert f"Together: {side} by {policy}" in words(await desk.ask("/cross plan btc 1h"))
