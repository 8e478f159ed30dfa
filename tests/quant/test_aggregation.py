"""Trust: it agrees with its twin, its theorems hold on hostile sequences, and garbage is not heard."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri

from tests.support import naive_learning as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.aggregation import (
    RULES,
    Trust,
    TrustRule,
    admit,
    aligned,
    combine,
    delay_cost,
    new_trust,
    regret_bound,
    rule_for,
    updated,
)
from workbench.quant.fans import LEVELS, rearranged
from workbench.quant.hedge import hedge_bound, hedge_rate, hedge_weights
from workbench.quant.scoring import crps, pinball
from workbench.quant.standings import standings
from workbench.quant.trust_loops import COUNTED, LOSS, REGRET

calm = settings(deadline=None, max_examples=60)
FIVE = (0.05, 0.25, 0.5, 0.75, 0.95)
rules = st.builds(
    TrustRule,
    levels=st.just(FIVE),
    rule=st.sampled_from(RULES),
    band=st.just(10.0),
    rate=st.sampled_from([1.0, 2.0]),
    lag=st.sampled_from([1, 12]),
    probation=st.sampled_from([1, 3]),
    house=st.sampled_from(["", "a"]),
    shared=st.booleans(),
)


@st.composite
def stories(draw, most_rounds=25):
    """Rounds of (values by expert and level, outcome); a sleeping expert is a row of NaN."""
    n, rounds = draw(st.integers(1, 4)), draw(st.integers(1, most_rounds))
    story = []
    for _ in range(rounds):
        rows = [
            draw(st.one_of(st.just([np.nan] * 5), st.lists(st.floats(-30, 30), min_size=5, max_size=5)))
            for _ in range(n)
        ]
        story.append((np.array(rows), draw(st.floats(-30, 30))))
    return story


def followed(rule, story, names="abcd"):
    trust = admit(new_trust(rule), tuple(names[: len(story[0][0])]))
    for said, outcome in story:
        trust = updated(trust, said, outcome)
    return trust


@calm
@given(rules, stories(12))
def test_trust_agrees_with_its_naive_twin(rule, story):
    names = "abcd"[: len(story[0][0])]
    trust = admit(new_trust(rule), tuple(names))
    twins = [naive.Trust(rule, level) for level in FIVE]

    for said, outcome in story:
        columns = [{k: said[i, j] for i, k in enumerate(names)} for j in range(5)]
        mixed = combine(trust, said)
        if mixed is not None:
            expected = [twin.mixed(column)[0] for twin, column in zip(twins, columns, strict=True)]
            assert_allclose(mixed.values, sorted(expected), atol=1e-9)
        trust = updated(trust, said, outcome)
        steps = [twin.steps(column, outcome) for twin, column in zip(twins, columns, strict=True)]
        mean = {k: sum(step[k] for step in steps) / 5 for k in steps[0]}
        for twin, own in zip(twins, steps, strict=True):
            twin.learn(mean if rule.shared else own)
    for j, twin in enumerate(twins):
        for i, k in enumerate(names):
            past = twin.past.get(k, {"regret": 0, "counted": 0})
            assert_allclose(trust.tables[[REGRET, COUNTED], i, j], [past["regret"], past["counted"]], atol=1e-9)


@calm
@given(rules, stories())
def test_no_expert_is_regretted_beyond_the_bound(rule, story):
    trust = followed(rule, story)

    assert (trust.tables[REGRET] <= regret_bound(trust) + 1e-9).all()


@calm
@given(rules, stories())
def test_the_published_fan_loses_to_no_present_expert_by_more_than_the_bound(rule, story):
    n = len(story[0][0])
    story = [(np.nan_to_num(said), outcome) for said, outcome in story]  # everybody present
    trust, own = admit(new_trust(rule), tuple("abcd"[:n])), 0.0
    for said, outcome in story:
        own += pinball(FIVE, combine(trust, said).values, outcome).sum()
        trust = updated(trust, said, outcome)

    assert (own <= trust.tables[LOSS].sum(axis=1) + regret_bound(trust).sum(axis=1) + 1e-6).all()


@calm
@given(rules, stories(), st.integers(0, 6))
def test_outcomes_that_come_late_cost_what_delay_cost_says_and_no_more(rule, story, delay):
    n = len(story[0][0])
    story = [(np.nan_to_num(said), outcome) for said, outcome in story]
    trust, own, late, under_way = admit(new_trust(rule), tuple("abcd"[:n])), 0.0, 0.0, []
    for said, outcome in story + [(None, None)] * delay:
        if said is not None:
            under_way.append((said, combine(trust, said), outcome))
        if len(under_way) > delay or (said is None and under_way):
            old, then, happened = under_way.pop(0)
            own += pinball(FIVE, then.values, happened).sum()
            cost = delay_cost(trust, old, then.values, happened).sum()
            late += cost
            moved = np.abs(then.weights - combine(trust, old).weights).sum(axis=0) / 2
            assert (
                cost <= (moved * np.maximum(FIVE, 1 - np.array(FIVE)) * np.ptp(np.clip(old, -10, 10), 0)).sum() + 1e-9
            )
            trust = updated(trust, old, happened)

    assert trust.rounds[0] == len(story)
    assert delay or late <= 1e-9
    assert (own <= late + trust.tables[LOSS].sum(axis=1) + regret_bound(trust).sum(axis=1) + 1e-6).all()


@calm
@given(rules, stories(), st.integers(0, 6))
def test_as_many_copies_in_turn_as_rounds_are_under_way_need_no_price_for_the_delay(rule, story, delay):
    """Weinberger & Ordentlich's way: each copy knows the outcome of its last round before its next one."""
    n = len(story[0][0])
    story = [(np.nan_to_num(said), outcome) for said, outcome in story]
    copies, own, under_way = [admit(new_trust(rule), tuple("abcd"[:n]))] * (delay + 1), 0.0, []
    for t, (said, outcome) in enumerate([*story, *[(None, None)] * delay]):
        if said is not None:
            under_way.append((t, said, outcome))
            own += pinball(FIVE, combine(copies[t % (delay + 1)], said).values, outcome).sum()
        if len(under_way) > delay or (said is None and under_way):
            made, old, happened = under_way.pop(0)
            copies[made % (delay + 1)] = updated(copies[made % (delay + 1)], old, happened)

    allowed = sum(c.tables[LOSS].sum(axis=1) + regret_bound(c).sum(axis=1) for c in copies)
    assert (own <= allowed + 1e-6).all()


@calm
@given(rules, stories())
def test_a_shared_rule_gives_an_expert_one_weight_and_at_a_single_level_changes_nothing(rule, story):
    shared = followed(replace(rule, shared=True), story)
    found = combine(shared, story[-1][0])
    alone = [followed(replace(rule, levels=(0.25,), shared=way), [(s[:, 1:2], y) for s, y in story]) for way in (0, 1)]

    assert found is None or (found.weights == found.weights[:, :1]).all()
    assert (shared.tables[:LOSS] == shared.tables[:LOSS, :, :1]).all()
    assert_array_equal(alone[0].tables, alone[1].tables)


BEFORE = [
    [0.2546774162975337, 0.20917679460422603],
    [0.16732011065810434, 0.1442980897393649],
    [0.10429830626490327, 0.1583692215882782],
    [0.24410611952572092, 0.12016375032730275],
    [0.13260165066033205, 0.14091271923974347],
    [0.09699639659340568, 0.22707942450108465],
]


def test_one_bar_ahead_trust_moves_as_it_always_has():
    """Figures of before rules knew of horizons, to the last digits."""
    rng = np.random.default_rng(11)
    trust = admit(new_trust(rule_for(1, side_by_side=12, house="b")), tuple("abcdef"))
    for _ in range(600):
        said = np.sort(Z * rng.uniform(0.5, 3, (6, 1)) + rng.normal(0, 0.3, (6, 1)), axis=1)
        said[rng.random(6) < 0.1] = np.nan
        trust = updated(trust, said, float(rng.normal()))

    assert trust.rule == TrustRule(lag=12, house="b")
    assert_allclose(combine(trust, np.zeros((6, 11))).weights[:, [0, 5]], BEFORE, rtol=1e-12)


@pytest.mark.parametrize(
    ("horizon", "symbols", "lag"), [(1, 1, 1), (1, 12, 12), (4, 1, 8), (24, 1, 118), (24, 12, 1416)]
)
def test_rules_grow_cautious_with_the_horizon(horizon, symbols, lag):
    rule = rule_for(horizon, symbols)

    assert (rule.lag, rule.shared) == (lag, horizon > 1)


def test_a_state_of_before_rules_could_be_shared_is_read():
    trust = followed(TrustRule(levels=FIVE, lag=24), [(np.zeros((2, 5)), 1.0)])
    old = trust.to_json().replace(', "shared": false', "")

    assert "shared" not in old
    assert Trust.from_json(old).rule == trust.rule


@pytest.mark.parametrize("rule", RULES)
def test_a_greedy_adversary_stays_within_the_bound(rule):
    """Each round the outcome that hurts the collective most against its best expert."""
    rng = np.random.default_rng(4)
    trust = admit(new_trust(TrustRule(levels=(0.1, 0.5, 0.9), rule=rule, probation=1)), ("a", "b", "c"))
    for _ in range(1500):
        said = np.sort(rng.choice([-1.0, 0.0, 1.0, 3.0], (3, 3)) + rng.normal(0, 0.01, (3, 3)), axis=1)
        mixed = combine(trust, said).values
        outcomes = [*said.ravel(), *(mixed + 1e-9), *(mixed - 1e-9), -20.0, 20.0]

        losses = [pinball(trust.rule.levels, np.vstack([mixed, said]), y).sum(axis=1) for y in outcomes]
        harms = [loss[0] - loss[1:].min() for loss in losses]
        trust = updated(trust, said, outcomes[int(np.argmax(harms))])

    bound = regret_bound(trust)
    assert (trust.tables[REGRET] <= bound).all()
    assert bound.max() < 0.5 * 1500  # the bound says something: far less than one unit a round


@calm
@given(rules, stories())
def test_published_quantiles_never_cross_and_stay_among_the_experts(rule, story):
    trust = followed(rule, story)
    said = story[-1][0]
    found = combine(trust, said)
    awake = np.isfinite(said).all(axis=1)

    assert (found is None) == (not awake.any())
    if found is not None:
        assert (np.diff(found.values) >= 0).all()
        assert_allclose(found.weights.sum(axis=0), 1)
        assert (found.weights[~awake] == 0).all()
        assert found.values.min() >= np.clip(said[awake], -10, 10).min() - 1e-9
        assert found.values.max() <= np.clip(said[awake], -10, 10).max() + 1e-9


@calm
@given(rules, stories())
def test_a_silent_expert_changes_nothing(rule, story):
    trust = followed(rule, story)
    more = admit(followed(rule, story), ("mute",))
    said = story[-1][0]
    padded = np.vstack([said, np.full(5, np.nan)])

    plain, with_mute = combine(trust, said), combine(more, padded)

    if plain is not None:
        assert_array_equal(plain.values, with_mute.values)
    assert_array_equal(updated(more, padded, 1.0).tables[:, :-1], updated(trust, said, 1.0).tables)


@calm
@given(rules, stories())
def test_a_state_survives_json_to_the_bit(rule, story):
    trust = followed(rule, story)
    back = Trust.from_json(trust.to_json())

    assert back.rule == trust.rule
    assert back.experts == trust.experts
    assert_array_equal(back.tables, trust.tables)
    assert_array_equal(back.rounds, trust.rounds)


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", '{"rule": {"levels": [0.5]}, "experts": ["a"]}', "null"])
def test_what_is_not_a_trust_state_is_refused(text):
    with pytest.raises(ValueRefused, match="not a trust state"):
        Trust.from_json(text)


def test_a_poisoned_state_is_refused():
    trust = followed(TrustRule(levels=FIVE), [(np.zeros((2, 5)), 1.0)])

    with pytest.raises(ValueRefused):
        Trust.from_json(trust.to_json().replace("0.001", "NaN"))
    with pytest.raises(ValueRefused):
        Trust.from_json(trust.to_json().replace("0.001", "0.0"))


def test_states_are_values():
    trust = followed(TrustRule(levels=FIVE), [(np.zeros((2, 5)), 1.0)])
    before = trust.tables.copy()

    updated(trust, np.ones((2, 5)), 3.0)

    assert_array_equal(trust.tables, before)
    with pytest.raises(ValueError, match="read-only"):
        trust.tables[0, 0, 0] = 1
    with pytest.raises(ValueRefused, match="finite outcomes"):
        updated(trust, np.ones((2, 5)), np.nan)


def test_fans_are_lined_up_by_name_and_bad_ones_are_silence():
    trust = admit(new_trust(TrustRule(levels=FIVE)), ("a", "b", "a", "c"))
    found = aligned(trust, {"c": [1, 2, 3, 4, 5], "b": [1, 2, np.inf, 4, 5], "a": [1, 2], "x": [0] * 5})

    assert trust.experts == ("a", "b", "c")
    assert np.isnan(found[:2]).all()
    assert_array_equal(found[2], [1, 2, 3, 4, 5])
    assert admit(trust, ("c",)) is trust


Z = ndtri(np.array(LEVELS))


def market(rounds, garbage, rng):
    """Outcomes N(0, σ_t), four honest experts of differing skill, and garbage: noise, certainty, absurdity, bias."""
    sigma = np.exp(0.5 * np.sin(np.arange(rounds) / 40))
    honest = [Z * (sigma[:, None] ** power) * width for power, width in ((1, 1), (0.5, 1), (0, 1.1), (1, 1.5))]
    noise = [np.sort(rng.normal(0, 8, (rounds, Z.size)), axis=1) for _ in range(2)]
    fixed = [np.broadcast_to(fan, (rounds, Z.size)) for fan in (Z * 0.01, Z * 1e6, 3 + Z)]
    return np.stack([*honest, *(noise + fixed if garbage else [])], axis=1), rng.normal(size=rounds) * sigma


@pytest.mark.parametrize(("rule", "most"), [("boa", 1.02), ("ml-poly", 1.05)])
def test_five_garbage_bots_cost_little(rule, most):
    said, outcomes = market(4000, True, np.random.default_rng(0))
    trust = admit(new_trust(TrustRule(rule=rule)), tuple("abcdefghi"))
    published = []
    for fans, outcome in zip(said, outcomes, strict=True):
        published.append(combine(trust, fans).values)
        trust = updated(trust, fans, outcome)
    after = slice(trust.rule.probation, None)  # nobody is known before; with a house it would speak
    best = min(crps(LEVELS, said[after, k], outcomes[after]).mean() for k in range(4))

    assert crps(LEVELS, np.array(published)[after], outcomes[after]).mean() <= most * best
    assert crps(LEVELS, rearranged(said.mean(axis=1)), outcomes).mean() > 1.5 * best


def test_duplicates_of_a_bad_bot_cost_only_a_logarithm():
    rng = np.random.default_rng(1)
    said, outcomes = market(1500, False, rng)
    costs = []
    for copies in (1, 50):
        fans = np.concatenate([said, np.repeat((Z + 2)[None, None], 1500, 0).repeat(copies, 1)], axis=1)
        trust, own = admit(new_trust(TrustRule(probation=1)), tuple(map(str, range(fans.shape[1])))), 0.0
        for row, outcome in zip(fans, outcomes, strict=True):
            own += crps(LEVELS, combine(trust, row).values, outcome) if trust.rounds[0] else 0.0
            trust = updated(trust, row, outcome)
        costs.append(own)

    assert costs[1] < 1.03 * costs[0]


def test_a_newcomer_is_watched_before_it_is_heard():
    rule = TrustRule(levels=FIVE, probation=5)
    story = [(np.array([[-2, -1, 0, 1, 2.0], [-4, -2, 0, 2, 4.0]]), float(y)) for y in (0, 1, -1, 0.5, 2, -2)]
    trust = admit(followed(rule, story), ("newcomer",))
    said = np.vstack([story[0][0], [[9.0] * 5]])

    for _ in range(5):
        assert (combine(trust, said).weights[2] == 0).all()
        trust = updated(trust, said, 0.0)


def test_the_house_speaks_while_all_others_are_watched():
    trust = admit(new_trust(TrustRule(levels=FIVE, house="house")), ("wild", "house"))
    said = np.array([[50.0] * 5, [-2, -1, 0, 1, 2]])

    assert_array_equal(combine(trust, said).values, [-2, -1, 0, 1, 2])
    assert_array_equal(combine(trust, np.vstack([said[:1], said[1:] * np.nan])).values, [10.0] * 5)


def test_standings_say_why():
    story = [(np.array([[-2, -1, 0, 1, 2.0], [5, 6, 7, 8, 9.0]]), y) for y in (0.1, -0.4, 1.2, -1.5) * 10]
    trust = admit(followed(TrustRule(levels=FIVE, probation=5), story), ("new", "mute"))
    said = np.vstack([story[0][0], [[0.0] * 5, [np.nan] * 5]])

    rows = {row.expert: row for row in standings(trust, said)}

    assert next(iter(rows)) == "a"
    assert rows["a"].words.startswith("heard for 9")
    assert rows["a"].lead <= rows["a"].bound
    assert rows["b"].loss > 5 * rows["a"].loss
    assert rows["new"].words == "watched: 0 of 5 forecasts have matured"
    assert rows["mute"].words == "silent now"
    assert sum(row.weight for row in rows.values()) == pytest.approx(1)


@pytest.mark.parametrize("rule", RULES)
def test_the_past_is_not_touched_by_later_rounds(rule):
    rng = np.random.default_rng(3)
    said, outcomes = market(120, True, rng)

    def path(said, outcomes):
        trust, out = admit(new_trust(TrustRule(rule=rule, probation=2)), tuple("abcdefghi")), []
        for fans, outcome in zip(said, outcomes, strict=True):
            found = combine(trust, fans)
            out.append(np.vstack([found.values, found.weights]))
            trust = updated(trust, fans, outcome)
        return np.array(out)

    spoiled_said, spoiled = said.copy(), outcomes.copy()
    spoiled_said[70:], spoiled[70:] = 1e9, -7.0

    assert_array_equal(path(said, outcomes)[:70], path(said[:70], outcomes[:70]))
    assert_array_equal(path(said, outcomes)[:70], path(spoiled_said, spoiled)[:70])


@calm
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=60))
def test_hedge_regret_stays_below_its_theorem(losses):
    rounds, total, own = len(losses), np.zeros(3), 0.0
    for row in losses:
        own += hedge_weights(total, hedge_rate(3, rounds)) @ np.array(row)
        total += row

    assert own - total.min() <= hedge_bound(3, rounds) + 1e-9


@calm
@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=60))
def test_exponential_weights_on_squared_loss_regret_two_log_k_for_ever(rows):
    total, own = np.zeros(4), 0.0
    for *said, outcome in rows:
        own += (hedge_weights(total, 0.5) @ np.array(said) - outcome) ** 2
        total += (np.array(said) - outcome) ** 2

    assert own - total.min() <= 2 * np.log(4) + 1e-9


@pytest.mark.parametrize("wrong", [{"rule": "opera"}, {"rate": 0.5}, {"band": 0}, {"lag": 0}, {"levels": (0.5, 0.4)}])
def test_rules_out_of_range_are_refused(wrong):
    with pytest.raises(ValueRefused):
        TrustRule(**wrong)
