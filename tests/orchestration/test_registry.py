"""Who is on the roll, and how they got there."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plain_bots import PlainBot
from workbench.bots.http_bot import HttpBot
from workbench.bots.server import BotServer
from workbench.domain.desk import MarketClock
from workbench.domain.errors import BotError, UnknownBotError
from workbench.domain.portfolio import MoneyMode
from workbench.domain.ports import CAPABILITIES
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.discovery import Discovery
from workbench.orchestration.plain_text import is_name, plain
from workbench.settings import BotSettings, Settings

TOKEN = "the-token"


class NamedBot(PlainBot):
    """A bot that signs with its own name, as the wire demands."""

    def __init__(self, bot_id, **status):
        super().__init__(bot_id=bot_id, **status)
        self.bot_id = bot_id

    def capabilities(self):
        return {
            "bot_id": self.bot_id,
            "kind": "plain",
            "capabilities": list(CAPABILITIES),
            "symbols": ["BTC/USD"],
            "timeframe": "30m",
            "gated": False,
            "tags": ["research"],
            "version": "1",
        }


@pytest.fixture
async def served():
    """Serve bots over HTTP on free ports; ended with the test."""
    servers = []

    async def serve(bot):
        servers.append(BotServer(bot, TOKEN))
        return await servers[-1].start()

    yield serve
    for server in servers:
        await server.stop()


def test_a_plain_object_is_registered_with_what_it_can_do(registry):
    class Seer:
        async def forecast(self, symbol, timeframe): ...

    registry.register("seer", Seer(), tags=["hunch"])
    registry.register("all_round", PlainBot())

    assert registry.get("seer").capabilities == {"forecast"}
    assert registry.capability_map()["forecast"] == ("all_round", "seer")
    assert registry.capability_map()["plan"] == ("all_round",)


def test_declared_capabilities_narrow_and_cannot_widen(registry):
    registry.register("careful", PlainBot(), capabilities=["status", "forecast"])

    assert registry.get("careful").capabilities == {"status", "forecast"}
    with pytest.raises(BotError, match="does not do forecast"):
        registry.register("boaster", object(), capabilities=["forecast"])


async def test_declared_capabilities_stay_after_the_bot_has_spoken(registry):
    registry.register("careful", NamedBot("careful"), capabilities=["status"])

    await registry.poll()

    assert registry.get("careful").capabilities == {"status"}
    assert registry.get("careful").tags == {"research"}


@pytest.mark.parametrize("taken", ["trend", "Trend", "TREND"])
def test_a_name_is_given_once(registry, taken):
    first = PlainBot()
    registry.register("trend", first)

    with pytest.raises(BotError, match="registered already"):
        registry.register(taken, PlainBot())
    assert registry.get("trend").bot.instance is first


@pytest.mark.parametrize(
    "bot_id", ["", "a b", "<b>x</b>", "x" * 65, "a\nb", "\x1b[31m", "all", "Total", "-x", "a/b", "\u202eevil", None, 7]
)
def test_what_cannot_name_a_bot_is_refused_in_plain_words(registry, bot_id):
    with pytest.raises(BotError) as refused:
        registry.register(bot_id, PlainBot())

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@given(st.text(max_size=200))
def test_text_from_outside_becomes_one_printable_line(text):
    line = plain(text)

    assert line.isprintable()
    assert len(line) <= 300
    assert plain(line) == line


@given(st.text(max_size=80))
def test_no_name_holds_markup_or_spaces(text):
    if is_name(text):
        assert not set(text) & set("<>&\"'`/\\ \n\r\t@,")


def test_names_are_forgiven_where_only_one_can_be_meant(registry):
    registry.register("mean_reversion", PlainBot())

    assert registry.get("Mean-Reversion").bot_id == "mean_reversion"
    with pytest.raises(UnknownBotError, match="did you mean 'mean_reversion'"):
        registry.get("mean_reversal")
    with pytest.raises(UnknownBotError, match="known: mean_reversion"):
        registry.get("zzz")


def test_targets_are_ids_tags_all_or_a_list(registry):
    for name, tags in (("a", ["fast"]), ("b", ["fast", "spot"]), ("c", [])):
        registry.register(name, PlainBot(), tags=tags)

    assert registry.resolve() == registry.resolve("all") == ["a", "b", "c"]
    assert registry.resolve("@fast") == ["a", "b"]
    assert registry.resolve(["c", "@spot", "c"]) == ["b", "c"]
    with pytest.raises(UnknownBotError, match="did you mean '@fast'"):
        registry.resolve("@fasst")
    with pytest.raises(UnknownBotError):
        registry.resolve(["a", "nobody"])


def test_a_removed_bot_is_gone(registry):
    registry.register("a", PlainBot())
    registry.remove("a")

    with pytest.raises(UnknownBotError):
        registry.get("a")


async def test_settings_packages_and_announcements_are_all_found(ledger, served, tmp_path, monkeypatch):
    urls = {name: await served(NamedBot(name)) for name in ("from_settings", "from_ledger")}
    monkeypatch.setenv("A_TOKEN", TOKEN)
    settings = Settings(
        bots=(BotSettings(bot_id="from_settings", url=urls["from_settings"], token_env="A_TOKEN", tags=("mine",)),)
    )
    ledger.tables.announce("from_ledger", urls["from_ledger"], ["status", "forecast"], ["theirs"], timedelta(seconds=9))
    _install(tmp_path, monkeypatch, "from_package = a_plugin:make\nbroken = a_plugin:nothing\n")
    registry = BotRegistry(Discovery(settings, ledger.tables, TOKEN))

    await registry.discover()
    await registry.poll()

    assert {m.bot_id: m.source for m in registry.members.values()} == {
        "from_settings": "settings",
        "from_ledger": "announced",
        "from_package": "entry point",
    }
    assert {m.bot_id: registry.health(m.bot_id).word for m in registry.members.values()} == {
        "from_settings": "healthy",
        "from_ledger": "healthy",
        "from_package": "healthy",
    }
    assert registry.get("from_settings").tags == {"mine", "research"}
    assert registry.get("from_ledger").capabilities == {"status", "forecast"}
    assert any("'broken'" in words and "did not load" in words for words in registry.problems)
    assert await registry.discover() == []
    await registry.stop()


def _install(folder, monkeypatch, entries):
    """A package with entry points, as pip would leave it."""
    about = folder / "a_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[workbench.bots]\n{entries}")
    (folder / "a_plugin.py").write_text(
        "from tests.support.plain_bots import PlainBot\n\ndef make():\n    return PlainBot()\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "a_plugin", raising=False)


async def test_two_bots_of_one_name_are_told_and_the_first_is_kept(ledger, registry):
    settings = Settings(bots=(BotSettings(bot_id="trend", url="http://127.0.0.1:1"),))
    ledger.tables.announce("trend", "http://127.0.0.1:2", [], [], timedelta(seconds=9))
    registry = BotRegistry(Discovery(settings, ledger.tables, TOKEN))

    await registry.discover()

    assert registry.get("trend").url == "http://127.0.0.1:1"
    assert len(registry.problems) == 1
    assert "two bots are named 'trend'" in registry.problems[0]


async def test_a_bot_that_announces_itself_elsewhere_has_moved(ledger, served):
    registry = BotRegistry(Discovery(None, ledger.tables, TOKEN))
    ledger.tables.announce("trend", "http://127.0.0.1:1", [], [], timedelta(seconds=9))
    await registry.discover()
    await registry.poll()
    assert registry.health("trend").word == "down"

    ledger.tables.announce("trend", await served(NamedBot("trend")), [], [], timedelta(seconds=9))
    await registry.discover()
    await registry.poll()

    assert registry.health("trend").word == "healthy"
    await registry.stop()


async def test_an_announcement_that_has_ended_finds_nobody_and_forgets_nobody(ledger):
    registry = BotRegistry(Discovery(None, ledger.tables, TOKEN))
    ledger.tables.announce("trend", "http://127.0.0.1:1", [], [], timedelta(seconds=5))
    await registry.discover()
    while ledger.tables.announced():  # noqa: ASYNC110 - a row that ends by itself
        await asyncio.sleep(0.1)
    fresh = BotRegistry(Discovery(None, ledger.tables, TOKEN))

    assert await fresh.discover() == []
    assert await registry.discover() == []
    assert list(registry.members) == ["trend"]


async def test_a_wrong_token_and_a_wrong_address_are_the_bots_health(registry, served):
    registry.register("locked", HttpBot("locked", await served(NamedBot("locked")), "wrong"))
    registry.register("swapped", HttpBot("swapped", await served(NamedBot("other")), TOKEN))

    await registry.poll()

    assert "token" in registry.health("locked").reason
    assert "'other'" in registry.health("swapped").reason
    for member in registry.members.values():
        await member.bot.close()


async def test_polling_runs_until_stopped_and_survives_a_bot_that_breaks(registry, until):
    class Breaking(PlainBot):
        asked = 0

        def status(self):
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError("not now")
            return super().status()

    registry.register("breaking", Breaking())
    registry.start()
    await until(lambda: "not now" in registry.health("breaking").reason)
    await until(lambda: registry.health("breaking").ok)
    await registry.stop()


async def test_who_asks_during_a_round_shares_it(registry):
    class Counting(PlainBot):
        asked = 0

        async def status(self):
            self.asked += 1
            await asyncio.sleep(0.05)
            return PlainBot.status(self)

    bot = Counting()
    registry.register("a", bot)

    await asyncio.gather(*(registry.poll() for _ in range(10)))
    await registry.poll(max_age_s=60.0)

    assert bot.asked == 1


async def test_only_capable_and_healthy_bots_are_picked(registry):
    registry.register("fresh", PlainBot(), tags=["spot"])
    registry.register("stale", PlainBot(data_at=datetime.now(UTC) - timedelta(days=1)), tags=["spot", "old"])
    registry.register("mute", PlainBot(), capabilities=["status"])
    await registry.poll()

    assert {registry.pick("forecast").bot_id for _ in range(20)} == {"fresh"}
    assert registry.pick("forecast", "spot").bot_id == "fresh"
    with pytest.raises(BotError, match="nobody can be asked for forecast @old: stale is stale"):
        registry.pick("forecast", "old")
    with pytest.raises(BotError, match="no bot does that"):
        registry.pick("forecast", "no_such_tag")


async def test_work_goes_to_the_quick_ones():
    class Slow(PlainBot):
        async def forecast(self, symbol, timeframe, horizon=None):
            await asyncio.sleep(0.2)
            return await super().forecast(symbol, timeframe)

    registry = BotRegistry(rng=Random(3))
    for name, bot in (("slow", Slow()), ("a", PlainBot()), ("b", PlainBot())):
        registry.register(name, bot)
    await registry.poll()
    picked = []
    for _ in range(40):
        member = registry.pick("forecast")
        picked.append(member.bot_id)
        await member.ask("forecast", "BTC/USD", "1h")

    assert picked.count("slow") <= 3


async def test_an_answer_of_the_wrong_kind_is_the_bots_failure(registry):
    class Garbage(PlainBot):
        def status(self):
            return {"equity": "lots"}

    registry.register("garbage", Garbage())
    await registry.poll()

    assert "answered status with a dict; a BotStatus is due" in registry.health("garbage").reason


async def test_nobody_speaks_in_anothers_name(registry):
    registry.register("honest", PlainBot())

    answer = await registry.get("honest").ask("plan", "BTC/USD", "1h")

    assert answer.bot_id == "honest"


def test_freshness_uses_the_speed_of_the_market(registry):
    registry.register("a", PlainBot())
    registry.market = MarketClock(
        MoneyMode.REPLAY, datetime(2019, 3, 1, tzinfo=UTC), 900.0, False, "run", "sample", "30m", ("BTC/USD",)
    )

    assert registry.health("a").reason == "not asked yet"
