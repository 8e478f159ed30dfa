"""The gate: each rule, the law that nothing unknown passes, and that one bot's affairs are not another's."""

import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_risk as naive
from workbench.domain.desk import DeskState
from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, BotLimits, Denied, DeskLimits, Intent, Quote, Reduced
from workbench.quant.gate import Gate, usage
from workbench.quant.gate_checks import decide
from workbench.quant.marginal_risk import MarginalRisk, RiskModel
from workbench.quant.reservations import Snapshot
from workbench.quant.risk_measures import historical_cvar
from workbench.quant.situation import NUMBERS, Situation
from workbench.quant.tally import Cell, free, growth, parts

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD")
PRICES = {"BTC/USD": 100.0, "ETH/USD": 10.0, "SOL/USD": 1.0}
BOT = BotLimits(5_000.0, 20_000.0, 30_000.0, 0.02, 100, 60.0, 50, 60.0, 10.0)
DESK = DeskLimits(60_000.0, 80_000.0, 90_000.0, 100_000.0, 95_000.0, 90_000.0, 20_000.0, 30.0, 30.0, 3600.0)
BAD = [math.nan, math.inf, -math.inf, None]


def a_model(seed=1, symbols=SYMBOLS, scenarios=200):
    rng = np.random.default_rng(seed)
    x = (rng.standard_t(4, (scenarios, 1)) + rng.standard_t(4, (scenarios, len(symbols)))) * 0.01
    return RiskModel(symbols, np.corrcoef(x.T), x, 0.95, NOW)


def a_gate(desk=DESK, **held):
    """Two bots; `held` gives what alpha holds, as BTC=3."""
    gate = Gate(desk, a_model(), dict.fromkeys(SYMBOLS, "coins"), {"alpha": "paper", "beta": "paper"})
    for name, price in PRICES.items():
        gate.quote(Quote(name, price, 1.0, NOW))
    for bot in ("alpha", "beta"):
        gate.limits[bot] = BOT
        gate.reconcile(bot, "BTC/USD", Snapshot(0.0), NOW)
    for base, amount in held.items():
        gate.reconcile("alpha", f"{base}/USD", Snapshot(amount), NOW)
    return gate


def an_intent(amount=10.0, side=Side.BUY, symbol="BTC/USD", bot="alpha", **more):
    defaults = {"intent_id": "i1", "price": PRICES.get(symbol, 1.0), "decided_at": NOW}
    return Intent(bot_id=bot, symbol=symbol, side=side, amount=amount, **(defaults | more))


def test_an_ordinary_order_is_approved_with_its_value():
    assert a_gate().ask(an_intent(), NOW) == Approved("i1", 10.0, 1000.0)


@pytest.mark.parametrize(
    ("rule", "gate", "intent"),
    [
        ("collar", a_gate(), an_intent(price=103.0)),
        ("order value", a_gate(), an_intent(amount=60.0)),
        ("position", a_gate(BTC=195.0), an_intent()),
        ("bot gross", a_gate(BTC=150.0, ETH=1480.0), an_intent()),
        ("symbol", a_gate(replace(DESK, symbol_value=900.0)), an_intent()),
        ("cluster", a_gate(replace(DESK, cluster_value=900.0)), an_intent()),
        ("venue", a_gate(replace(DESK, venue_value=900.0)), an_intent()),
        ("gross", a_gate(replace(DESK, gross_value=900.0)), an_intent()),
        ("net", a_gate(replace(DESK, net_value=900.0)), an_intent()),
        ("correlated", a_gate(replace(DESK, correlated_value=900.0)), an_intent()),
        ("CVaR", a_gate(replace(DESK, cvar_value=1.0)), an_intent()),
    ],
)
def test_each_rule_denies_and_says_which(rule, gate, intent):
    verdict = gate.review(intent, NOW)

    assert isinstance(verdict, Denied)
    assert verdict.rule == rule
    assert len(verdict.reason) > 20


@pytest.mark.parametrize("rule", ["symbol", "cluster", "venue", "gross", "net", "correlated", "cvar"])
def test_an_order_that_may_shrink_is_cut_to_what_is_left(rule):
    gate = a_gate(replace(DESK, **{f"{rule}_value": 900.0 if rule != "cvar" else 10.0}))

    verdict = gate.ask(an_intent(may_shrink=True), NOW)

    assert isinstance(verdict, Reduced)
    assert 0 < verdict.amount < 10
    assert verdict.rule.lower() == rule
    assert all(row.used <= row.cap for row in usage(gate))
    if rule not in ("correlated", "cvar"):
        assert_allclose(verdict.value, 900.0)


def test_first_denial_wins():
    gate = a_gate(replace(DESK, gross_value=1.0))

    assert gate.review(an_intent(price=150.0, amount=1e6), NOW).rule == "collar"
    gate.states["desk"] = DeskState.HALTED
    assert gate.review(an_intent(price=150.0, amount=1e6), NOW).rule == "state"


@pytest.mark.parametrize("whose", ["desk", "alpha", "BTC/USD"])
def test_states_stop_the_desk_a_bot_or_a_symbol(whose):
    gate = a_gate(BTC=10.0)

    gate.states[whose] = DeskState.REDUCING
    grows, leaves = gate.review(an_intent(), NOW), gate.review(an_intent(side=Side.SELL), NOW)
    crosses = gate.review(an_intent(amount=11.0, side=Side.SELL), NOW)
    gate.states[whose] = DeskState.HALTED
    halted = gate.review(an_intent(side=Side.SELL), NOW)

    assert (grows.rule, crosses.rule, halted.rule) == ("state", "state", "state")
    assert isinstance(leaves, Approved)
    elsewhere = gate.review(an_intent(bot="beta", symbol="ETH/USD"), NOW)
    assert isinstance(elsewhere, Denied) == (whose == "desk")


def test_leaving_is_possible_beyond_every_limit():
    tight = DeskLimits(*[1.0] * 7, 30.0, 30.0, 3600.0)
    gate = a_gate(tight, BTC=40.0)
    gate.limits["alpha"] = replace(BOT, position_value=1.0, gross_value=1.0)

    assert isinstance(gate.ask(an_intent(40.0, Side.SELL), NOW), Approved)
    assert isinstance(gate.ask(an_intent(1.0, Side.SELL, intent_id="i2"), NOW), Denied)  # nothing is left to leave


def test_rates_and_repetitions():
    gate = a_gate()
    gate.limits["alpha"] = replace(BOT, orders=3, repeats=2)

    def ask(n, at, **more):
        return gate.ask(an_intent(1.0, intent_id=f"n{n}", **{"decided_at": at} | more), at)

    first = [ask(n, NOW) for n in range(3)]
    other_bot = gate.ask(an_intent(1.0, bot="beta"), NOW)
    assert [type(v) for v in first] == [Approved, Approved, Denied]
    assert first[2].rule == "throttle"
    assert isinstance(other_bot, Approved)
    later = NOW + timedelta(seconds=20)
    gate.settle("n0", 1.0, done=True)
    assert ask(4, later).rule == "throttle"  # latched: time alone does not release it
    assert isinstance(ask(5, later, side=Side.SELL), Approved)
    assert ask(6, later, symbol="ETH/USD").rule == "order rate"
    with pytest.raises(ValueRefused, match="named person"):
        gate.pace.reenable("alpha", "BTC/USD", " ")
    gate.pace.reenable("alpha", "BTC/USD", "Ada")
    much_later = NOW + timedelta(seconds=90)
    for name, price in PRICES.items():
        gate.quote(Quote(name, price, 1.0, much_later))
    gate.reconcile("alpha", "ETH/USD", Snapshot(0.0), much_later)
    assert isinstance(ask(7, much_later), Approved)


@pytest.mark.parametrize(
    ("what", "seconds"), [("price", 31), ("decision", 11), ("positions", 31), ("risk model", 3601), ("future", 3)]
)
def test_what_is_too_old_or_from_the_future_denies(what, seconds):
    gate, then = a_gate(), NOW + timedelta(seconds=seconds)
    for name, price in PRICES.items():
        if what != "price":
            gate.quote(Quote(name, price, 1.0, then))
    if what not in ("positions", "future"):
        gate.reconcile("alpha", "BTC/USD", Snapshot(0.0), then)
    decided = NOW if what == "decision" else then

    verdict = gate.review(an_intent(decided_at=decided), NOW if what == "future" else then)

    assert verdict.rule == "fresh"
    assert what in verdict.reason


def test_a_rate_that_cannot_be_counted_denies():
    gate = a_gate()
    for name in ("orders", "repeats"):
        for value in (0, -1, 5000):
            gate.limits["alpha"] = replace(BOT, **{name: value})
            assert isinstance(gate.review(an_intent(), NOW), Denied)


def test_a_stale_price_of_anything_held_stops_growth_everywhere():
    gate, then = a_gate(ETH=1.0), NOW + timedelta(seconds=31)
    gate.quote(Quote("BTC/USD", 100.0, 1.0, then))
    for bot in ("alpha", "beta"):
        gate.reconcile(bot, "BTC/USD", Snapshot(1.0), then)

    grows = gate.review(an_intent(bot="beta", decided_at=then), then)
    leaves = gate.review(an_intent(1.0, Side.SELL, bot="beta", decided_at=then), then)

    assert "ETH/USD" in grows.reason
    assert isinstance(leaves, Approved)


def test_a_price_that_was_fresh_when_bought_and_is_not_any_more_stops_growth():
    gate, then, later = a_gate(), NOW + timedelta(seconds=25), NOW + timedelta(seconds=50)
    assert isinstance(gate.ask(an_intent(decided_at=then), then), Approved)
    for moment in (then, later):
        gate.quote(Quote("ETH/USD", 10.0, 1.0, moment))
    gate.times.told["beta"] = later.timestamp()

    verdict = gate.ask(an_intent(bot="beta", symbol="ETH/USD", decided_at=later, intent_id="i2"), later)

    assert "BTC/USD" in verdict.reason


def test_a_supervised_bot_that_was_not_looked_at_stops_growth_and_a_gated_one_does_not():
    gate, then = a_gate(), NOW + timedelta(seconds=40)
    gate.reconcile("beta", "ETH/USD", Snapshot(1.0), NOW, supervised=True)
    for name, price in PRICES.items():
        gate.quote(Quote(name, price, 1.0, then))
    gate.reconcile("alpha", "BTC/USD", Snapshot(0.0), then)

    stopped = gate.review(an_intent(decided_at=then), then)
    gate.reconcile("beta", "ETH/USD", Snapshot(1.0), then)
    gate.times.told["gamma"] = NOW.timestamp()  # gated and silent: its last snapshot stays a bound
    goes_on = gate.review(an_intent(decided_at=then), then)

    assert "what beta holds" in stopped.reason
    assert isinstance(goes_on, Approved)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, 0.0, "100"])
def test_a_price_that_is_no_number_denies_and_the_next_good_one_mends_it(bad):
    gate = a_gate(BTC=1.0)

    gate.quote(Quote("BTC/USD", bad, 1.0, NOW))
    spoiled = gate.review(an_intent(), NOW)
    gate.quote(Quote("BTC/USD", 100.0, 1.0, NOW))

    assert isinstance(spoiled, Denied)
    assert gate.tally.gross == 100.0
    assert isinstance(gate.review(an_intent(), NOW), Approved)


@pytest.mark.parametrize("bad", [*BAD, "1"])
@pytest.mark.parametrize("field", ["amount", "buys", "sells"])
def test_a_position_that_is_no_number_stops_growth_and_is_named(bad, field):
    gate = a_gate(BTC=1.0)

    gate.reconcile("alpha", "BTC/USD", Snapshot(**{"amount": 1.0, field: bad}), NOW)
    own, other = gate.review(an_intent(1.0, Side.SELL), NOW), gate.review(an_intent(bot="beta"), NOW)
    gate.reconcile("alpha", "BTC/USD", Snapshot(1.0), NOW)

    assert "alpha in BTC/USD" in own.reason
    assert "alpha in BTC/USD" in other.reason
    assert isinstance(gate.review(an_intent(bot="beta"), NOW), Approved)


@pytest.mark.parametrize("field", [f.name for f in fields(Intent) if f.name not in ("intent_id", "may_shrink")])
@pytest.mark.parametrize("bad", [*BAD, "x", [], 10**400, datetime(2024, 1, 1), "buy"])
def test_nothing_unknown_in_an_intent_is_approved(field, bad):
    gate = a_gate()

    for may_shrink in (False, True):
        intent = replace(an_intent(may_shrink=may_shrink), **{field: bad})
        assert isinstance(gate.review(intent, NOW), Denied)
        assert isinstance(gate.ask(intent, NOW), Denied)
    assert gate.tally.gross == 0


@pytest.mark.parametrize("bad", [*BAD, "x"])
@pytest.mark.parametrize("name", [f.name for f in fields(BotLimits) + fields(DeskLimits) if f.init])
def test_nothing_unknown_in_a_limit_is_approved(name, bad):
    gate = a_gate()
    if name in {f.name for f in fields(BotLimits)}:
        gate.limits["alpha"] = replace(BOT, **{name: bad})
    else:
        gate.desk = replace(DESK, **{name: bad})

    verdict = gate.ask(an_intent(may_shrink=True), NOW)

    assert isinstance(verdict, Denied)
    assert name in verdict.reason


@given(st.data(), st.sampled_from(list(Side)), st.booleans(), st.floats(0, 300))
@settings(max_examples=300)
def test_nothing_unknown_anywhere_in_a_situation_is_approved(data, side, may_shrink, held):
    gate = a_gate(BTC=held)
    situation = gate._situation(an_intent(5.0, side, may_shrink=may_shrink), NOW)
    field = data.draw(st.sampled_from([f.name for f in fields(Situation)]))
    bad = data.draw(st.sampled_from(BAD))

    verdict = decide(replace(situation, **{field: bad}))

    assert isinstance(verdict, Denied)


def test_every_number_of_a_situation_is_one():
    situation = a_gate(BTC=3.0)._situation(an_intent(), NOW)
    numbers = [getattr(situation, name) for name in NUMBERS]

    assert all(isinstance(value, float | int) and math.isfinite(value) for value in numbers)


def test_garbage_instead_of_an_intent_is_denied():
    for garbage in (None, 1, "order", object(), {}):
        assert isinstance(a_gate().ask(garbage, NOW), Denied)
        assert isinstance(a_gate().ask(an_intent(), garbage), Denied)


def test_strangers_are_denied():
    gate = a_gate()

    assert "no limits" in gate.review(an_intent(bot="gamma"), NOW).reason
    assert "risk model" in gate.review(an_intent(symbol="XRP/USD"), NOW).reason
    gate.limits["gamma"] = BOT
    assert "not been told" in gate.review(an_intent(bot="gamma"), NOW).reason


def test_the_same_intent_asked_twice_reserves_once():
    gate = a_gate()

    first, again = gate.ask(an_intent(), NOW), gate.ask(an_intent(), NOW)
    other = gate.ask(an_intent(amount=11.0), NOW)

    assert first == again
    assert gate.tally.gross == 1000.0
    assert isinstance(other, Denied)


def test_fills_count_once_however_often_and_late_they_are_told():
    gate = a_gate()
    gate.ask(an_intent(), NOW)

    for filled, done in ((4.0, False), (4.0, False), (2.0, False), (6.0, True), (6.0, True), (5.0, False)):
        gate.settle("i1", filled, done)
    assert gate.tally.cells["alpha", "BTC/USD"] == Cell(6.0, 0.0, 0.0)
    gate.settle("i1", 7.0)  # the venue filled more than it had said when it called the order over
    assert gate.tally.cells["alpha", "BTC/USD"] == Cell(7.0, 0.0, 0.0)
    for intent_id, filled in (("never", 1.0), ("i1", math.nan), ("i1", -1.0)):
        with pytest.raises(ValueRefused, match="snapshot"):
            gate.settle(intent_id, filled)


def test_a_snapshot_keeps_orders_the_venue_has_not_seen_and_fills_it_does_not_contain():
    gate = a_gate()
    gate.ask(an_intent(10.0), NOW)
    gate.ask(an_intent(4.0, intent_id="i2"), NOW)
    gate.settle("i1", 3.0)

    gate.reconcile("alpha", "BTC/USD", Snapshot(1.0, {"i1": 1.0}, buys=2.0), NOW)
    behind = gate.tally.cells["alpha", "BTC/USD"]
    gate.reconcile("alpha", "BTC/USD", Snapshot(9.0, {"i1": 9.0, "i2": 0.0}), NOW)
    ahead = gate.tally.cells["alpha", "BTC/USD"]
    gate.settle("i1", 9.0)

    assert behind == Cell(3.0, 7.0 + 4.0 + 2.0, 0.0)
    assert ahead == gate.tally.cells["alpha", "BTC/USD"] == Cell(9.0, 1.0 + 4.0, 0.0)


@given(st.floats(-1e6, 1e6), st.floats(0, 1), st.sampled_from(list(DeskState)), st.floats(-150, 150))
def test_one_bots_losses_never_trip_another_bots_limits(price_path, tightness, state, held):
    calm, gate = a_gate(), a_gate()
    caps = {f.name: getattr(BOT, f.name) * tightness for f in fields(BOT) if f.name.endswith("_value")}

    gate.limits["alpha"] = replace(BOT, **caps)
    gate.states["alpha"] = state
    gate.pace.latch("alpha", "ETH/USD", f"lost {price_path}")
    gate.reconcile("alpha", "SOL/USD", Snapshot(held), NOW)

    for side in Side:
        intent = an_intent(side=side, bot="beta", symbol="ETH/USD")
        assert gate.review(intent, NOW) == calm.review(intent, NOW)


cells = st.builds(Cell, st.floats(-50, 50), st.floats(0, 50), st.floats(0, 50))


@given(cells, st.sampled_from(list(Side)), st.floats(1e-3, 100))
def test_growth_is_the_difference_of_the_parts(cell, side, amount):
    gross, grown = growth(cell, side, amount)
    free_gross, free_side = free(cell, side)
    after = cell._replace(buys=cell.buys + amount) if side is Side.BUY else cell._replace(sells=cell.sells + amount)
    before, then = parts(cell), parts(after)

    assert_allclose(gross, then.gross - before.gross, atol=1e-6)
    assert_allclose(grown, (then.long - before.long) + (then.short - before.short), atol=1e-6)
    assert growth(cell, side, free_side)[1] == 0
    assert growth(cell, side, free_gross)[0] <= 1e-9 * (1 + free_gross)
    assert_allclose(growth(cell, side, free_side + 1)[1], 1, rtol=1e-6)


@given(
    st.lists(
        st.tuples(st.sampled_from(["alpha", "beta"]), st.sampled_from(SYMBOLS), cells, st.floats(0.5, 200)), max_size=30
    )
)
@settings(max_examples=80)
def test_running_totals_agree_with_counting_again(moves):
    gate = a_gate()
    for bot, symbol, cell, price in moves:
        gate.tally.put(bot, symbol, cell)
        gate.quote(Quote(symbol, price, 1.0, NOW))

    units = {name: gate.tally.lines[name].unit for name in SYMBOLS}
    truth = naive.desk(gate.tally.cells, units, gate.tally.risk.model.correlation, SYMBOLS)
    for _ in range(2):
        assert_allclose((gate.tally.gross, gate.tally.long), (truth["gross"], truth["long"]), rtol=1e-9, atol=1e-6)
        assert_allclose(gate.tally.short, truth["short"], rtol=1e-9, atol=1e-6)
        assert_allclose(gate.tally.risk.correlated, truth["corr"], rtol=1e-7, atol=1e-3)
        for bot, value in truth["by_bot"].items():
            assert_allclose(gate.tally.by_bot[bot], value, rtol=1e-9, atol=1e-6)
        gate.tally.recount()


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(-1e4, 1e4)), min_size=1, max_size=20), st.floats(-1e4, 1e4))
@settings(max_examples=100)
def test_the_marginal_risk_agrees_with_the_joint_one(moves, more):
    model, held = a_model(), np.zeros(3)
    risk = MarginalRisk(model)
    for i, value in moves:
        held[i] = value
        risk.put(SYMBOLS[i], value, abs(value), (0.0, 0.0))
    n = np.abs(held)
    n[1] += abs(more)

    joint = math.sqrt(n @ np.abs(model.correlation) @ n)
    exact = max(0.0, historical_cvar([held], model.scenarios, 0.95).total)
    with_it = max(0.0, historical_cvar([held + np.array([0, more, 0])], model.scenarios, 0.95).total)

    assert_allclose(risk.correlated_square(1, abs(more)), joint**2, rtol=1e-7, atol=1e-3)
    quick = risk.cvar_with(1, more, math.inf)
    assert quick >= max(exact, with_it) - 1e-6 * (1 + quick)
    assert_allclose(risk.cvar_with(1, more, 0.0), max(exact, with_it), rtol=1e-9, atol=1e-6)
    assert_allclose(risk.cvar, exact, rtol=1e-9, atol=1e-6)
    room = risk.correlated_room(1, 2 * joint + 1)
    assert_allclose(risk.correlated_square(1, room), (2 * joint + 1) ** 2, rtol=1e-6)


@pytest.mark.parametrize("spoil", ["nan", "covariance", "shape"])
def test_a_risk_model_that_is_none_is_refused(spoil):
    good = a_model()
    correlation = {"nan": good.correlation * math.nan, "covariance": good.correlation * 4, "shape": np.eye(2)}[spoil]

    with pytest.raises(ValueRefused):
        replace(good, correlation=correlation)


def test_usage_lists_every_limit_with_its_headroom():
    gate = a_gate(BTC=10.0, ETH=10.0)

    rows = {(row.rule, row.scope): row for row in usage(gate)}

    assert rows["gross", "desk"].used == 1100
    assert rows["gross", "desk"].headroom == DESK.gross_value - 1100
    assert rows["bot gross", "alpha"].used == 1100
    assert rows["symbol", "ETH/USD"].used == 100
    assert rows["cluster", "coins"].used == rows["venue", "paper"].used == 1100
    assert rows["CVaR", "desk"].used > 0


@given(short=st.floats(0, 20), long=st.floats(0, 200), amount=st.floats(0.1, 60), shrink=st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_order_that_crosses_flat_counts_whole_in_the_tail(short, long, amount, shrink):
    """What it gives up on the way to flat may have hedged another market: found by the limits machine."""
    gate = a_gate(replace(DESK, cvar_value=60.0), BTC=-short, ETH=long)

    verdict = gate.ask(an_intent(amount, may_shrink=shrink), NOW)

    if not isinstance(verdict, Denied) and verdict.amount > short:
        held = np.array([[(verdict.amount - short) * 100.0, long * 10.0, 0.0]])
        assert historical_cvar(held, a_model().scenarios, 0.95).total <= 60.0 * (1 + 1e-9)
