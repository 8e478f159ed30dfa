import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.desk import DeskState
from workbench.domain.risk import BotLimits, DeskLimits
from workbench.quant.limits import (
    LADDER,
    Conditions,
    TightenRules,
    changes,
    state_change,
    tighten,
    tightened_limits,
    worst_state,
)

RULES = TightenRules(usual_volatility=0.02)
CALM = Conditions(volatility=0.01, drawdown=0.0, regime="calm", correlation=0.2)
BOT = BotLimits(5_000.0, 20_000.0, 30_000.0, 0.02, 100, 60.0, 50, 60.0, 10.0)
DESK = DeskLimits(60_000.0, 80_000.0, 90_000.0, 100_000.0, 95_000.0, 90_000.0, 20_000.0, 30.0, 30.0, 3600.0)
SEVERITY = [DeskState.ACTIVE, DeskState.REDUCING, DeskState.HALTED]
conditions = st.builds(
    Conditions,
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["calm", "turbulent"]),
    st.floats(-1, 1),
    st.integers(-1, len(LADDER) - 1),
)


def test_calm_conditions_change_nothing_and_give_no_reason():
    found = tighten(CALM, RULES, joint=True)

    assert (found.factor, found.state, found.rung, found.reasons) == (1.0, DeskState.ACTIVE, -1, ())
    assert tightened_limits(BOT, 1.0) == BOT


@pytest.mark.parametrize(
    ("change", "factor", "word"),
    [
        ({"volatility": 0.04}, 0.5, "volatility is 2.0 times"),
        ({"regime": "turbulent"}, 0.5, "turbulent"),
        ({"drawdown": 0.06}, 0.75, "drawdown 6.0%"),
        ({"correlation": 1.0}, 0.5, "correlation is 1.00"),
        ({"volatility": 0.04, "regime": "turbulent"}, 0.5, "turbulent"),
        ({"volatility": 0.04, "drawdown": 0.11}, 0.25, "drawdown 11.0%"),
    ],
)
def test_each_cause_tightens_and_is_named(change, factor, word):
    found = tighten(replace(CALM, **change), RULES, joint=True)

    assert found.factor == pytest.approx(factor)
    assert any(word in reason for reason in found.reasons)
    assert len(found.reasons) == len(change)


def test_correlation_is_the_desks_business_only():
    assert tighten(replace(CALM, correlation=1.0), RULES).factor == 1


@given(conditions, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_worse_conditions_never_loosen(now, volatility, drawdown, correlation):
    worse = replace(
        now,
        volatility=max(now.volatility, volatility),
        drawdown=max(now.drawdown, drawdown),
        correlation=max(now.correlation, correlation),
    )

    before, after = tighten(now, RULES, joint=True), tighten(worse, RULES, joint=True)

    assert 0 <= after.factor <= before.factor <= 1
    assert SEVERITY.index(after.state) >= SEVERITY.index(before.state)
    assert after.rung >= before.rung
    assert bool(after.reasons) == (after.factor < 1 or bool(after.reasons))


@given(conditions, st.sampled_from(["volatility", "drawdown", "regime", "correlation"]))
@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "x"])
def test_what_is_unknown_tightens_fully_and_says_so(bad, now, field):
    found = tighten(replace(now, **{field: bad}), RULES, joint=True)

    assert found.factor == 0
    assert found.state is not DeskState.ACTIVE
    assert any("not known" in reason for reason in found.reasons)


def test_the_ladder_is_left_lower_than_it_was_climbed():
    def walk(*drawdowns):
        rung, seen = -1, []
        for down in drawdowns:
            found = tighten(replace(CALM, drawdown=down, rung=rung), RULES)
            rung = found.rung
            seen.append(rung)
        return seen

    assert walk(0.04, 0.06, 0.04, 0.029, 0.04) == [-1, 0, 0, -1, -1]
    assert walk(0.11, 0.08, 0.06, 0.02) == [1, 1, 0, -1]
    assert walk(0.16, 0.13, 0.11, 0.0) == [2, 2, 1, -1]
    assert walk(0.25, 0.10, 0.0) == [3, 3, 3]  # halted: only a person releases it


def test_states_follow_the_ladder():
    def state(down):
        return tighten(replace(CALM, drawdown=down), RULES).state

    assert [state(d) for d in (0.1, 0.15, 0.2, 1.0)] == [
        DeskState.ACTIVE,
        DeskState.REDUCING,
        DeskState.HALTED,
        DeskState.HALTED,
    ]


@given(conditions, conditions)
def test_one_bots_losses_change_only_its_own_limits(losing, other):
    lone = tightened_limits(BOT, tighten(other, RULES).factor)

    tighten(replace(losing, drawdown=0.99), RULES)

    assert tightened_limits(BOT, tighten(other, RULES).factor) == lone


@given(st.floats(0, 1))
def test_only_values_shrink(factor):
    bot, desk = tightened_limits(BOT, factor), tightened_limits(DESK, factor)

    assert (bot.collar, bot.orders, bot.decision_age_s) == (BOT.collar, BOT.orders, BOT.decision_age_s)
    assert (desk.quote_age_s, desk.model_age_s) == (DESK.quote_age_s, DESK.model_age_s)
    for name in ("order_value", "position_value", "gross_value"):
        assert getattr(bot, name) == getattr(BOT, name) * factor
    assert desk.cvar_value == DESK.cvar_value * factor


def test_every_change_is_told_field_by_field():
    after = tightened_limits(BOT, 0.5)

    told = changes("alpha", BOT, after, "volatility is 2.0 times the usual")

    assert {c.field: (c.before, c.after) for c in told} == {
        "order_value": (5_000.0, 2_500.0),
        "position_value": (20_000.0, 10_000.0),
        "gross_value": (30_000.0, 15_000.0),
    }
    assert changes("alpha", BOT, BOT, "") == ()
    assert state_change("desk", DeskState.ACTIVE, DeskState.ACTIVE, "") == ()
    assert state_change("desk", DeskState.ACTIVE, DeskState.HALTED, "drawdown")[0].field == "state"


def test_small_wobbles_are_no_change():
    factors = {tighten(replace(CALM, volatility=0.0300 + wobble * 1e-5), RULES).factor for wobble in range(10)}

    assert len(factors) == 1
    assert worst_state(()) is DeskState.ACTIVE
    assert worst_state((DeskState.REDUCING, DeskState.HALTED)) is DeskState.HALTED
