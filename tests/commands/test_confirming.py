"""What cannot be taken back is asked for first: decided for every command, and held by a code that counts once."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from workbench.commands.asked import Viewer
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.confirming import typed
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.grammar import parse
from workbench.commands.handlers import HANDLERS, PREVIEWS, TAKES_CODE
from workbench.commands.reply import Question
from workbench.commands.spec import CODE, Known
from workbench.domain.desk import DeskState
from workbench.domain.drawings import Board
from workbench.domain.market import Timeframe
from workbench.domain.setups import TrackedSetup
from workbench.ledger.log import open_ledger
from workbench.ledger.setup_log import SetupLog
from workbench.ledger.telegram_people import Standing
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter

WAY_BACK = {
    "draw sr": "draw undo",
    "draw level": "draw undo",
    "draw zone": "draw undo",
    "draw line": "draw undo",
    "draw note": "draw undo",
    "draw drop": "draw undo",
    "draw keep": "draw undo",
    "draw undo": "draw redo",
    "draw redo": "draw undo",
    "track setup": "track drop",
    "pattern feedback": "pattern feedback",  # another answer stands beside it
    "pattern train": "pattern train",  # learned anew from labels, which stay
    "pattern watch": "pattern watch",
    "pattern share": "pattern unshare",
    "pattern unshare": "pattern share",
    "pattern accept": "pattern decline",
    "pattern decline": "pattern accept",
    "tune": "tune",  # adopts only what scored better on later data, and searches again
    "pause": "resume",
    "resume": "pause",
    "risk hold": "release",
    "model train": "model rollback",
    "share": "share",
    "alerts on": "alerts off",
    "alerts off": "alerts on",
    "alerts quiet": "alerts quiet",
    "alerts least": "alerts least",
    "people approve": "people refuse",
    "people refuse": "people approve",
}
"""The decision for every command that changes something: the command that brings back what was before."""
ASK_BACK = {"release", "model promote", "model rollback", "people remove", "track drop"}
EFFECTS = {" ".join(spec.words): spec for spec in CATALOGUE if spec.effect}


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_can_be_taken_back_or_asks_back_or_is_the_emergency_stop(name):
    spec = EFFECTS[name]

    if spec.urgent:
        assert name == "halt"
        assert not spec.asks_back
    elif name in WAY_BACK:
        assert not spec.destructive
        assert WAY_BACK[name] in EFFECTS
    else:
        assert spec.asks_back, f"/{name}: which command brings back what was before? without one it is destructive"
        assert name in ASK_BACK


def test_what_asks_back_has_a_place_for_the_code_and_a_preview_and_nothing_else_does():
    asking = {spec.handler: spec for spec in CATALOGUE if spec.asks_back}

    assert asking.keys() == PREVIEWS.keys()
    assert set(TAKES_CODE) <= asking.keys() <= HANDLERS.keys()
    for spec in CATALOGUE:
        assert (CODE in spec.places) == spec.asks_back, spec.name
        assert not spec.asks_back or spec.places[-1] == CODE
        assert spec.effect or not (spec.destructive or spec.urgent)


@pytest.fixture
async def desk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger)
    ledger.people.ask(7, "Eve")
    ledger.people.decide(7, Standing.VIEWER, "test")
    ledger.states.tighten("desk", DeskState.HALTED, "a test", "test")
    board = Board("you", "BTC/USD", Timeframe.parse("1h"))
    SetupLog(ledger).arm(TrackedSetup("r1", board, "breakout", datetime(2018, 3, 1, tzinfo=UTC)))
    yield SimpleNamespace(ledger=ledger, you=Dispatcher(center, ledger), eve=Dispatcher(center, ledger, Viewer("eve")))
    await center.stop()
    ledger.close()


def state(desk):
    setups = [record.stage for record in SetupLog(desk.ledger).records()]
    return desk.ledger.people.all(), desk.ledger.states.all(), setups


@pytest.mark.parametrize("line", ["/release all", "/people remove 7", "/track drop r1"])
async def test_it_is_done_with_a_code_by_who_asked_once_and_not_otherwise(desk, line):
    before = state(desk)
    asked = await desk.you.ask(line)
    (question,) = [part for part in asked.parts if isinstance(part, Question)]
    code = question.answer.split()[-1]

    assert asked.ok
    assert question.answer == f"{line} {code}"
    for wrong in (f"{line} aaaaaa", f"{line} {code}x"):
        assert not (await desk.you.ask(wrong)).ok
    if not line.startswith("/track"):  # whose setups are meant is who asks
        assert "wrong, used" in (await desk.eve.ask(question.answer)).error
    assert state(desk) == before

    done = await desk.you.ask(question.answer.upper().replace(line.upper(), line))
    assert done.ok, done.error
    after = state(desk)
    assert after != before
    assert not (await desk.you.ask(question.answer)).ok
    assert state(desk) == after


async def test_a_code_is_for_one_line(desk):
    desk.ledger.people.ask(8, "Ann")
    asked = await desk.you.ask("/people remove 7")
    code = asked.parts[0].answer.split()[-1]

    refused = await desk.you.ask(f"/people remove 8 {code}")

    assert "wrong, used" in refused.error
    assert len(desk.ledger.people.all()) == 2


async def test_what_could_not_be_done_gets_no_code(desk):
    for line in ("/people remove 9", "/release BTC/USD", "/track drop r2", "/model promote 1", "/model rollback"):
        reply = await desk.you.ask(line)

        assert not reply.ok
        assert not reply.parts


def test_the_line_that_does_it_is_read_as_it_was_meant():
    line = parse('/model rollback --to 3 --name "my model"', CATALOGUE, Known())

    again = parse(typed(line, "abcdef"), CATALOGUE, Known())

    assert again.values == {**line.values, "code": "abcdef"}
