"""Bots disagree: no small voice turns the desk alone, names and order do not matter, and nothing flaps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import ValueRefused
from workbench.quant.conflicts import POLICIES, Opinion, Rules, decide

SIDES = st.sampled_from([-1, 0, 1])
WEIGHTS = st.floats(0, 10) | st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 5e-324, 1e308])
quick = settings(deadline=None, max_examples=150)


@st.composite
def opinions(draw, weights=WEIGHTS, least=0):
    said = draw(st.lists(st.tuples(SIDES, st.integers(0, 3), weights), min_size=least, max_size=6))
    return [Opinion(f"b{i}", side, float(at), weight) for i, (side, at, weight) in enumerate(said)]


policies = st.sampled_from(POLICIES)
before = st.none() | SIDES


@quick
@given(opinions(), policies, before, st.randoms(use_true_random=False))
def test_the_order_in_which_bots_are_named_changes_nothing(said, policy, held, random):
    shuffled = random.sample(said, len(said))

    assert decide(shuffled, Rules(policy), held) == decide(said, Rules(policy), held)


@quick
@given(SIDES, SIDES, st.lists(st.floats(0.01, 10), min_size=2, max_size=6), st.data())
def test_no_bot_with_less_than_half_of_the_trust_turns_it_alone(held, other, weights, data):
    alone = data.draw(st.integers(0, len(weights) - 1))
    if weights[alone] >= 0.499 * sum(weights):
        return
    said = [Opinion(f"b{i}", other if i == alone else held, 0, weight) for i, weight in enumerate(weights)]

    assert decide(said, Rules(), held).side == held


@quick
@given(opinions(st.floats(0.01, 10), 1), before)
def test_a_side_is_entered_only_with_more_than_half_behind_it(said, held):
    found = decide(said, Rules(), held)

    if found.side not in (0, held):
        assert found.shares[found.side] >= 0.6
    if found.side != (held or 0) and found.side == 0 and held:
        assert found.shares.get(held, 0) < 0.4 or found.shares[0] >= 0.6


@quick
@given(st.lists(st.floats(0.401, 0.599), min_size=1, max_size=30), st.sampled_from([0, 1]))
def test_opinions_that_wobble_around_a_half_never_flap(shares, held):
    for share in shares:
        said = [Opinion("a", 1, 0, share), Opinion("b", 0, 0, 1 - share)]
        found = decide(said, Rules(), held)
        assert (found.side, found.changed, found.conflict) == (held, False, True)


@quick
@given(opinions(least=1), policies, before)
def test_a_decision_repeats_itself(said, policy, held):
    once = decide(said, Rules(policy), held)
    again = decide(said, Rules(policy), once.side)

    assert again.side == once.side
    assert not again.changed


@quick
@given(SIDES, st.lists(st.floats(0.01, 10), min_size=1, max_size=6), policies, before)
def test_when_all_agree_that_is_the_decision(side, weights, policy, held):
    said = [Opinion(f"b{i}", side, 0, weight) for i, weight in enumerate(weights)]
    found = decide(said, Rules(policy), held)

    assert (found.side, found.conflict) == (side, False)


@quick
@given(opinions(), policies, before)
def test_shares_sum_to_one_and_decisions_are_sides(said, policy, held):
    found = decide(said, Rules(policy), held)

    assert found.side in (-1, 0, 1)
    assert not found.shares or sum(found.shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_trusted_is_flat(policy):
    found = decide([Opinion("a", 1, 0, float("nan")), Opinion("b", 1, 0, 0)], Rules(policy), 1)

    assert (found.side, found.changed, found.reason) == (0, True, "nobody speaks whom anybody trusts")


@quick
@given(opinions(st.floats(0.01, 10), 1), SIDES, policies, before)
def test_a_bot_without_trust_decides_nothing(said, side, policy, held):
    stranger = Opinion("garbage", side, 99, 0.0)

    assert decide([*said, stranger], Rules(policy), held).side == decide(said, Rules(policy), held).side


def test_the_freshest_bar_wins_and_its_seers_are_weighed():
    said = [Opinion("old", 1, 10, 9.0), Opinion("new", 0, 20, 1.0), Opinion("new2", -1, 20, 3.0)]

    assert decide(said, Rules("freshest"), 1).side == -1


def test_unanimity_enters_and_a_majority_against_it_leaves():
    a, b, c = (lambda side, name=name: Opinion(name, side, 0) for name in "abc")
    rules = Rules("unanimous")

    assert decide([a(1), b(1), c(0)], rules).side == 0
    assert decide([a(1), b(1), c(1)], rules).side == 1
    assert decide([a(1), b(1), c(0)], rules, 1).side == 1
    assert decide([a(1), b(0), c(0)], rules, 1).side == 0


def test_a_veto_is_heard_at_once_and_only_from_those_who_may():
    a, b, c = (lambda side, name=name: Opinion(name, side, 0) for name in "abc")

    assert decide([a(1), b(1), c(0)], Rules("veto")).reason == "c vetoed long"
    assert decide([a(1), b(1), c(-1)], Rules("veto"), 1).side == 0
    assert decide([a(1), b(1), c(0)], Rules("veto"), 1).side == 1  # flat keeps from entering, and throws nobody out
    assert decide([a(1), b(1), c(-1)], Rules("veto", vetoers=frozenset("a"))).side == 1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueRefused, match="policies are trust"):
        Rules("loudest")
    with pytest.raises(ValueRefused, match="enter"):
        Rules(enter=0.5)
    with pytest.raises(ValueRefused, match="twice: a"):
        decide([Opinion("a", 1, 0), Opinion("a", 0, 0)])
    with pytest.raises(ValueRefused, match="side"):
        Opinion("a", 2, 0)
