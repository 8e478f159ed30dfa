"""A bot picks up what is promoted, goes back when the desk goes back, and refuses what is no model."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.support.trading_floor import START, TradingFloor, candles, trading_floor
from workbench.bots.research.bot import ResearchBot
from workbench.bots.research.options import ResearchOptions
from workbench.bots.research.pickup import ModelPickup
from workbench.bots.research.strategy import LEVELS
from workbench.domain.features import BotFeatures
from workbench.domain.market import Timeframe
from workbench.ledger.feature_log import tell_features
from workbench.ledger.log import open_ledger
from workbench.ledger.model_store import ModelStore
from workbench.quant.joint_model import JointModel, challenge, pack_joint, unpack_joint
from workbench.quant.lifts import Lift
from workbench.quant.panels import panel_of
from workbench.quant.trees import Growth, grow

NAME = "volatility:30m:48"
BARS = candles(before=2400, after=0)


@pytest.fixture(scope="module")
def joint():
    return challenge(panel_of(BARS, 1800), 48).challenger


@pytest.fixture
def ledger(tmp_path):
    made = open_ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


@pytest.fixture
async def pickup(tmp_path, ledger):
    made = ModelPickup(str(tmp_path / "ledger.sqlite"))
    yield made
    await made.stop()


async def until(true):
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def promote(ledger, data):
    store = ModelStore(ledger)
    champion = store.champion(NAME)
    return store.promote(store.put(NAME, data, {}, "desk"), champion.change if champion else 0, "desk", "better")


def wider(joint, times):
    return JointModel(joint.model, joint.shape * times)


async def test_promotions_and_rollbacks_are_followed(pickup, ledger, joint):
    promote(ledger, pack_joint(joint, {"n": 1}))
    pickup.start()
    await until(lambda: NAME in pickup.held)  # a bot that comes later finds the champion
    assert pickup.held[NAME].version == 1

    promote(ledger, pack_joint(wider(joint, 2), {"n": 2}))
    await until(lambda: pickup.held[NAME].version == 2)
    assert np.array_equal(pickup.held[NAME].joint.shape, 2 * joint.shape)

    promote(ledger, pack_joint(joint, {"n": 1}))
    await until(lambda: pickup.held[NAME].version == 1)


@pytest.mark.parametrize(("data", "why"), [(b"\x80\x04K\x01.", "pickle"), (b"PK\x03\x04" + bytes(99), "zip")])
async def test_what_is_no_model_is_refused_and_the_one_before_stays(pickup, ledger, joint, data, why):
    promote(ledger, pack_joint(joint, {}))
    pickup.start()
    await until(lambda: NAME in pickup.held)
    promote(ledger, data)
    await until(lambda: pickup.trouble)

    assert why in pickup.trouble
    assert pickup.held[NAME].version == 1
    promote(ledger, pack_joint(joint, {}))
    await until(lambda: not pickup.trouble)


async def test_a_model_that_reads_scores_the_bot_lacks_is_refused_in_words(pickup, ledger, joint):
    promote(ledger, pack_joint(JointModel(joint.model, joint.shape, scores=("mood",)), {}))
    pickup.start()
    await until(lambda: pickup.trouble)

    assert "scores mood" in pickup.trouble
    assert pickup.held == {}


async def test_an_opinion_knows_no_later_bar_of_any_market(pickup, ledger, joint):
    promote(ledger, pack_joint(joint, {}))
    pickup.start()
    await until(lambda: NAME in pickup.held)
    cut = {name: table.iloc[:-50] for name, table in BARS.items()}
    mixed = {"BTC/USD": cut["BTC/USD"], "ETH/USD": BARS["ETH/USD"]}

    fan, deviation = pickup.held[NAME].opinion(cut, "BTC/USD", 48, LEVELS)

    assert pickup.held[NAME].opinion(mixed, "BTC/USD", 48, LEVELS) == (fan, deviation)
    assert list(fan) == sorted(fan)
    assert fan[LEVELS.index(0.5)] == pytest.approx(cut["BTC/USD"]["close"].iloc[-1], rel=0.01)
    assert pickup.held[NAME].opinion(cut, "BTC/USD", 5000, LEVELS) is None
    assert pickup.of(3600, 24) is None


async def test_what_bots_say_is_followed_as_of_when_it_was_known(pickup, ledger, joint):
    trees = grow(np.linspace(0, 1, 200)[:, None], np.repeat([-1.0, 1.0], 100), Growth(leaf_rows=20, leaves=2))
    promote(ledger, pack_joint(replace(joint, lifts=(Lift(("trend/signal",), trees, 1.0),)), {}))
    bar, half = Timeframe.parse("30m"), timedelta(minutes=30)
    tell_features(ledger, "w", [BotFeatures("trend", "BTC/USD", bar, {"signal": 0.9}, START - half)], START)
    pickup.start()
    await until(lambda: NAME in pickup.held and pickup.told("w", "30m", "BTC/USD", START))
    tell_features(ledger, "w", [BotFeatures("trend", "BTC/USD", bar, {"signal": 0.1}, START)], START + half)
    await until(lambda: pickup.told("w", "30m", "BTC/USD", START + half)["trend/signal"] == 0.1)

    said = [pickup.told("w", "30m", "BTC/USD", START + n * half) for n in (-1, 0, 1, 9)]
    assert np.array_equal([told["trend/signal"][0] for told in said], [np.nan, 0.9, 0.1, np.nan], equal_nan=True)
    assert pickup.told("other run", "30m", "BTC/USD", START) == {}
    silent, rough, calm = (
        pickup.held[NAME].opinion(BARS, "BTC/USD", 48, LEVELS, told)[1] for told in (None, *said[1:3])
    )
    assert calm < silent < rough


async def learning_bot(floor: TradingFloor, ledger_url):
    key = await floor.venue.open_account("learning", {"USD": "10000"})
    bot = ResearchBot(ResearchOptions("learning", "learning", floor.url, key.key, key.secret, ledger=ledger_url))
    floor._bots.append(bot)
    await bot.start()
    return bot


async def test_the_learning_bot_forecasts_with_the_champion_and_says_so(ledger, tmp_path, joint):
    async with trading_floor(bots=0, tables=candles(before=2400)) as floor:
        bot = await learning_bot(floor, str(tmp_path / "ledger.sqlite"))
        await until(lambda: bot.engine.minds.base.ready)
        own = await bot.forecast("BTC/USD", "1h", 24)
        model = promote(ledger, pack_joint(joint, {}))
        await until(lambda: bot.pickup.held)

        found = await bot.forecast("BTC/USD", "1h", 24)

        assert found.model_version == f"{NAME}#1:{model.sha256[:8]}"
        assert own.model_version != found.model_version
        assert found.seen_at == own.seen_at <= START
        assert found.volatility > 0
        assert found.values[0] < found.reference < found.values[-1]
        assert unpack_joint(ModelStore(ledger).get(model.sha256))[0].model.horizon == 48
