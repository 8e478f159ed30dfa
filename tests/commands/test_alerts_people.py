"""What each reader hears, who is let in, and the desk on one screen."""

import pytest

from tests.support.plain_bots import PlainBot, a_position
from workbench.commands.asked import Viewer
from workbench.commands.catalogue import CATALOGUE, find
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Table, Text
from workbench.commands.spec import Role
from workbench.domain.portfolio import Money
from workbench.ledger.log import open_ledger
from workbench.orchestration.alerts import TOPICS
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import Settings


@pytest.fixture
async def desk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    registry = BotRegistry()
    registry.register("trend", PlainBot(positions=(a_position(),), pnl=Money(50.0, "USD")))
    center = UnifiedCommandCenter(registry, ledger, None, Settings(deadline_s=2.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


def as_reader(desk, reader, role=Role.OPERATOR):
    return Dispatcher(desk.center, desk.ledger, Viewer(f"telegram:{reader}", role, reader=reader))


def told(reply):
    (table,) = [part for part in reply.parts if isinstance(part, Table)][:1]
    return {topic: state for topic, state, _ in table.rows}


def test_every_topic_can_be_switched():
    choices = find(("alerts", "off"))[0].parameters[0].choices

    assert set(choices) == {*TOPICS, "all"}
    assert all(spec.role is Role.ADMIN for spec in CATALOGUE if spec.words[0] == "people")


async def test_switches_are_each_readers_own(desk):
    ann, bob = as_reader(desk, "1"), as_reader(desk, "2")

    await ann.ask("/alerts off trades")
    off = await ann.ask("/alerts off jobs")
    on = await ann.ask("/alerts on trades")

    assert told(off)["trades"] == told(off)["jobs"] == "off"
    assert told(on)["trades"] == "on"
    assert set(told(await bob.ask("/alerts")).values()) == {"on"}
    assert set(told(await ann.ask("/alerts off all")).values()) == {"off"}


async def test_quiet_hours_and_loudness(desk):
    ann = as_reader(desk, "1")

    await ann.ask("/alerts quiet 22:00-07:00")
    reply = await ann.ask("/alerts least warning")
    wrong = await ann.ask("/alerts quiet soon")

    assert "quiet hours 22:00-07:00; warning and louder" in [p.text for p in reply.parts if isinstance(p, Text)]
    assert (wrong.ok, wrong.misread) == (False, True)
    assert "22:00-07:00" in wrong.error
    assert "no quiet hours" in str((await ann.ask("/alerts quiet off")).parts)


async def test_people_are_an_admins_affair(desk):
    desk.ledger.people.ask(7, "Eve <b>")

    refused = await as_reader(desk, "1", Role.OPERATOR).ask("/people approve 7 admin")
    shown = await desk.ask("/people")
    let_in = await desk.ask("/people approve 7 operator")
    again = await desk.ask("/people refuse 7")
    asked = await desk.ask("/people remove 7")
    gone = await desk.ask(asked.parts[0].answer)

    assert "is for admins" in refused.error
    assert shown.title == "People: 1 waiting"
    assert let_in.title == "Eve <b> is operator now"
    assert again.title == "Eve <b> is refused now"
    assert gone.ok
    assert desk.ledger.people.all() == []


@pytest.mark.parametrize("who", ["eve", "-1", "9" * 30, "9"])
async def test_nobody_unknown_is_let_in(desk, who):
    assert not (await desk.ask(f"/people approve {who} admin")).ok


async def test_the_dashboard(desk):
    reply = await desk.ask("/dashboard")

    (table, *_) = [part for part in reply.parts if isinstance(part, Table)]
    assert table.rows[0][:2] == ("trend", "healthy")
    assert "equity 10,000.00 USD" in reply.parts[0].text
    assert any("no desk runs" in part.text for part in reply.parts if isinstance(part, Text))


async def test_an_effect_asked_for_again_under_its_request_acts_once(desk):
    bot = desk.center.registry.get("trend").bot

    for _ in range(2):
        reply = await desk.ask("/pause trend", request_id="telegram-99-7")

    assert reply.ok
    assert "recorded as telegram-99-7" in reply.notes
    assert desk.ledger.command("telegram-99-7").state == "done"
    assert sum(event.kind == "command.submitted" for event in desk.ledger.last()) == 1
    assert bot is not None


async def test_an_id_that_was_typed_is_kept(desk):
    await desk.ask("/pause trend --id mine", request_id="other")

    assert desk.ledger.command("mine")
    assert desk.ledger.command("other") is None
