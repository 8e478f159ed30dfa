"""A typed line in, a reply out: with real bots, ledger and center."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.plain_bots import PlainBot, a_position
from workbench.commands.asked import Viewer
from workbench.commands.catalogue import CATALOGUE, find
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.formats import cells
from workbench.commands.handlers import HANDLERS
from workbench.commands.reply import Question, Table, Text
from workbench.commands.spec import Role
from workbench.domain.desk import DeskState, MarketClock
from workbench.domain.errors import BotError
from workbench.domain.halts import AccountView
from workbench.domain.portfolio import Money, MoneyMode
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.settings import HaltSettings, Settings

DOCS = Path(__file__).parent.parent.parent / "docs" / "commands.md"


class Venue:
    async def clock(self):
        at = datetime(2019, 3, 1, tzinfo=UTC)
        return MarketClock(MoneyMode.REPLAY, at, 900.0, False, "run-1", "sample", "30m", ("BTC/USD", "ETH/USD"))


@pytest.fixture
def bots():
    return {"trend": PlainBot(positions=(a_position(),), pnl=Money(50.0, "USD")), "breakout": PlainBot()}


@pytest.fixture
async def desk(tmp_path, bots):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    registry = BotRegistry()
    for name, bot in bots.items():
        registry.register(name, bot, tags=["spot"] if name == "trend" else [])
    center = UnifiedCommandCenter(registry, ledger, Venue(), Settings(deadline_s=2.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    ledger.close()


def table(reply, at=0):
    return [part for part in reply.parts if isinstance(part, Table)][at]


def rows(reply, at=0):
    shown = table(reply, at)
    names = [column.name for column in shown.columns]
    return [dict(zip(names, row, strict=True)) for row in cells(shown)]


def words(reply):
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


async def test_bots(desk):
    reply = await desk.ask("/bots")

    assert reply.title == "2 bots, 2 healthy"
    assert [row["bot"] for row in rows(reply)] == ["breakout", "trend"]
    assert rows(reply)[1]["tags"] == "@spot"
    assert rows(reply)[0]["does"] == "forecast, plan, analyze, tune"


async def test_status_with_totals_and_positions(desk):
    reply = await desk.ask("/status")

    assert reply.title == "Status REPLAY ×900"
    total = rows(reply)[-1]
    assert (total["bot"], total["equity"], total["P&L"], total["open"]) == ("total", "20,000.00 USD", "+50.00 USD", "1")
    position = rows(reply, 1)[0]
    assert (position["market"], position["P&L"], position["stop"]) == ("BTC/USD", "+50.00 USD", "7,800.00")


async def test_status_of_one_bot_has_no_total(desk):
    reply = await desk.ask("/status @spot")

    assert [row["bot"] for row in rows(reply)] == ["trend"]


async def test_an_unknown_total_is_a_dash_with_its_reason(desk, bots):
    def broken():
        raise BotError("gone fishing")

    bots["trend"].status = broken

    reply = await desk.ask("/status")

    total = rows(reply)[-1]
    assert (total["equity"], total["open"]) == ("–", "–")
    assert "trend is down: gone fishing" in words(reply)
    assert table(reply).why[2, "equity"] == "trend is down: gone fishing"


async def test_forecast_by_a_named_bot(desk):
    reply = await desk.ask("/forecast BTCUSDT 1h trend")

    assert reply.title == "trend: BTC/USD 1h, 24 h ahead"
    assert words(reply) == "24 h, 80 %: 7,680.00 – 8,320.00, median 8,000.00"
    seen = "from bars closed by 2019-03-01 00:00:00 UTC, market time"
    assert reply.notes == ("BTCUSDT is quoted in USD here: BTC/USD", seen)
    assert rows(reply)[0] == {"probability below": "5.0 %", "price": "7,640.00", "change": "−4.50 %"}


async def test_forecast_by_whoever_is_healthy(desk, bots):
    bots["trend"].told["data_at"] = datetime.now(UTC) - timedelta(days=1)

    titles = {(await desk.ask("/forecast btc 1h")).title for _ in range(5)}

    assert titles == {"breakout: BTC/USD 1h, 24 h ahead"}


async def test_cross_forecast_shows_each_and_the_collective(desk, bots):
    async def lost(symbol, timeframe, horizon=None):
        raise BotError("no model for it")

    bots["breakout"].forecast = lost

    reply = await desk.ask("/cross forecast btc 1h")

    by_bot = {row["bot"]: row for row in rows(reply)}
    assert by_bot["breakout"]["median"] == "–"
    assert by_bot["breakout"]["note"] == "no model for it"
    assert by_bot["trend"]["weight"] == "100.0 %"
    assert by_bot["together"]["low"] == "7,680.00"
    assert reply.ok


async def test_when_nobody_answers_it_has_failed(desk, bots):
    for bot in bots.values():
        bot.plan = None

    reply = await desk.ask("/cross plan btc 1h")

    assert not reply.ok
    assert not reply.misread
    assert reply.error.startswith("no bot has answered; breakout: ")


async def test_plans_and_readings(desk):
    plan = await desk.ask("/plan btc 1h trend")
    crossed = await desk.ask("/cross plan btc 1h")
    reading = await desk.ask("/analyze btc 1h trend")
    readings = await desk.ask("/cross analyze btc 1h @spot")

    assert rows(plan)[0]["targets"] == "8,200.00 8,400.00"
    assert words(crossed) == "2 of 2 would be long Together: long by trust: all say long"
    assert rows(reading) == [{"indicator": "rsi", "value": "61.2"}]
    assert rows(readings) == [{"bot": "trend", "reading": "rising", "note": ""}]


async def test_pause_and_resume(desk, bots):
    paused = await desk.ask("/pause all")
    resumed = await desk.ask("/resume trend")

    assert paused.title == "2 of 2 bots paused"
    assert resumed.title == "1 of 1 bot resumed"
    assert bots["trend"].acts == {"pause": 1, "resume": 1}
    assert bots["breakout"].acts == {"pause": 1}


async def test_the_same_id_typed_twice_acts_once(desk, bots):
    first = await desk.ask("/pause trend --id today-1")
    again = await desk.ask("/pause trend --id today-1")
    other = await desk.ask("/resume trend --id today-1")

    assert first.ok
    assert again.ok
    assert bots["trend"].acts == {"pause": 1}
    assert not other.ok
    assert "today-1" in other.error


async def test_what_was_not_done_is_named(desk, bots):
    def refuse():
        raise BotError("the venue is closed")

    bots["trend"].pause = refuse

    reply = await desk.ask("/pause all")

    assert reply.error == "pause: 1 of 2 not done; trend: the venue is closed"
    assert not reply.ok
    assert rows(reply)[1]["outcome"] == "the venue is closed"


async def test_tune_with_progress(desk, bots):
    bots["trend"].tune_steps, bots["trend"].step_s = 4, 0.3
    heard = []

    reply = await desk.ask("/tune trend btc 1h", lambda done, words: heard.append(words))

    assert heard
    assert words(reply) == "best of 40 over 3 folds: score 1.2, now 0.9; adopted"
    assert rows(reply) == [{"setting": "fast", "value": "8"}]


async def test_giving_up_a_tuning_is_recorded(desk, bots):
    bots["trend"].tune_steps = 10_000
    asking = asyncio.create_task(desk.ask("/tune trend btc 1h --id t"))
    await asyncio.sleep(0.4)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert desk.ledger.command("t").result["words"] == "cancelled"
    assert desk.ledger.holder("desk") is None


async def test_events_and_risk(desk):
    await desk.ask("/pause trend")

    events = await desk.ask("/events 5")
    risk = await desk.ask("/risk")

    assert "pause: done by trend" in [row["what"] for row in rows(events)]
    assert risk.title.startswith("Risk budgets of 20,000.00 USD")
    assert {row["why"] for row in rows(risk)} == {"no equity recorded"}
    assert words(risk) == "withheld: 20,000.00 USD"


async def test_help(desk):
    everything = await desk.ask("/help")
    one = await desk.ask("/help /cross forecast")
    family = await desk.ask("/help cross")
    wrong = await desk.ask("/help forcast")

    assert len(rows(everything)) == len(CATALOGUE)
    assert one.title == "/cross forecast SYMBOL TF [TARGETS] [--horizon COUNT]"
    assert len(rows(family)) == 3
    assert wrong.error == "there is no command '/forcast'; did you mean /forecast?"


async def test_a_line_not_understood_is_a_reply_not_a_crash(desk):
    reply = await desk.ask("/forcast btc \x1b[31m")

    assert (reply.ok, reply.misread) == (False, True)
    assert reply.title.isprintable()


async def test_no_bots_is_said_with_the_mend(tmp_path):
    ledger = open_ledger(tmp_path / "empty.sqlite")
    center = UnifiedCommandCenter(BotRegistry(), ledger)
    desk = Dispatcher(center, ledger)

    assert "workbench up" in words(await desk.ask("/bots"))
    assert "workbench up" in words(await desk.ask("/status"))
    assert (await desk.ask("/pause all")).error == "pause needs a bot; none is registered"
    assert "nothing has happened yet" in words(await desk.ask("/events"))
    ledger.close()


@pytest.mark.parametrize("role", list(Role))
async def test_one_gate_stands_before_every_command(desk, bots, role):
    asker = Dispatcher(desk.center, desk.ledger, Viewer("them", role))
    for spec in CATALOGUE:
        reply = await asker.ask(spec.example)

        refused = f"{spec.name} is for" in reply.error
        assert refused == (not role.includes(spec.role)), spec.name
    changed = sum(sum(bot.acts.values()) for bot in bots.values())
    assert (changed == 0) == (role is Role.VIEWER)


async def test_every_example_is_understood_and_every_reply_is_json(desk):
    for spec in CATALOGUE:
        reply = await desk.ask(spec.example)

        assert not reply.misread or "@research" in spec.example, (spec.example, reply.error)
        json.dumps(reply.to_json(), allow_nan=False)


def test_each_declaration_is_sound():
    assert {spec.handler for spec in CATALOGUE} == set(HANDLERS)
    assert len({spec.words for spec in CATALOGUE}) == len(CATALOGUE)
    for spec in CATALOGUE:
        assert spec.example.startswith(spec.name)
        assert not spec.effect or spec.role is not Role.VIEWER
        by_nature_once = spec.words in (
            ("halt",),
            ("release",),
            ("risk", "hold"),
            ("draw", "sr"),
            ("draw", "keep"),
            ("draw", "drop"),
            ("track", "drop"),
        ) or spec.words[0] in ("alerts", "people", "model", "share")
        # a repeat joins, or sets what is set; a code works once
        assert not spec.effect or by_nature_once or "id" in spec.options
        needed = [parameter.needed for parameter in spec.places]
        assert needed == sorted(needed, reverse=True), f"{spec.name}: what may be left out comes last"
    assert find(("cross",)) == tuple(spec for spec in CATALOGUE if spec.words[0] == "cross")


def test_the_page_of_commands_is_in_step_with_the_catalogue():
    page = DOCS.read_text()
    for spec in CATALOGUE:
        assert f"`{spec.usage}`" in page, f"{spec.usage} is missing in docs/commands.md"
        assert spec.help in page, f"{spec.name}: its help differs in docs/commands.md"
        assert f"`{spec.example}`" in page


class Held:
    """A venue where nobody has anything open."""

    name = "held"

    def __init__(self, names):
        self.names = names

    async def accounts(self):
        return {name: AccountView(name, trades=0) for name in self.names}

    async def flatten(self, account):
        return []


@pytest.fixture
async def watched(tmp_path, bots):
    """The same desk with a venue whose accounts can be read."""
    ledger = open_ledger(tmp_path / "watched.sqlite")
    registry = BotRegistry()
    for name, bot in bots.items():
        registry.register(name, bot, tags=["spot"] if name == "trend" else [])
    settings = Settings(deadline_s=2.0, halt=HaltSettings(deadline_s=2.0, settle_s=0.2))
    center = UnifiedCommandCenter(registry, ledger, Venue(), settings, [Held(bots)])
    yield Dispatcher(center, ledger, Viewer("ada"))
    await center.stop()
    ledger.close()


async def test_a_halt_is_confirmed_bot_by_bot_and_shown_everywhere(watched, bots):
    reply = await watched.ask("/halt --reason 'news at two'")

    assert reply.ok
    assert reply.title == "Halted: desk; 2 of 2 confirmed at the venue"
    assert [(row["bot"], row["outcome"]) for row in rows(reply)] == [("breakout", "confirmed"), ("trend", "confirmed")]
    assert reply.notes[-1] == "it lasts until a person types /release all"
    data = await watched.center.get_unified_dashboard_data()
    assert data.state is DeskState.HALTED
    assert [row.trading for row in data.bots] == [DeskState.HALTED] * 2
    assert data.bots[0].trading_reason == "news at two"
    assert bots["trend"].acts["halt"] == 1


async def test_a_halted_bot_is_not_resumed_before_a_person_has_released_it(watched, bots):
    await watched.ask("/halt @spot")

    refused = await watched.ask("/resume all")
    offer = await watched.ask("/release @spot")
    released = await watched.ask(offer.parts[0].answer)
    again = await watched.ask(offer.parts[0].answer)
    resumed = await watched.ask("/resume trend")

    assert not refused.ok
    outcome = {row["bot"]: row["outcome"] for row in rows(refused)}
    assert outcome["breakout"] == "resumed"
    assert "@spot is halted by ada: typed /halt; release it first: /release @spot" in outcome["trend"]
    assert released.ok
    assert released.title == "@spot released"
    assert not again.ok
    assert resumed.ok
    assert bots["trend"].acts == {"halt": 1, "resume": 1}


async def test_a_release_names_what_is_held(watched):
    nothing = await watched.ask("/release all")
    await watched.ask("/halt trend")
    wrong = await watched.ask("/release breakout")
    code = await watched.ask("/release trend aaaaaa")

    assert "held now: nothing" in nothing.error
    assert "held now: trend" in wrong.error
    assert "that code is wrong" in code.error


async def test_a_halt_does_not_wait_for_a_bot_that_hangs_to_be_looked_at(watched, bots):
    async def hang():
        await asyncio.Event().wait()

    await watched.ask("/bots")
    bots["breakout"].status = hang
    began = asyncio.get_running_loop().time()
    asking = asyncio.create_task(watched.ask("/halt"))

    while not bots["trend"].acts["halt"]:  # noqa: ASYNC110 - a bot has no event to set
        await asyncio.sleep(0.01)

    assert asyncio.get_running_loop().time() - began < 2.9  # a look at the bots gives up after 3 s
    assert not (await asking).ok


async def test_risk_status_tells_states_exposure_and_reasons(watched, bots):
    await watched.ask("/halt trend --reason testing")

    reply = await watched.ask("/risk status")

    by_scope = {row["scope"]: row for row in rows(reply)}
    assert reply.title == "Risk: the desk is active"
    assert list(by_scope) == ["desk", "breakout", "trend"]
    assert by_scope["trend"]["state"] == "halted"
    assert by_scope["trend"]["why"] == "testing"
    assert by_scope["breakout"]["held"] == "0.00 USD"
    assert "trend is halted by ada: testing; release it first: /release trend" in words(reply)


async def test_risk_limits_tell_what_is_left_and_what_halts_by_itself(desk):
    reply = await desk.ask("/risk limits")

    left = {(row["scope"], row["limit"]): row["left"] for row in rows(reply)}
    assert left["desk", "gross"] == "16,950.00 USD"  # 1.05 × 20,000 less 0.5 × 8,100
    assert left["trend", "bot gross"] == "6,450.00 USD"
    assert [row["switched"] for row in rows(reply, 1)] == ["on"] * 5
    assert "the bots' own word: no venue is known here" in words(reply)


async def test_a_size_is_the_smallest_that_any_rule_allows(desk):
    reply = await desk.ask("/risk size BTCUSD 1h trend")

    allowed = {row["rule"]: row["allows"] for row in rows(reply)}
    assert reply.title == "trend: size for BTC/USD 1h"
    assert allowed["trend gross"] == "6,450.00 USD"
    assert "risk per trade" in words(reply)


async def test_nothing_is_sized_for_a_bot_that_may_not_trade(watched):
    await watched.ask("/halt breakout")

    reply = await watched.ask("/risk size btc 1h breakout")

    assert "0 BTC, worth 0.00 USD" in words(reply)


async def test_a_market_is_held_back_until_a_person_releases_it(desk, bots):
    await desk.ask("/bots")

    reply = await desk.ask("/risk hold btcusd --reason news")

    by_bot = {row["bot"]: row for row in rows(reply)}
    assert reply.title == "BTC/USD is held back"
    assert by_bot["trend"]["from now on"] == "supervised: paused by the desk within seconds"
    assert "to close what is held: /halt BOT" in reply.notes
    assert "BTC/USD is halted by you: news" in words(await desk.ask("/risk status"))
    offered = next(part for part in (await desk.ask("/release BTC/USD")).parts if isinstance(part, Question))
    assert (await desk.ask(offered.answer)).title == "BTC/USD released"
