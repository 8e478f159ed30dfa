"""At closed bars the desk hears bots' features and votes: kept once, as of when they were known, and scored."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.klines import BAR, START, SYMBOLS
from tests.support.plain_bots import PlainBot
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis
from workbench.domain.market import Timeframe
from workbench.ledger.feature_log import FEATURES_TOLD, read_features, tell_features
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.desk import Desk
from workbench.orchestration.learning_desk import LearningDesk
from workbench.orchestration.regime_votes import Market, VoteRecord, vote_record
from workbench.quant.regime_reading import FIRST, REFIT
from workbench.settings import Settings

HOUR = Timeframe.parse("1h")


class Teller(PlainBot):
    """Offers the hour of the newest close, shifted by `ahead`; votes as told."""

    def __init__(self, venue, vote=0.5, ahead=timedelta(0)):
        super().__init__()
        self.venue, self.vote, self.ahead, self.asked = venue, vote, ahead, []

    def features(self, symbol, timeframe):
        self.asked.append((symbol, timeframe))
        seen = BAR.open_of(self.venue.now) + self.ahead
        return BotFeatures("x", symbol, Timeframe.parse(timeframe), {"hour": seen.hour, "mood": None}, seen)

    async def analyze(self, symbol, timeframe):
        return Analysis("x", symbol, Timeframe.parse(timeframe), "hm", {"turbulent": self.vote})


@pytest.fixture
async def center(registry, ledger, venue):
    known = {"learning": {"every_s": 0, "train": False}, "forecasts": {"ask": False}, "deadline_s": 60.0}
    made = UnifiedCommandCenter(registry, ledger, venue, Settings(**known))
    yield made
    await made.stop()


async def test_features_are_kept_once_a_bar_as_of_when_they_were_known(center, registry, venue, ledger):
    bot = Teller(venue)
    registry.register("a", bot)
    await center.look()
    rounds = LearningDesk(center)
    venue.now = START + timedelta(minutes=7)
    await rounds.step()
    await rounds.step()  # the same bar
    venue.now += BAR.step
    await rounds.step()

    assert bot.asked == [(symbol, "30m") for symbol in SYMBOLS] * 2
    kept = read_features(ledger, "run-1", "30m")
    minutes = [(at - START.timestamp()) / 60 for at, _ in kept["a/hour", "BTC/USD"]]
    assert minutes == [7.0, 37.0]  # the desk's clock, not the bot's word
    assert np.isnan([value for _, value in kept["a/mood", "ETH/USD"]]).all()
    assert read_features(ledger, "run-2", "30m") == {}
    assert read_features(ledger, "run-1", "1h") == {}


async def test_a_close_that_has_not_been_is_no_feature(center, registry, venue, ledger):
    registry.register("a", Teller(venue))
    registry.register("seer", Teller(venue, ahead=BAR.step))
    await center.look()
    await LearningDesk(center).step()

    assert {name for name, _ in read_features(ledger, "run-1", "30m")} == {"a/hour", "a/mood"}


async def test_the_first_word_counts_and_a_late_one_counts_late(ledger):
    def said(value):
        return BotFeatures("a", "BTC/USD", BAR, {"x": value}, START)

    for minute, value in ((1, 1.0), (2, 99.0)):
        await asyncio.to_thread(tell_features, ledger, "w", [said(value)], START + timedelta(minutes=minute))
    late = BotFeatures("a", "BTC/USD", BAR, {"x": 7.0}, START - 9 * BAR.step)
    tell_features(ledger, "w", [late], START + timedelta(minutes=3))

    rows = [((at - START.timestamp()) / 60, value) for at, value in read_features(ledger, "w", "30m")["a/x", "BTC/USD"]]
    assert rows == [(1.0, 1.0), (3.0, 7.0)]


async def test_all_hear_of_features_under_their_topic(center, registry, venue, ledger):
    registry.register("a", Teller(venue))
    await center.look()
    sync = DataSync(ledger)
    heard = sync.subscribe("features", after=0)
    await LearningDesk(center).step()

    thing = await asyncio.wait_for(anext(heard), 60)
    assert (thing.kind, thing.data["bot_id"], thing.data["seen_at"]) == (FEATURES_TOLD, "a", START.isoformat())
    await sync.stop()


async def test_a_broken_bot_costs_the_others_nothing(center, registry, venue, ledger):
    class Broken(Teller):
        def features(self, symbol, timeframe):
            raise RuntimeError("<b>no</b>")

        async def analyze(self, symbol, timeframe):
            raise RuntimeError("no")

    for name, bot in (("broken", Broken(venue)), ("good", Teller(venue))):
        registry.register(name, bot)
    await center.look()
    await LearningDesk(center).step()

    assert {name for name, _ in read_features(ledger, "run-1", "30m")} == {"good/hour", "good/mood"}
    assert all(event.payload["data"]["votes"].keys() == {"good"} for event in ledger.read(kinds=["SharedRegime"]))


async def test_the_desk_owns_the_rounds(center, registry, venue, ledger, until):
    registry.register("a", Teller(venue))
    desk = Desk(center, ledger, ttl=timedelta(seconds=20))
    await desk.start()
    await until(lambda: read_features(ledger, "run-1", "30m") and ledger.read(kinds=["SharedRegime"]), 120.0)
    await desk.stop()

    assert ledger.holder("desk") is None


async def test_votes_are_gathered_and_scored_without_being_asked_for(center, registry, venue, ledger):
    for name, vote in (("alarmist", 0.97), ("sure", 0.03)):
        registry.register(name, Teller(venue, vote))
    await center.look()
    rounds = LearningDesk(center)
    for _ in range(REFIT + 3):
        await rounds.step()
        venue.now += HOUR.step

    told = [event.payload["data"] for event in ledger.read(kinds=["SharedRegime"])]
    mine = [one for one in told if one["symbol"] == "BTC/USD"]
    assert len(mine) == REFIT + 3
    assert mine[REFIT - 1]["record"]["scored"] == {}
    assert mine[-1]["record"]["scored"] == {"alarmist": 3, "sure": 3, "model": 3}
    losses = mine[-1]["record"]["losses"]
    better, worse = sorted(("alarmist", "sure"), key=losses.get)
    assert mine[-1]["weights"][better] > mine[0]["weights"][better]
    assert mine[-1]["weights"][worse] < mine[0]["weights"][worse]


def told_votes(returns, closed):
    """The record at each bar from FIRST on, as the desk would have kept it."""
    market, told, records = Market("w", "BTC/USD", "1h"), [], []
    for now in range(FIRST, len(returns)):
        record = vote_record(told, market, closed[:now], returns[:now])
        records.append(record)
        said = {"votes": {"a": 0.8, "b": 0.3}, "model": {"turbulent": None}, "as_of": closed[now - 1].isoformat()}
        kept = {"losses": record.voters.losses, "collective": record.voters.collective}
        told.append({**market.facts, **said, "record": {**kept, "scored": record.scored, "upto": record.upto}})
    return records


@settings(max_examples=3, deadline=None)
@given(cut=st.integers(REFIT + 1, REFIT + 5), other=st.floats(-0.9, 0.9), seed=st.integers(0, 9))
def test_no_later_bar_changes_what_a_vote_was_worth(cut, other, seed):
    rng, bars = np.random.default_rng(seed), FIRST + REFIT + 8
    returns = rng.standard_t(5, bars) * np.where(np.arange(bars) % 90 < 45, 0.003, 0.012)
    closed = [START + row * HOUR.step for row in range(bars)]
    rough = np.where(np.arange(bars) < FIRST + cut, returns, other)

    one, two = (told_votes(each, closed) for each in (returns, rough))

    assert one[: cut + 1] == two[: cut + 1]
    assert one[cut].scored["a"] == cut + 1 - REFIT
    assert one[cut] != VoteRecord()
