"""/draw, /track and /analyze zone on a real paper exchange: what is drawn, told and refused."""

from datetime import UTC, datetime

import pytest

from tests.support.plain_bots import PlainBot
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.handlers.charted import band
from workbench.commands.handlers.zone import chances
from workbench.commands.reply import Chart, Choices, Table, Text
from workbench.commands.spec import Role
from workbench.domain.drawings import Level, Note, TrendLine, Zone
from workbench.domain.errors import CommandError
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.setups import ARMED, CHANGED
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.timeframes import resample
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import Settings
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner
from workbench.visual.picture import png

START, SYMBOLS = datetime(2018, 3, 1, tzinfo=UTC), ("BTC/USD", "XRP/USD")


@pytest.fixture
async def venue():
    candles = {symbol: sample.load(symbol) for symbol in SYMBOLS}
    server = PaperExchange(ExchangeOptions(candles, Timeframe.parse("30m"), start=START, paused=True))
    made = Venue(await server.start())
    yield made
    await made.close()
    await server.stop()


@pytest.fixture
async def desk(tmp_path, venue):
    ledger, registry = open_ledger(tmp_path / "ledger.sqlite"), BotRegistry()
    registry.register("trend", PlainBot())
    center = UnifiedCommandCenter(registry, ledger, venue, Settings(deadline_s=60.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


def words(reply):
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


def table(reply):
    return next(part for part in reply.parts if isinstance(part, Table))


def chart(reply):
    return next(part for part in reply.parts if isinstance(part, Chart))


def drawn(desk, symbol="BTC/USD"):
    return {drawing.drawing_id: drawing for drawing in desk.ledger.drawings.on(symbol)}


async def test_support_and_resistance_are_drawn_shown_and_dropped(desk):
    reply = await desk.ask("/draw sr btc")

    assert reply.error == ""
    found = table(reply).rows
    assert [row[0] for row in found] == list(drawn(desk))
    assert all(row[5] >= 2 for row in found)
    boxes = chart(reply).spec["datasets"]["p0_boxes"]
    assert {row["of"] for row in boxes} <= {f"you/{row[0]}" for row in found}
    assert png(chart(reply).spec).startswith(b"\x89PNG")

    dropped = await desk.ask(f"/draw drop btc {found[0][0]},{found[1][0]} 1h")
    assert "Back with /draw undo BTC/USD 1h" in words(dropped)
    assert len(drawn(desk)) == len(found) - 2
    await desk.ask("/draw undo btc")
    await desk.ask("/draw undo btc")
    assert drawn(desk) == {}
    assert "nothing to undo" in words(await desk.ask("/draw undo btc"))


async def test_each_level_that_is_found_is_kept_or_dropped_and_what_is_kept_outlasts_the_next_search(desk):
    choices = next(part for part in (await desk.ask("/draw sr btc")).parts if isinstance(part, Choices))
    found = drawn(desk)
    assert [row[0].label for row in choices.rows] == [f"Keep {name}" for name in found]
    assert "90 %" in choices.text

    kept = await desk.ask(choices.rows[0][0].line)
    left = next(part for part in kept.parts if isinstance(part, Choices))
    assert left.rows == choices.rows[1:]
    await desk.ask(choices.rows[1][1].line)
    await desk.ask("/draw drop btc 3")
    held = next(one for name, one in drawn(desk).items() if name.startswith("kept-"))
    assert held.shape == found["sr1"].shape
    assert not {"sr1", "sr2", "sr3"} & set(drawn(desk))

    await desk.ask("/draw sr btc")
    assert drawn(desk)[held.drawing_id] == held
    assert held.shape not in [one.shape for name, one in drawn(desk).items() if name.startswith("sr")]
    assert "kept already" in (await desk.ask(f"/draw keep btc {held.drawing_id}")).error
    assert "has no drawing 'sr77'" in (await desk.ask("/draw keep btc 77")).error


async def test_everything_can_be_drawn_in_words(desk):
    for line in (
        "/draw level btc 10500 --text floor --id a --snap off",
        "/draw zone btc 10,400-10,600 4h --id b",
        "/draw line btc 2018-02-20T04:00 11k 2018-02-26 9800.5 --id c",
        "/draw note btc 2018-02-26 9500 '<b>sold</b> off' --id d",
    ):
        reply = await desk.ask(line)
        assert reply.error == "", line
        assert chart(reply)

    made = drawn(desk)
    assert made["a"].shape == Level(10500.0)
    assert made["a"].text == "floor"
    assert made["b"].shape == Zone(10400.0, 10600.0)
    assert str(made["b"].board.timeframe) == "4h"
    assert isinstance(made["c"].shape, TrendLine)
    assert made["c"].shape.start.at == datetime(2018, 2, 20, 4, tzinfo=UTC)
    assert isinstance(made["d"].shape, Note)
    assert made["d"].text == "<b>sold</b> off"
    listed = table(await desk.ask("/draw list btc"))
    assert sorted(row[0] for row in listed.rows) == ["a", "b", "c", "d"]
    assert [row[0] for row in table(await desk.ask("/draw list btc 4h")).rows] == ["b"]


async def test_an_act_asked_for_twice_under_its_id_acts_once(desk):
    for _ in range(2):
        await desk.ask("/draw level btc 10500 --id once")
        await desk.ask("/draw level btc 10600 --id other")
    assert len(drawn(desk)) == 2

    await desk.ask("/draw undo btc --id u1")
    before = drawn(desk)
    again = await desk.ask("/draw undo btc --id u1")
    assert "done before" in words(again)
    assert drawn(desk) == before


async def test_drawings_are_ones_own_and_a_viewer_draws_nothing(desk):
    await desk.ask("/draw level btc 10500 --id mine")
    other = Dispatcher(desk.center, desk.ledger, Viewer("eve", Role.OPERATOR))

    refused = await other.ask("/draw drop btc mine")
    assert "eve's BTC/USD 1h has no drawing 'mine'" in refused.error
    watcher = Dispatcher(desk.center, desk.ledger, Viewer("max", Role.VIEWER))
    assert "is for operators" in (await watcher.ask("/draw level btc 1")).error
    assert table(await watcher.ask("/draw list btc")).rows[0][-1] == "you"


async def test_a_drawing_needs_no_venue(desk, tmp_path):
    class Silent:
        url = "http://127.0.0.1:9"

        async def clock(self):
            return await desk.center.venue.clock()

    registry = BotRegistry()
    center = UnifiedCommandCenter(registry, desk.ledger, Silent(), Settings(deadline_s=2.0))
    blind = Dispatcher(center, desk.ledger)

    reply = await blind.ask("/draw level btc 10500 --id dark")

    assert reply.error == ""
    assert "No picture" in words(reply)
    assert "dark" in drawn(desk)
    await center.stop()


async def test_a_setup_is_tracked_to_its_end_as_the_market_moves(tmp_path):
    candles = {"BTC/USD": sample.load("BTC/USD")}
    half = Timeframe.parse("30m")
    server = PaperExchange(ExchangeOptions(candles, half, start=START, paused=True, admin_token="t"))
    venue, ledger = Venue(await server.start(), "t"), open_ledger(tmp_path / "ledger.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger, venue, Settings(deadline_s=5.0))
    desk = Dispatcher(center, ledger)

    armed = await desk.ask("/track setup btc breakout 30m")
    assert armed.error == ""
    assert "Armed as" in words(armed)
    await venue.seek(datetime(2018, 3, 8, tzinfo=UTC))
    told = await desk.ask("/track setup btc breakout 30m")
    again = await desk.ask("/track setup btc breakout 30m --id " + ledger.read(kinds=[ARMED])[0].payload["setup_id"])

    stages = [row[2] for row in table(told).rows]
    assert stages[0] == "triggered"
    assert stages[-1] in ("failed", "target", "stop")
    assert [row[2] for row in table(again).rows] == stages
    assert [event.payload["after"] for event in ledger.read(kinds=[CHANGED])] == stages
    assert chart(told).spec["datasets"]["p0_dashed"]
    listed = table(await desk.ask("/track list")).rows
    assert [row[4] for row in listed] == [stages[-1]]
    await center.stop()
    await venue.close()
    ledger.close()
    await server.stop()


async def test_a_setup_can_be_dropped_and_a_wrong_one_is_refused(desk):
    await desk.ask("/track setup xrp retest --side down --id r1")
    asked = await desk.ask("/track drop r1")
    assert "Waiting no longer for retest down" in words(await desk.ask(asked.parts[0].answer))
    assert "you track no setup 'r2'; you track r1" in (await desk.ask("/track drop r2")).error
    assert "is none of breakout, retest, range, line, pattern" in (await desk.ask("/track setup xrp hope")).error


async def test_a_labelled_pattern_is_waited_for_by_its_name(desk):
    candles = resample(
        sample.load("BTC/USD").loc["2018-02-01":"2018-02-25"], Timeframe.parse("30m"), Timeframe.parse("1h")
    )
    lab = CustomPatternLearner(desk.ledger, "you")
    for first in (10, 60, 110):
        window = candles.index[first].to_pydatetime(), candles.index[first + 23].to_pydatetime()
        lab.annotate_pattern(ChartWindow("BTC/USD", "1h", candles, *window), "Bull flag")

    armed = await desk.ask("/track setup btc pattern bull flag 1h")
    again = await desk.ask("/track setup btc pattern bull flag 1h")

    assert armed.title == "pattern Bull flag up on BTC/USD 1h"
    assert "with one of your 3 examples" in words(armed)
    assert "bars that you did not label it triggers on" in words(armed)
    assert "(meant: 2 % at most)" in words(armed)
    assert len(desk.ledger.read(kinds=[ARMED])) == 1
    assert words(again) == words(armed)
    assert "'wedge' has 0 labels" in (await desk.ask("/track setup btc pattern wedge")).error
    assert "by its name" in (await desk.ask("/track setup btc pattern 1h")).error
    assert "by its name" in (await desk.ask("/track setup btc breakout flag 1h")).error


async def test_a_zone_is_studied(desk):
    reply = await desk.ask("/analyze zone btc 10,400-10,600")

    assert reply.error == ""
    figures = dict(table(reply).rows)
    assert int(figures["touches"]) >= int(figures["held"]) + int(figures["broken"]) > 0
    said = words(reply)
    assert "90 %" in said
    assert "bars after a touch" in said
    assert "Bands of this width anywhere hold" in said
    assert "Bots together" in said
    assert "Regime:" in said
    assert "you" not in drawn(desk)  # what was asked about is shown, not kept
    assert any(row["of"] == "/analyze/zone" for row in chart(reply).spec["datasets"]["p0_boxes"])


async def test_an_impossible_zone_gets_a_clear_answer(desk):
    reply = await desk.ask("/analyze zone XRPUSDT 45000-46000")

    assert reply.error == ""
    assert "XRP/USD has never been near it: 45,000 – 46,000 is about" in words(reply)
    assert "times above this market" in words(reply)
    assert (await desk.ask("/analyze zone xrp 45000")).error == "'45000' is no zone; write it as 45000-46000"
    assert (await desk.ask("/analyze zone xrp 1-1")).misread


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("45000-46000", (45000, 46000)),
        ("46k–45k", (45000, 46000)),
        ("0.45 .. 0.5", (0.45, 0.5)),
        ("1,000:2,000", (1000, 2000)),
    ],
)
def test_a_zone_is_written_in_many_ways(text, zone):
    assert band(text) == zone


@pytest.mark.parametrize("text", ["", "-5", "5-", "a-b", "5-5", "0-5", "1-2-3"])
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(CommandError):
        band(text)


def test_chances_of_a_zone_add_up_to_one():
    fan = Forecast("x", "BTC/USD", Timeframe.parse("1h"), 4, (0.1, 0.5, 0.9), (90.0, 100.0, 120.0), 100.0, START)

    assert chances(fan, 95.0, 110.0) == pytest.approx((0.3, 0.4, 0.3))
    assert chances(fan, 200.0, 300.0) == (1.0, 0.0, 0.0)
