"""The strategies as pure functions: no look-ahead, one truth for trading and backtest, sane fans, plans and sizes."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from tests.support import naive_bots as naive
from workbench.bots.research.backtest import BUDGET, simulate
from workbench.bots.research.features import HORIZONS, NAMES, features, lessons
from workbench.bots.research.forest import forest_of
from workbench.bots.research.kinds import KINDS, strategy
from workbench.bots.research.strategy import LEVELS, Budget, Enter, Holding, Keep, position_size
from workbench.domain.errors import BotError
from workbench.market import sample

ROWS = 1100
PANEL = {name: sample.load(name)[:"2018-07-23"].iloc[-ROWS:] for name in ("BTC/USD", "XRP/USD")}
BTC = PANEL["BTC/USD"]
MINDS = {kind: strategy(kind).fitted({name: table.iloc[:900] for name, table in PANEL.items()}) for kind in KINDS}
every_kind = pytest.mark.parametrize("mind", MINDS.values(), ids=MINDS)


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


@every_kind
@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, ROWS))
def test_cutting_off_the_future_changes_no_past_value(mind, cut):
    whole, known = mind.prepare(BTC), mind.prepare(BTC.iloc[:cut])

    assert all(same(whole[name][:cut], known[name]) for name in whole)


@every_kind
@settings(max_examples=25, deadline=None)
@given(at=st.integers(1, ROWS - 1), bars=st.none() | st.integers(0, 120), gap=st.floats(0.9, 0.999))
def test_trading_decides_as_the_backtest_judges(mind, at, bars, gap):
    """`decide` sees a short tail of the past, `judge` a row of arrays prepared over everything."""
    close = float(BTC["close"].iloc[at])
    holding = None if bars is None else Holding(close * 1.01, close * gap, bars)

    assert mind.decide(BTC.iloc[: at + 1], holding) == mind.judge(mind.prepare(BTC), at, holding)


@every_kind
@settings(max_examples=15, deadline=None)
@given(at=st.integers(700, ROWS), horizon=st.integers(1, 400))
def test_a_fan_rises_and_holds_the_last_price_within_its_outer_quantiles(mind, at, horizon):
    candles = BTC.iloc[:at]

    values = mind.fan(candles, horizon)

    close = float(candles["close"].iloc[-1])
    assert len(values) == len(LEVELS)
    assert all(a <= b for a, b in itertools.pairwise(values))
    assert values[0] < close < values[-1]


@every_kind
def test_a_fan_widens_with_the_horizon(mind):
    widths = [mind.fan(BTC, horizon)[-1] - mind.fan(BTC, horizon)[0] for horizon in (1, 8, 48, 200)]

    assert widths == sorted(widths)


@every_kind
def test_every_entry_has_its_stop_below_and_its_targets_above(mind):
    rose = sample.load("BTC/USD").iloc[3000:5000]  # December 2017: something for everyone
    rows = mind.prepare(rose)
    entries = [(row, mind.judge(rows, row, None)) for row in range(400, len(rose))]

    found = [(row, decision) for row, decision in entries if isinstance(decision, Enter)]
    assert found
    for row, decision in found:
        close = float(rose["close"].iloc[row])
        assert 0 < decision.stop < close < decision.targets[0]
        assert list(decision.targets) == sorted(decision.targets)
        assert decision.reason


@every_kind
@settings(max_examples=20, deadline=None)
@given(at=st.integers(400, ROWS - 1), stop=st.floats(0.8, 0.99))
def test_a_kept_stop_never_falls(mind, at, stop):
    close = float(BTC["close"].iloc[at])

    decision = mind.judge(mind.prepare(BTC.iloc[: at + 1]), at, Holding(close, close * stop, 3))

    assert not isinstance(decision, Keep) or decision.stop >= close * stop


@every_kind
def test_too_little_history_means_waiting_and_a_held_position_keeps_its_stop(mind):
    short = BTC.iloc[:50]

    assert not isinstance(mind.decide(short, None), Enter)
    assert mind.decide(short, Holding(100.0, 90.0, 1)).stop == 90.0


@every_kind
def test_tunable_names_are_real_and_what_shapes_the_arrays_is_named(mind):
    values = mind.params.as_dict()

    assert set(mind.space()) <= set(values)
    assert set(mind.shaping) <= set(values)
    for name in set(values) - set(mind.shaping) - {"leaves", "rounds"}:  # those two shape the model
        other = mind.with_params(mind.params.changed({name: values[name] * 2 + 1}))
        assert all(same(other.prepare(BTC)[key], row) for key, row in mind.prepare(BTC).items())


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(BotError, match="martingale"):
        strategy("martingale")


positive = st.floats(1e-3, 1e6)


@given(equity=positive, cash=positive, price=positive, gap=st.floats(0.001, 0.9))
def test_a_size_never_costs_more_than_there_is_nor_risks_more_than_allowed(equity, cash, price, gap):
    budget, stop = Budget(), price * (1 - gap)

    size = position_size(budget, equity, cash, price, stop)

    assert size * price * (1 + budget.fee) <= cash * (1 + 1e-9)
    assert size * (price - stop) <= budget.risk * equity * (1 + 1e-9)
    assert size * price <= budget.weight * equity * (1 + 1e-9)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0, -1.0])
@pytest.mark.parametrize("place", range(4))
def test_a_size_from_nonsense_is_zero(bad, place):
    numbers = [10_000.0, 5_000.0, 100.0, 95.0]
    numbers[place] = bad

    assert position_size(Budget(), *numbers) == 0.0


def test_lessons_end_before_their_outcome_is_known():
    rows, outcome = lessons(BTC, 16)
    fewer, _ = lessons(BTC.iloc[:-1], 16)

    assert rows.shape == (len(outcome), len(NAMES) + 1)
    assert len(rows) == len(fewer) + 1
    assert max(HORIZONS) < 100


def test_features_have_one_scale_for_every_market():
    dear = BTC.assign(**{name: BTC[name] * 1000 for name in ("open", "high", "low", "close")})

    np.testing.assert_allclose(features(dear)[0][340:], features(BTC)[0][340:], atol=1e-8)


def test_training_twice_gives_the_same_model():
    again = strategy("learning").fitted({name: table.iloc[:900] for name, table in PANEL.items()})

    assert same(again.prepare(BTC)["tilt"], MINDS["learning"].prepare(BTC)["tilt"])


def test_trees_as_arrays_answer_as_scikit_learn_does():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.Generator(np.random.PCG64(1))
    rows, outcome = rng.normal(size=(600, 5)), rng.normal(size=600)
    with threadpool_limits(1, "openmp"):
        boosters = [
            HistGradientBoostingRegressor(loss="quantile", quantile=q, max_iter=15).fit(rows, outcome)
            for q in (0.1, 0.8)
        ]
        slow = np.column_stack([booster.predict(rows) for booster in boosters])
    forest = forest_of(boosters)

    fast = forest.predict(rows)

    np.testing.assert_allclose(fast, slow, atol=1e-12)
    np.testing.assert_allclose(fast[3], [naive.walk_trees(b, rows[3]) for b in boosters], atol=1e-12)
    assert forest.predict(rows[:0]).shape == (0, 2)


class Scripted:
    """A strategy that reads its decisions from a list, for the rules of the backtest."""

    def __init__(self, decisions):
        self.decisions = decisions

    def prepare(self, candles, last=None):
        return {}

    def judge(self, rows, row, holding):
        return self.decisions[row](holding)


def bars(*rows):
    index = pd.date_range("2019-01-01", periods=len(rows), freq="30min", tz="UTC")
    return pd.DataFrame(rows, index=index, columns=["open", "high", "low", "close"]).assign(volume=1.0)


def enter(stop):
    return lambda holding: Enter(stop, (1e9,), "go") if holding is None else Keep(holding.stop, "on")


def test_a_backtest_buys_at_the_next_open_and_a_stop_sells_at_its_price_or_a_worse_open():
    calm, gap = bars((100, 101, 99, 100), (102, 103, 101, 102), (102, 103, 80, 90)), (70, 75, 65, 70)
    fell = bars((100, 101, 99, 100), (102, 103, 101, 102), gap)

    first = simulate(Scripted([enter(95.0)] * 3), calm, 0, 3).trades
    second = simulate(Scripted([enter(95.0)] * 3), fell, 0, 3).trades

    assert [(t.entry_price, t.exit_price, t.reason) for t in first] == [(102, 95, "stop")]
    assert [(t.entry_price, t.exit_price) for t in second] == [(102, 70)]


@every_kind
def test_the_sum_of_a_backtests_trades_is_the_sum_of_its_returns(mind):
    run = simulate(mind, BTC, 400, ROWS)

    compounding = 0.1 * sum(abs(t.pnl) for t in run.trades) + 1e-9  # returns are on the mark, trades on the entry
    assert abs(run.returns.sum() - sum(t.pnl for t in run.trades)) <= compounding
    assert all(t.fees > 0 and t.fees < 3 * BUDGET.fee for t in run.trades)
