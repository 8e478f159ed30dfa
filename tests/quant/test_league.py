"""Scores of single forecasts, their sums, and the tables made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_league as naive
from workbench.domain.errors import ValueRefused
from workbench.quant import forecast_scores
from workbench.quant.fans import LEVELS
from workbench.quant.forecast_scores import Outcome, outcome, score, yardstick
from workbench.quant.league import ENOUGH, course, excess, ranked, rows_of, versus
from workbench.quant.league_sums import Batch, Key, fold

SEVEN = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def walk(seed=1, n=1000, sigma=0.01):
    return 100 * np.exp(np.random.default_rng(seed).normal(0, sigma, n).cumsum())


@given(st.integers(0, 10_000), st.floats(0.5, 2.0), st.floats(-3, 3), st.sampled_from([SEVEN, LEVELS]))
@settings(max_examples=25, deadline=None)
def test_crps_is_the_integral_in_sigmas(seed, width, moved, levels):
    stick = yardstick(walk(seed), 8)
    prices = stick.reference * np.exp(width * stick.sigma * np.array(np.linspace(-2, 2, len(levels))))
    happened = stick.reference * np.exp(moved * stick.sigma)

    found = score(levels, prices, stick, Outcome(happened), None, 0.5)

    assert_allclose(found.crps, naive.crps_by_integration(levels, stick.in_sigmas(prices), moved), atol=1e-3)
    assert_allclose(found.naive, naive.crps_by_integration(levels, stick.naive(levels), moved), atol=1e-3)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(100, 900))
@settings(max_examples=25, deadline=None)
def test_a_yardstick_knows_nothing_of_what_comes_after(seed, horizon, now):
    closes = walk(seed)
    before = yardstick(closes[:now], horizon)

    closes[now:] = np.random.default_rng(seed).uniform(1, 1e6, len(closes) - now)
    after = yardstick(closes[:now], horizon)

    assert (before.reference, before.sigma, before.regime) == (after.reference, after.sigma, after.regime)
    assert (before.moves == after.moves).all()


def test_sigma_is_the_spread_of_the_horizon():
    stick = yardstick(walk(3, 5000, 0.01), 16)

    assert 0.03 < stick.sigma < 0.05  # 0.01 · √16
    assert abs(np.median(stick.moves)) < 1e-12
    assert yardstick(walk(3, 5000), 16).naive([0.5])[0] == pytest.approx(0, abs=1e-9)


def test_a_naive_forecast_has_no_skill_against_itself():
    closes = walk(5)
    stick = yardstick(closes[:900], 8)
    prices = stick.reference * np.exp(stick.naive(SEVEN) * stick.sigma)

    found = score(SEVEN, prices, stick, outcome(closes[899:908], 8), None, 0.5)

    assert found.crps == pytest.approx(found.naive)


@pytest.mark.parametrize(
    ("closes", "words"),
    [
        (np.full(500, 100.0), "did not move"),
        (walk(n=40), "too few"),
        (np.append(walk(n=500), np.nan), "no closed bar ends where the forecast was made"),
        (np.where(np.arange(500) % 2, 100.0, np.nan)[:-1], "no closed bar"),
        (np.array([]), "no closed bar"),
    ],
)
def test_what_cannot_be_measured_is_refused(closes, words):
    with pytest.raises(ValueRefused, match=words):
        yardstick(closes, 8)


def test_a_missing_outcome_is_refused_and_a_hole_on_the_way_costs_the_variance_only():
    way = walk(n=9)
    with pytest.raises(ValueRefused, match="matures"):
        outcome(np.append(way[:-1], np.nan), 8)
    with pytest.raises(ValueRefused, match="matures"):
        outcome(way[:-1], 8)

    way[4] = np.nan
    found = outcome(way, 8)

    assert found.price == way[-1]
    assert np.isnan(found.variance)


def test_volatility_is_judged_where_it_is_given():
    closes = walk(7)
    stick = yardstick(closes[:900], 8)
    prices = stick.reference * np.exp(np.linspace(-2, 2, 7) * stick.sigma)

    given_, without = (score(SEVEN, prices, stick, outcome(closes[899:908], 8), v, 0.5) for v in (stick.sigma, None))

    assert given_.qlike == pytest.approx(given_.qlike_naive)
    assert given_.qlike >= 0
    assert np.isnan(without.qlike)
    assert np.isnan(without.qlike_naive)


@pytest.mark.parametrize(("recent", "regime"), [(0.1, "calm"), (1.0, "usual"), (3.0, "wild")])
def test_a_regime_is_the_last_day_beside_the_last_weeks(recent, regime):
    moves = np.random.default_rng(2).normal(0, 0.01, 700)
    moves[-forecast_scores.RECENT :] *= recent

    assert yardstick(100 * np.exp(moves.cumsum()), 8).regime == regime


keys = st.builds(
    Key,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["BTC/USD", "ETH/USD"]),
    st.just("30m"),
    st.sampled_from([3600, 86_400]),
    st.sampled_from(["calm", "wild"]),
    st.sampled_from([202401, 202402]),
    st.integers(1, 31),
)
figures = st.floats(0, 5)
scored = st.fixed_dictionaries(
    {"key": keys, "crps": figures, "naive": figures, "pinball": figures, "pit": st.floats(0, 1)}
    | {"lowest": st.sampled_from([0.05, 0.1]), "highest": st.sampled_from([0.9, 0.95])}
    | {"qlike": st.one_of(figures, st.just(float("nan"))), "qlike_naive": figures}
)


def batch_of(rows):
    names = list(dict.fromkeys(row["key"] for row in rows))
    columns = ("crps", "naive", "pinball", "pit", "lowest", "highest", "qlike", "qlike_naive")
    code = np.array([names.index(row["key"]) for row in rows])
    return Batch(names, code, *(np.array([row[name] for row in rows]) for name in columns))


@given(st.lists(scored, min_size=1, max_size=40))
@settings(deadline=None)
def test_folding_agrees_with_its_slow_twin(rows):
    sums, days = fold(batch_of(rows))

    slow_sums, slow_days = naive.folded(rows)
    assert len(sums) == len(slow_sums)
    for row in sums:
        twin = slow_sums[tuple(row[n] for n in ("bot_id", "symbol", "timeframe", "ahead_s", "regime", "month"))]
        assert {k: v for k, v in row.items() if k in twin} == pytest.approx(dict(twin))
    assert len(days) == len(slow_days)
    for row in days:
        key = tuple(row[n] for n in ("bot_id", "symbol", "timeframe", "ahead_s", "month"))
        assert_allclose(row["days"], slow_days[key])


def test_a_table_line_says_mean_skill_coverage_and_pit():
    rows = [
        {"key": Key("a", "BTC/USD", "30m", 3600, "calm", 202401, 1), "crps": 0.5, "naive": 0.8, "pinball": 0.1}
        | {"pit": (n + 0.5) / 20, "lowest": 0.05, "highest": 0.95, "qlike": 0.2, "qlike_naive": 0.4}
        for n in range(20)
    ]
    (total,) = fold(batch_of(rows))[0]

    (line,) = rows_of([total | {"unscored": 2, "late": 1}])

    assert (line.scored, line.unscored, line.late) == (20, 2, 1)
    assert line.crps == pytest.approx(0.5)
    assert line.skill == pytest.approx(1 - 0.5 / 0.8)
    assert line.coverage == pytest.approx({0.5: 0.5, 0.8: 0.8, 0.9: 0.9})
    assert line.pit == (1,) * 20
    assert line.qlike == pytest.approx(0.2)
    assert line.qlike_skill == pytest.approx(0.5)


def test_coverage_is_told_only_where_every_fan_states_its_ends():
    rows = [{"key": Key("a", "B/U", "30m", 60, "calm", 202401, 1), "crps": 1.0, "naive": 1.0, "pinball": 1.0}] * 2
    pits = [{"pit": 0.5, "lowest": low, "highest": 0.95, "qlike": np.nan, "qlike_naive": np.nan} for low in (0.05, 0.1)]
    (total,) = fold(batch_of([row | pit for row, pit in zip(rows, pits, strict=True)]))[0]

    (line,) = rows_of([total | {"unscored": 0, "late": 0}])

    assert set(line.coverage) == {0.5, 0.8}
    assert (line.qlike, line.qlike_skill) == (None, None)


def a_line(bot, crps, scored=100, naive_=1.0):
    nothing = {"unscored": 0, "late": 0, "pinball": 0.0, "vol_scored": 0, "qlike": 0.0, "qlike_naive": 0.0}
    pit = {f"pit_{n:02d}": max(scored // 20, 1) for n in range(20)}
    key = {"bot_id": bot, "symbol": "B/U", "ahead_s": 3600}
    figures = {"scored": scored, "crps": crps * scored, "naive": naive_ * scored, "lowest": 0.05, "highest": 0.95}
    return rows_of([key | nothing | pit | figures])[0]


def daily(mean, seed, n=60):
    losses = mean + np.random.default_rng(seed).normal(0, 0.1, n)
    return np.column_stack([np.full(n, 10.0), 10 * losses, np.full(n, 10.0)])


def by_day(mean, seed, n=60):
    return excess(daily(mean, seed, n))


def test_the_best_is_marked_and_the_others_are_tested_against_it():
    lines = [a_line("poor", 1.5), a_line("good", 0.9), a_line("alike", 0.91), a_line("new", 0.1, ENOUGH - 20)]
    days = {("good", "B/U", 3600): by_day(0.9, 1), ("poor", "B/U", 3600): by_day(1.5, 2)}
    days[("alike", "B/U", 3600)] = by_day(0.905, 3)

    found = {row.bot_id: row for row in ranked(lines, days)}

    assert list(found) == ["new", "good", "alike", "poor"]
    assert [bot for bot, row in found.items() if row.best] == ["good"]
    assert found["poor"].versus.p_value < 0.001
    assert found["poor"].versus.difference == pytest.approx(0.6, abs=0.05)
    assert found["poor"].versus.days == 60
    assert found["alike"].versus.p_value > 0.05
    assert found["new"].versus is None


def test_a_hard_day_that_only_one_spoke_on_more_often_does_not_count_against_it():
    own, best = daily(1.0, 4), daily(1.0, 5)
    hard = np.arange(60) % 3 == 0
    own[hard, 1:] += 20.0  # twice the loss, and twice that of the naive forecast: hard closes, not a bad bot

    assert abs(versus(excess(own), excess(best), 3600).difference) < 0.05


def test_too_few_days_give_no_p_value():
    found = versus(by_day(1.0, 1, 2), by_day(2.0, 2, 2), 86_400)

    assert found.p_value is None
    assert found.days == 2


def test_skill_over_time_reads_the_past_only_and_knows_the_calendar():
    table = np.zeros((62, 3))
    table[:28], table[31:41] = (10.0, 8.0, 10.0), (10.0, 12.0, 10.0)  # February and March 2023

    found = course({"a": table}, [202302, 202303], window=14)

    assert [str(found[0].day), str(found[28].day), str(found[-1].day)] == ["2023-02-01", "2023-03-01", "2023-03-10"]
    assert found[0].skill == pytest.approx(0.2)
    assert found[-1].skill == pytest.approx(1 - (10 * 12 + 4 * 8) / 140)
    assert [one.scored for one in (found[0], found[13], found[-1])] == [10, 140, 140]
    later = table.copy()
    later[35:] = 99.0
    assert course({"a": later}, [202302, 202303])[:32] == found[:32]
