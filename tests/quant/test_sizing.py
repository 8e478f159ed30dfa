import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.domain.risk import Approved, Denied, Reduced
from workbench.quant.sizing import Opportunity, SizingRules, kelly, kelly_of_odds, room_of, size

CHANCE = Opportunity(equity=10_000.0, price=100.0, stop=95.0, volatility=0.02, edge=0.001)
ROOM = (("gross", 8_000.0), ("position", 5_000.0))
ALL = SizingRules(target_volatility=0.01, kelly_fraction=0.5, risk_per_trade=0.01, slippage=0.0)
positive = st.floats(1e-3, 1e6)


def test_the_tightest_rule_decides_and_says_so():
    found = size(CHANCE, ALL, ROOM)

    assert found.bound_by == "risk per trade"
    assert dict(found.allowed) == pytest.approx(
        {"volatility target": 5_000, "Kelly cap": 2_500, "risk per trade": 2_000, "gross": 8_000, "position": 5_000}
    )
    assert_allclose(found.amount, 20.0)
    assert "5.00% away" in found.reason


def test_each_rule_can_bind():
    def bound_by(chance=CHANCE, room=ROOM, **rules):
        off = {"target_volatility": None, "kelly_fraction": None, "risk_per_trade": None}
        return size(chance, SizingRules(**(off | rules)), room)

    assert_allclose(bound_by(target_volatility=0.005).value, 2_500)
    assert bound_by(target_volatility=0.005).bound_by == "volatility target"
    assert bound_by(kelly_fraction=0.01).bound_by == "Kelly"
    assert_allclose(bound_by(kelly_fraction=0.01).value, 10_000 * 0.01 * 0.001 / 0.02**2)
    assert bound_by(kelly_fraction=1.0).bound_by == "Kelly cap"
    assert bound_by(target_volatility=9.0).bound_by == "position"
    assert bound_by(room=(("CVaR", 12.0),)).value == pytest.approx(12)


@given(
    st.builds(Opportunity, positive, positive, positive, st.floats(1e-6, 10), st.floats(-1, 1)),
    st.lists(st.tuples(st.just("limit"), st.floats(0, 1e6)), min_size=1, max_size=4),
    st.just(0.0) | st.floats(1e-9, 10),
    st.floats(0, 1e4),
)
def test_a_size_is_inside_every_limit_on_the_venues_grid_and_never_negative(chance, room, step, smallest):
    rules = SizingRules(0.01, 0.5, 0.25, 0.01, 0.001, step, smallest)

    found = size(chance, rules, room)

    assert 0 <= found.value <= min(value for _, value in found.allowed)
    assert found.value == 0 or found.value >= smallest
    assert found.reason
    assert found.bound_by in {name for name, _ in found.allowed}
    if step > 0:
        assert abs(found.amount / step - round(found.amount / step)) <= 1e-9 * (1 + found.amount / step)


@given(st.floats(1e-4, 1), st.floats(1, 10))
def test_more_volatility_never_means_more(volatility, times):
    def at(v):
        return size(Opportunity(1e4, 100.0, 95.0, v, 0.01), ALL, ROOM).value

    assert at(volatility * times) <= at(volatility) * (1 + 1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "1", -1.0, 0.0])
@pytest.mark.parametrize("field", ["equity", "price", "stop", "volatility"])
def test_what_is_unknown_allows_nothing(field, bad):
    values = {"equity": 1e4, "price": 100.0, "stop": 95.0, "volatility": 0.02, "edge": 0.001} | {field: bad}

    found = size(Opportunity(**values), ALL, ROOM)

    assert (found.amount, found.value) == (0, 0)
    assert str(bad) in found.reason


@pytest.mark.parametrize("edge", [math.nan, math.inf, None, 0.0, -0.01])
def test_no_edge_no_kelly(edge):
    found = size(Opportunity(1e4, 100.0, 95.0, 0.02, edge), ALL, ROOM)

    assert (found.value, found.bound_by) == (0, "Kelly")


@pytest.mark.parametrize(
    "room", [(), (("gross", math.nan),), (("gross", None),), (("gross", 0.0),), (("gross", -5.0),)]
)
def test_no_room_or_unknown_room_allows_nothing(room):
    assert size(CHANCE, ALL, room).value == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_an_unknown_grid_allows_nothing_and_an_absurd_one_is_ignored(bad):
    assert size(CHANCE, SizingRules(step=bad), ROOM).value == 0
    assert size(CHANCE, SizingRules(smallest_value=bad), ROOM).value == 0
    assert size(CHANCE, SizingRules(step=1e-300), ROOM).value > 0


def test_a_size_below_the_venues_smallest_is_none():
    found = size(CHANCE, SizingRules(smallest_value=1e5), ROOM)

    assert found.amount == 0
    assert "smallest order" in found.reason


def test_kelly_of_a_fair_and_of_a_good_bet():
    assert kelly_of_odds(0.5, 1.0, 1.0) == 0
    assert kelly_of_odds(0.6, 1.0, 1.0) == pytest.approx(0.2)
    assert kelly(0.01, 0.1) == pytest.approx(1)


def test_room_comes_from_the_gates_verdict():
    assert room_of(Approved("i", 1.0, 100.0)) == ("limits", 100.0)
    assert room_of(Reduced("i", 0.5, 50.0, "gross", "words")) == ("gross", 50.0)
    assert room_of(Denied("i", "state", "words")) == ("state", 0.0)
