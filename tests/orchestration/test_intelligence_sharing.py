"""Forecasts kept, scored when they mature, compared, and what that does to weights."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plain_bots import LEVELS, PlainBot, a_forecast
from workbench.domain.desk import MarketClock
from workbench.domain.errors import CommandError, ExchangeError
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.forecast_book import forecast_id
from workbench.ledger.forecast_sums import Filter
from workbench.ledger.log import open_ledger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.consensus import combine
from workbench.orchestration.forecast_bars import Closes
from workbench.orchestration.intelligence_sharing import IntelligenceSharing, world_of
from workbench.orchestration.questions import together
from workbench.orchestration.weighing import UNSCORED, Weighing

BAR = Timeframe.parse("30m")
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = 800  # the first bar that somebody forecasts from
PRICES = 100 * np.exp(np.random.default_rng(3).normal(0, 0.01, 1800).cumsum())


def closed(number):
    return BEGAN + number * BAR.step


def clock(number, mode=MoneyMode.REPLAY, run_id="run-1"):
    return MarketClock(mode, closed(number), 900.0, False, run_id, "kraken", "30m", ("BTC/USD",))


class Recorded:
    """Bars as a venue would give them: none that has not closed."""

    def __init__(self, prices=PRICES):
        self.prices, self.silent = np.array(prices), False

    async def closes(self, symbol, since, until, market):
        if self.silent:
            raise ExchangeError("the venue is closed")
        last = (min(until, market.market_time) - BEGAN) // BAR.step
        first = max(0, (since - BEGAN) // BAR.step)
        return Closes(closed(first), BAR, self.prices[first : last + 1])


def fan(bot, number, width=0.04, horizon=8, prices=PRICES, **changes):
    """A forecast made from bar `number`: today's price, `width` wide at one deviation."""
    values = prices[number] * np.exp(width * np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64]))
    told = {"seen_at": closed(number), "reference": float(prices[number]), "horizon": horizon}
    return a_forecast(bot, timeframe="30m", values=tuple(values.tolist()), **told, **changes)


@pytest.fixture
def bars():
    return Recorded()


@pytest.fixture
def shared(ledger, bars):
    return IntelligenceSharing(ledger, bars, patience_s=0.0)


WIDTHS = {"sharp": 0.028, "wide": 0.3, "sure": 0.001}  # eight bars of 0.01 move by 0.028


async def walked(shared, count=40, widths=WIDTHS, every=1):
    for number in range(FIRST, FIRST + count * every, every):
        await shared.record([fan(bot, number, width) for bot, width in widths.items()], clock(number))
    return await shared.score_matured(clock(FIRST + count * every + 8))


async def test_a_forecast_is_scored_when_its_moment_has_passed_and_once(shared, ledger):
    await shared.record([fan("sharp", FIRST)], clock(FIRST))

    early = await shared.score_matured(clock(FIRST + 7))
    on_time = await shared.score_matured(clock(FIRST + 8))
    again = await shared.score_matured(clock(FIRST + 9))

    assert (early.scored, on_time.scored, again.scored) == (0, 1, 0)
    _, score = ledger.forecasts.find(forecast_id("run-1", fan("sharp", FIRST)))
    assert score["outcome"] == PRICES[FIRST + 8]
    assert score["reason"] == ""
    assert 0 < score["pit"] < 1


async def test_the_league_ranks_by_skill_and_tells_coverage(shared):
    told = await walked(shared, 200, every=4)
    league = await shared.league()

    assert told.scored == 600
    assert league.world == "run-1"
    assert [row.bot_id for row in league.rows] == ["sharp", "sure", "wide"]
    sharp, sure, wide = league.rows
    assert sharp.best
    assert abs(sharp.skill) < 0.05
    assert sharp.coverage[0.9] == pytest.approx(0.9, abs=0.06)
    assert (wide.coverage[0.9], sure.coverage[0.9] < 0.1) == (1.0, True)
    assert wide.versus.p_value < 0.01
    assert wide.versus.days >= 16
    assert sum(sharp.pit) == sharp.scored == 200


async def test_a_league_is_divided_as_asked(shared):
    await walked(shared, 30)

    by_regime = await shared.league(("bot", "regime"))
    one = await shared.league(("bot",), Filter(symbol="ETH/USD"))

    assert sum(row.scored for row in by_regime.rows) == 90
    assert all(row.versus is None for row in by_regime.rows)
    assert one.rows == ()
    with pytest.raises(CommandError, match="not divided by 'luck'"):
        await shared.league(("luck",))


async def test_a_desk_that_was_down_scores_what_matured_meanwhile(ledger, bars, tmp_path):
    before = IntelligenceSharing(ledger, bars)
    for number in range(FIRST, FIRST + 30):
        await before.record([fan("sharp", number)], clock(number))
    ledger.close()

    again = open_ledger(tmp_path / "ledger.sqlite")
    told = await IntelligenceSharing(again, bars).score_matured(clock(FIRST + 500))
    again.close()

    assert told.scored == 30


async def test_scores_do_not_depend_on_when_or_in_what_pieces_they_are_made(shared, bars, tmp_path):
    pieces, whole = shared, IntelligenceSharing(open_ledger(tmp_path / "other.sqlite"), bars)
    for number in range(FIRST, FIRST + 40):
        given_ = [fan(bot, number, width) for bot, width in WIDTHS.items()]
        for one in (pieces, whole):
            await one.record(given_, clock(number))
        await pieces.score_matured(clock(number))
    for one in (pieces, whole):
        await one.score_matured(clock(FIRST + 60))

    leagues = [await one.league(("bot", "regime", "month")) for one in (pieces, whole)]
    trusts = [one._book.trust("run-1", "BTC/USD", 4 * 3600) for one in (pieces, whole)]

    for row, twin in zip(*(league.rows for league in leagues), strict=True):
        assert row.crps == pytest.approx(twin.crps, rel=1e-12)
        assert row.pit == twin.pit
    assert trusts[0] == trusts[1]


@given(st.integers(0, 10_000))
@settings(max_examples=4, deadline=None)
def test_what_comes_after_an_outcome_changes_no_score(tmp_path_factory, seed):
    import asyncio

    async def scores(prices, name):
        opened = open_ledger(tmp_path_factory.mktemp("look") / name)
        shared = IntelligenceSharing(opened, Recorded(prices), 0.0)
        await walked(shared, 3)
        found = await shared.league()
        opened.close()
        return [(row.crps, row.skill, row.pit) for row in found.rows]

    corrupted = PRICES.copy()
    corrupted[FIRST + 12 :] = np.random.default_rng(seed).uniform(1, 1e5, len(PRICES) - FIRST - 12)
    both = asyncio.run(_both(scores, corrupted))

    assert both[0] == both[1]


async def _both(scores, corrupted):
    return await scores(PRICES, "a.sqlite"), await scores(corrupted, "b.sqlite")


async def test_missing_bars_leave_a_forecast_unscored_with_the_reason(shared, bars, ledger):
    bars.prices[FIRST + 8] = np.nan
    await shared.record([fan("sharp", FIRST), fan("wide", FIRST)], clock(FIRST))

    told = await shared.score_matured(clock(FIRST + 20))

    assert (told.scored, told.unscored) == (0, 2)
    _, score = ledger.forecasts.find(forecast_id("run-1", fan("sharp", FIRST)))
    assert "no closed bar ends where the forecast matures" in score["reason"]
    assert score["crps"] is None
    assert [(row.bot_id, row.scored, row.unscored) for row in (await shared.league()).rows] == [
        ("sharp", 0, 1),
        ("wide", 0, 1),
    ]


async def test_missing_bars_are_waited_for(ledger, bars):
    patient = IntelligenceSharing(ledger, bars, patience_s=1000.0)
    bars.prices[FIRST + 8] = np.nan
    await patient.record([fan("sharp", FIRST)], clock(FIRST))
    waiting = await patient.score_matured(clock(FIRST + 20))
    bars.prices[FIRST + 8] = PRICES[FIRST + 8]

    told = await patient.score_matured(clock(FIRST + 21))

    assert (waiting.scored, waiting.unscored, waiting.waiting) == (0, 0, 1)
    assert told.scored == 1


async def test_nothing_is_given_up_while_the_venue_is_silent(shared, bars):
    await shared.record([fan("sharp", FIRST)], clock(FIRST))
    bars.silent = True
    silent = await shared.score_matured(clock(FIRST + 20))
    bars.silent = False

    told = await shared.score_matured(clock(FIRST + 21))

    assert (silent.unscored, silent.waiting, told.scored) == (0, 1, 1)


async def test_a_bot_that_looks_at_another_market_is_not_scored(shared, ledger):
    stranger = fan("stranger", FIRST, prices=PRICES * 2)
    await shared.record([stranger, fan("sharp", FIRST)], clock(FIRST))

    told = await shared.score_matured(clock(FIRST + 8))

    assert (told.scored, told.unscored) == (1, 1)
    assert "is not the venue's" in ledger.forecasts.find(forecast_id("run-1", stranger))[1]["reason"]


async def test_without_a_clock_nothing_is_kept_and_a_late_one_never_counts(shared):
    nothing = await shared.record([fan("sharp", FIRST)], None)
    late = await shared.record([fan("sharp", FIRST)], clock(FIRST + 8))
    by_the_wall = await shared.record([fan("wide", FIRST)], clock(FIRST), age_s=17.0)  # 8.5 bars at speed 900

    assert (nothing.kept, late.kept) == (0, 1)
    assert set(late.late) | set(by_the_wall.late) == {"sharp", "wide"}
    assert (await shared.score_matured(clock(FIRST + 20))).scored == 0


async def test_replays_are_worlds_of_their_own_and_an_exchange_is_one_for_ever(shared):
    await walked(shared, 5)
    other = await shared.record([fan("sharp", FIRST)], clock(FIRST, run_id="run-2"))

    assert other.kept == 1
    assert (await shared.league()).rows == ()
    assert len((await shared.league(world="run-1")).rows) == 3
    assert world_of(clock(1, MoneyMode.PAPER, "a")) == world_of(clock(1, MoneyMode.PAPER, "b")) == "kraken"


async def test_weights_follow_scores(shared):
    now = FIRST + 200
    fans = {bot: fan(bot, now, width) for bot, width in WIDTHS.items()}
    shared.seen(clock(now))
    unscored = await shared.weigh(fans)
    await walked(shared, 10)
    watched = await shared.weigh(fans)
    await walked(shared, 180)
    known = await shared.weigh(fans | {"new": fan("new", now)})

    assert (unscored.weights, unscored.note) == (None, UNSCORED)
    assert watched.weights == pytest.approx(dict.fromkeys(WIDTHS, 1 / 3))
    assert "nobody has 24 scored forecasts" in watched.note
    assert watched.read_at == ()  # no collective forecast has been scored
    assert watched.why["sharp"].startswith("new: 10 of 24 scored, skill")
    assert sum(known.weights.values()) == pytest.approx(1)
    assert known.weights["sharp"] > max(known.weights["wide"], known.weights["sure"], 1 / 3)
    assert known.weights["new"] == 0
    assert known.why["new"] == "new: 0 of 24 scored, watched until then"
    assert known.why["sharp"].startswith("180 scored, skill")


async def test_the_same_moment_in_longer_bars_is_the_same_question(shared):
    await walked(shared, 60)

    half_hours = await shared.trust("BTC/USD", "30m", 8)
    hours = await shared.trust("BTC/USD", "1h", 4)
    other = await shared.trust("BTC/USD", "1h", 8)

    assert half_hours.weights == hours.weights
    assert set(hours.weights) == set(WIDTHS)
    assert other.weights is None
    with pytest.raises(CommandError, match="1 bar or more"):
        await shared.trust("BTC/USD", "1h", 0)


async def test_who_sleeps_loses_nothing(shared):
    await walked(shared, 120, {"sharp": 0.028, "wide": 0.3})
    before = await shared.trust("BTC/USD", "30m", 8)
    for number in range(FIRST + 130, FIRST + 160):
        await shared.record([fan("sharp", number, 0.028)], clock(number))
    await shared.score_matured(clock(FIRST + 170))

    after = await shared.trust("BTC/USD", "30m", 8)

    assert after.weights["wide"] == pytest.approx(before.weights["wide"], rel=0.2)


def test_shares_at_a_level_make_the_fan_and_never_cross():
    fans = {"low": fan("low", FIRST, 0.01), "high": fan("high", FIRST, 0.2)}
    by_level = {"low": (0.0, 1.0, 0.0), "high": (1.0, 0.0, 1.0)}
    weighing = Weighing({"low": 1 / 3, "high": 2 / 3}, {"low": "why"}, "note", (0.05, 0.5, 0.95), by_level)

    found = together(fans, {}, weighing)

    assert found.forecast.values[0] == pytest.approx(fans["high"].values[0])
    assert found.forecast.values[-1] == pytest.approx(fans["high"].values[-1])
    assert list(found.forecast.values) == sorted(found.forecast.values)
    assert (found.weights["low"], found.why, found.note) == (pytest.approx(1 / 3), {"low": "why"}, "note")
    assert [weighing.share_at("low", level) for level in (0.01, 0.275, 0.99)] == [0.0, pytest.approx(0.5), 0.0]
    assert weighing.share_at("nobody", 0.5) == 0.0
    assert combine(fans).forecast.levels == LEVELS


async def test_what_a_program_asks_across_bots_is_kept_and_weighed(registry, ledger):
    class Clocked:
        async def clock(self):
            return clock(FIRST)

    class Bot(PlainBot):
        def forecast(self, symbol, timeframe, horizon=None):
            return fan("x", FIRST)

    center = UnifiedCommandCenter(registry, ledger, Clocked())
    registry.register("trend", Bot())

    result = await center.execute_cross_bot_command("forecast", {"symbol": "BTC/USD", "timeframe": "30m"})
    await center.stop()

    assert result.consensus.left_out == {}
    assert result.consensus.note == UNSCORED
    assert ledger.forecasts.find(forecast_id("run-1", fan("trend", FIRST)))[0].late == ""


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=11, max_size=11), st.floats(0.001, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_calibrated_fan_never_crosses_and_stays_itself_where_nothing_was_learnt(probabilities, width):
    from workbench.orchestration.heard import calibrated
    from workbench.quant.fans import LEVELS as ALL

    given_ = fan("consensus", FIRST, width)

    changed, same = calibrated(given_, sorted(probabilities)), calibrated(given_, ALL)

    assert list(changed.values) == sorted(changed.values)
    assert all(value > 0 for value in changed.values)
    assert same.values == pytest.approx(given_.values, rel=1e-9)


async def test_a_collective_that_was_too_sure_widens_until_it_covers(ledger, bars):
    """Both bots tell a third of the move; outcomes teach the collective, and only the collective."""
    shared = IntelligenceSharing(ledger, bars, patience_s=0.0)
    spread, hits = [], []
    for number in range(FIRST, FIRST + 160):
        fans = {bot: fan(bot, number, 0.01 / 3, horizon=1) for bot in ("a", "b")}
        await shared.score_matured(clock(number))
        together_ = together(fans, {}, await shared.weigh(fans)).forecast
        await shared.record([*fans.values(), together_], clock(number))
        spread.append(together_.quantile(0.95) / together_.quantile(0.05) - 1)
        hits.append(together_.quantile(0.05) <= PRICES[number + 1] <= together_.quantile(0.95))

    assert spread[-1] > 2 * spread[0]
    assert np.mean(hits[:30]) < 0.6
    assert np.mean(hits[70:]) == pytest.approx(0.9, abs=0.1)
    weighing = await shared.weigh(fans)
    assert "calibrated on 15" in weighing.note
