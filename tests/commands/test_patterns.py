"""/pattern: what was labelled, found, counted and recommended, over a lake of one market."""

import pytest

from tests.support.plain_bots import PlainBot, a_position
from tests.support.planted import BARS, candles
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.handlers.pattern_room import rooms_now
from workbench.commands.reply import Table, Text
from workbench.commands.spec import Role
from workbench.domain.patterns import OutcomeRule
from workbench.ledger.log import open_ledger
from workbench.market.lake import Lake
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import Settings
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner
from workbench.visual.pattern_watch import Watched, watched_by

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


async def test_a_pattern_is_shared_accepted_watched_and_taken_back_by_commands(desk, tmp_path):
    table = candles(1, 420, [(row, "double bottom") for row in ROWS[:3]])
    lab = CustomPatternLearner(desk.ledger, "ann")
    for row in ROWS[:3]:
        times = table.index[row].to_pydatetime(), table.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow("BTC/USD", "1h", table, *times), "my dip", OutcomeRule())
    bob = Dispatcher(desk.center, desk.ledger, Viewer("bob", Role.OPERATOR))

    assert "Nobody shares" in words(await bob.ask("/pattern offers"))
    assert not (await bob.ask('/pattern accept ann "my dip"')).ok
    assert "3 labels of my dip" in words(await desk.ask('/pattern share "my dip"'))
    assert rows(await bob.ask("/pattern offers")) == [("ann", "my dip", 3, 0, "offered")]
    assert "never counted as yours" in words(await bob.ask('/pattern accept ann "my dip"'))
    assert rows(await bob.ask("/pattern offers"))[0][-1] == "accepted"
    assert "labelled nothing yet" in words(await bob.ask("/pattern list"))
    assert (await bob.ask('/pattern decline ann "my dip"')).ok
    assert (await desk.ask('/pattern unshare "my dip"')).ok
    assert "Nobody shares" in words(await bob.ask("/pattern offers"))
    assert not (await desk.ask("/pattern share flag")).ok

    assert "every market of the venue, bars as labelled" in words(await desk.ask("/pattern watch on"))
    assert watched_by(desk.ledger, "ann") == Watched()
    assert "no longer" in words(await desk.ask("/pattern watch off"))
    assert not watched_by(desk.ledger, "ann").on


async def test_what_is_held_or_halted_is_ranked_below_with_the_reason(desk):
    bot = PlainBot(positions=(a_position("BTC/USD", amount=0.1),))
    desk.center.register_bot("trend", bot)

    rooms = await rooms_now(desk.center, ["BTC/USD", "ETH/USD"])

    assert rooms["BTC/USD"].held == ("trend",)
    assert rooms["ETH/USD"].held == ()
    assert (rooms["ETH/USD"].equity, rooms["ETH/USD"].currency) == (10_000.0, "USD")
    assert dict(rooms["ETH/USD"].left)["desk gross"] == pytest.approx(10_500 - 810)
    assert dict(rooms["BTC/USD"].left)["desk in BTC/USD"] == pytest.approx(10_500 - 810)
