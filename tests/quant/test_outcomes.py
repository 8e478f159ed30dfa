"""Target, stop, horizon: what happened first decides, and nothing beyond the horizon does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.quant.outcomes import Ending, ending
from workbench.quant.trade_outcomes import net_returns

RULE = OutcomeRule(target=0.04, stop=0.02, horizon=3, cost=0.0)
QUIET = (100.0, 101.0, 99.0, 100.0, 1.0)


def bars(*rows):
    return np.array(rows, dtype=float)


moves = st.tuples(*[st.integers(-7, 7)] * 4)


@st.composite
def histories(draw):
    rows, close = [], 100.0
    for opened, up, down, end in draw(st.lists(moves, max_size=8)):
        o, c = close + opened / 2 + 0.013, close + end / 2 + 0.017
        low, high = min(o, c) - abs(down) / 3, max(o, c) + abs(up) / 3
        rows.append((o, high, low, c, 1.0))
        close = max(c, 60.0)
    return rows


rules = st.builds(
    OutcomeRule,
    side=st.sampled_from(list(Side)),
    target=st.sampled_from([0.011, 0.031, 0.072]),
    stop=st.sampled_from([0.009, 0.029]),
    horizon=st.integers(1, 6),
    cost=st.sampled_from([0.0, 0.0021]),
)


@given(histories(), rules)
def test_it_agrees_with_the_returns_that_success_is_counted_by(rows, rule):
    window = (100.0, 100.0, 100.0, 100.0, 1.0)
    told = net_returns(np.array([window, *rows]), rule)[0]

    found = ending(100.0, np.array(rows).reshape(-1, 5), rule)

    assert found.gain == pytest.approx(told, nan_ok=True)
    assert found.outcome is (Outcome.OPEN if np.isnan(told) else Outcome.SUCCESS if told > 0 else Outcome.FAILURE)


@given(histories(), rules, st.floats(1, 1e6))
def test_what_lies_beyond_the_horizon_changes_nothing(rows, rule, junk):
    seen = np.array(rows).reshape(-1, 5)[: rule.horizon]
    later = np.vstack([seen, np.full((4, 5), junk)]) if len(seen) == rule.horizon else seen

    now, then = ending(100.0, seen, rule), ending(100.0, later, rule)

    assert (now.outcome, now.bars, now.by) == (then.outcome, then.bars, then.by)
    assert np.array_equal(now.gain, then.gain, equal_nan=True)


@given(histories(), rules)
def test_a_decision_once_made_is_kept_as_bars_arrive(rows, rule):
    seen = np.array(rows).reshape(-1, 5)
    told = [ending(100.0, seen[:n], rule) for n in range(len(seen) + 1)]
    decided = [one for one in told if one.outcome is not Outcome.OPEN]

    assert len({(one.outcome, one.bars) for one in decided}) <= 1


@given(histories(), rules, st.sampled_from([1000.0, 0.001]))
def test_the_level_of_the_price_does_not_matter(rows, rule, factor):
    seen = np.array(rows).reshape(-1, 5)
    scaled = seen * [factor, factor, factor, factor, 1]

    assert ending(100.0, seen, rule).outcome is ending(100.0 * factor, scaled, rule).outcome


def test_a_bar_that_touches_both_counts_as_the_stop():
    assert ending(100.0, bars((100, 105, 97, 101, 1)), RULE).by == "stop"


def test_a_gap_through_the_stop_pays_the_open():
    assert ending(100.0, bars((90, 91, 89, 90, 1)), RULE).gain == pytest.approx(-0.10)
    assert ending(100.0, bars((110, 111, 101, 105, 1)), RULE) == Ending(Outcome.SUCCESS, "target", 1, 0.04)


def test_costs_decide_a_draw_at_the_horizon():
    up = (100.0, 101.0, 99.0, 100.1, 1.0)
    assert ending(100.0, bars(QUIET, QUIET, up), RULE).outcome is Outcome.SUCCESS
    assert ending(100.0, bars(QUIET, QUIET, up), replace(RULE, cost=0.002)).outcome is Outcome.FAILURE


def test_a_short_wins_where_the_price_falls():
    falling = bars((100, 100.5, 95, 96, 1))

    assert ending(100.0, falling, replace(RULE, side=Side.SELL)).outcome is Outcome.SUCCESS
    assert ending(100.0, falling, RULE).outcome is Outcome.FAILURE


def test_an_entry_that_is_no_price_is_refused():
    with pytest.raises(ValueRefused, match="above 0"):
        ending(float("nan"), bars(QUIET), RULE)
