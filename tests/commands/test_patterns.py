"""/pattern: what was labelled, found, counted and recommended, over a lake of one market."""

import pytest

from tests.support.planted import BARS, candles
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Table, Text
from workbench.commands.spec import Role
from workbench.domain.patterns import OutcomeRule
from workbench.ledger.log import open_ledger
from workbench.market.lake import Lake
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import Settings
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner

ROWS = [60 + 110 * n for n in range(9)]


@pytest.fixture
async def desk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger, None, Settings(home=tmp_path))
    yield Dispatcher(center, ledger, Viewer("ann", Role.OPERATOR))
    await center.stop()
    ledger.close()


def words(reply):
    return " ".join([reply.error, *(part.text for part in reply.parts if isinstance(part, Text))])


def rows(reply):
    return [row for part in reply.parts if isinstance(part, Table) for row in part.rows]


async def test_whoever_has_labelled_nothing_is_told_how(desk):
    assert "labelled nothing yet" in words(await desk.ask("/pattern list"))
    for line in ("/pattern scan", "/pattern success", "/pattern recommend 1h"):
        reply = await desk.ask(line)
        assert not reply.ok
        assert "labelled nothing yet" in words(reply)


async def test_labels_are_found_counted_recommended_and_answered(desk, tmp_path):
    table = candles(1, 989, [(row, "double bottom") for row in ROWS])
    Lake(tmp_path / "lake").write("test", "BTC/USD", "1h", table)
    lab = CustomPatternLearner(desk.ledger, "ann")
    for row in ROWS[:5]:
        times = table.index[row].to_pydatetime(), table.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow("BTC/USD", "1h", table.iloc[:620], *times), "my *dip*", OutcomeRule())

    listed = rows(await desk.ask("/pattern list"))
    scanned = await desk.ask("/pattern scan")
    success = await desk.ask("/pattern success")
    advice = await desk.ask("/pattern recommend")

    assert listed[0][:2] == ("my *dip*", 5)
    assert scanned.ok
    assert {row[0] for row in rows(scanned)} == {"my *dip*"}
    assert {row[1] for row in rows(success)} == {"all", "calm", "rough"}
    assert all("evidence" in row[-1] or "too few" in row[-1] for row in rows(success))
    setup = rows(advice)[0]
    assert setup[1:3] == ("my *dip*", "BTC/USD 1h")
    assert setup[5] < setup[4] < setup[6]
    assert "taken" in words(await desk.ask(f"/pattern feedback {setup[0]} taken"))
    assert not (await desk.ask("/pattern feedback nothing taken")).ok
    assert rows(await desk.ask("/pattern recommend"))[0][8] > setup[8]
    assert "nothing yet" in words(await Dispatcher(desk.center, desk.ledger, Viewer("bob")).ask("/pattern list"))
