"""Bots' features in the joint model: useful ones are heard, garbage changes nothing, and nobody sees the future."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import ModelRefused, ValueRefused
from workbench.market import sample
from workbench.quant.joint_model import Besides, challenge, pack_joint, unpack_joint
from workbench.quant.lifts import STALE, Lift, bots_of, learn_lifts, told_columns
from workbench.quant.model_file import pack, unpack
from workbench.quant.panels import features, panel_of
from workbench.quant.scores import Scores
from workbench.quant.volatility import future_variance

HORIZON = 8
PANEL = panel_of({s: sample.load(s).iloc[-4000:] for s in sample.SYMBOLS}, 1800)
CLOSED = PANEL.opened_s + PANEL.bar_s
PLAIN = challenge(PANEL, HORIZON)
LATE = int(0.3 * len(CLOSED))  # bots began to speak here


def spoken(values):
    """(n_bars, n_symbols) numbers as a bot tells them, each known a minute after its close; in time for the next."""
    known = CLOSED[LATE:].astype(float) + 60
    return [Scores("f", symbol, known, values[LATE:, j]) for j, symbol in enumerate(PANEL.symbols)]


def joined(**series):
    told = {name.replace("__", "/"): spoken(values) for name, values in series.items()}
    return Besides(told=told_columns(told, PANEL.symbols, CLOSED, PANEL.bar_s))


def garbage(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_t(1, PANEL.close.shape) * 10.0 ** rng.integers(-9, 9)


def hints(noise=0.3):
    """What a good bot might know: the next hours' roughness, blurred. (A test may look ahead; a bot could not.)"""
    ahead = np.log(future_variance(PANEL.close, HORIZON) + 1e-12)
    return np.nan_to_num(ahead, nan=-12.0) + np.random.default_rng(1).normal(0, noise, ahead.shape)


def test_what_helps_on_later_data_is_heard_and_travels():
    found = challenge(PANEL, HORIZON, besides=joined(wise__hint=hints(), noise__x=garbage(1)))

    assert [lift.names for lift in found.challenger.lifts] == [("wise/hint",)]
    assert "better by" in found.bots["wise"]
    assert found.loss < 0.8 * PLAIN.loss
    joint, _ = unpack_joint(pack_joint(found.challenger, {}))
    known = features(PANEL)[-3:]
    told = {"wise/hint": np.full(known.shape[:2], -8.0)}
    assert np.array_equal(joint.variance(known, told), found.challenger.variance(known, told))
    assert not np.allclose(joint.variance(known, told), joint.variance(known))


@pytest.mark.parametrize("seed", range(4))
def test_garbage_leaves_the_very_same_model(seed):
    found = challenge(
        PANEL, HORIZON, besides=joined(a__x=garbage(seed), a__y=garbage(seed + 50), b__z=garbage(seed + 99))
    )

    assert pack_joint(found.challenger, {}) == pack_joint(PLAIN.challenger, {})
    assert (found.judgement, found.loss) == (PLAIN.judgement, PLAIN.loss)


def test_a_bot_that_falls_silent_or_speaks_nonsense_once_it_is_heard_costs_nothing_or_a_bounded_factor():
    joint = challenge(PANEL, HORIZON, besides=joined(wise__hint=hints())).challenger
    known = features(PANEL)[-200:]
    plain = replace(joint, lifts=()).variance(known)
    wild = joint.variance(known, {"wise/hint": np.full(plain.shape, 1e300)}) / plain
    leaves = np.exp(np.abs(joint.lifts[0].trees.value).sum()) * joint.lifts[0].scale

    assert np.array_equal(joint.variance(known), plain, equal_nan=True)
    assert np.array_equal(joint.variance(known, {"wise/hint": np.full(plain.shape, np.nan)}), plain, equal_nan=True)
    assert np.nanmax(wild) <= leaves


def test_a_leak_that_is_told_late_is_joined_late_and_so_is_no_leak():
    """A bot that waits for the outcome and then says it had known: the ledger's own time counts."""
    horizon_s = HORIZON * PANEL.bar_s
    told = {"liar/hint": [replace(s, known_s=s.known_s + horizon_s) for s in spoken(hints(0.0))]}
    columns = told_columns(told, PANEL.symbols, CLOSED, PANEL.bar_s)
    found = challenge(PANEL, HORIZON, besides=Besides(told=columns))

    start = LATE + HORIZON + 1
    assert np.array_equal(columns["liar/hint"][start:], hints(0.0)[LATE : -HORIZON - 1])  # what the past had become
    assert found.loss > 0.97 * PLAIN.loss


@settings(max_examples=40, deadline=None)
@given(now=st.integers(1, 300), delay_s=st.integers(0, 9000), seed=st.integers(0, 99))
def test_what_is_known_at_a_bar_does_not_depend_on_what_is_said_later(now, delay_s, seed):
    rng = np.random.default_rng(seed)
    closed, known = CLOSED[:301], np.sort(CLOSED[:301] + rng.integers(0, delay_s + 1, 301)).astype(float)
    said = Scores("f", "BTC/USD", known, rng.normal(size=301))
    later = known > closed[now]
    other = replace(said, value=np.where(later, rng.normal(size=301) * 1e6, said.value))

    one, two = (told_columns({"a/f": [each]}, ("BTC/USD",), closed, 1800)["a/f"] for each in (said, other))

    assert np.array_equal(one[: now + 1], two[: now + 1], equal_nan=True)


def test_what_is_stale_or_taken_back_is_unknown():
    known = np.array([1800.0, 3600.0])
    said = Scores("f", "BTC/USD", known, np.array([1.0, np.nan]))
    closed = np.arange(1, 12) * 1800

    column = told_columns({"a/f": [said]}, ("BTC/USD",), closed, 1800)["a/f"][:, 0]
    assert np.array_equal(column[:2], [1.0, np.nan], equal_nan=True)
    steady = told_columns({"a/f": [Scores("f", "BTC/USD", known[:1], np.ones(1))]}, ("BTC/USD",), closed, 1800)
    assert np.isfinite(steady["a/f"][:, 0]).sum() == STALE + 1


def test_what_was_learned_knows_nothing_after_the_training():
    split, whole, known = int(len(CLOSED) * 0.7), joined(wise__hint=hints()), features(PANEL)
    found = challenge(PANEL, HORIZON, besides=whole).challenger

    (lift,), _ = learn_lifts(PANEL.rows(split), found.model, known[:split], whole.upto(split))

    (used,) = found.lifts
    assert all(np.array_equal(lift.trees.arrays()[name], array) for name, array in used.trees.arrays().items())
    assert lift.scale == used.scale


@pytest.mark.parametrize("later", [7e9, np.nan, -3.0])
def test_features_that_go_bad_after_the_training_are_left_out(later):
    split, whole = int(len(CLOSED) * 0.7), joined(wise__hint=hints())
    bad = Besides(told={n: np.where(np.arange(len(v))[:, None] < split, v, later) for n, v in whole.told.items()})

    found = challenge(PANEL, HORIZON, besides=bad)

    assert pack_joint(found.challenger, {}) == pack_joint(PLAIN.challenger, {})
    assert "on data after it" in found.bots["wise"]


def test_hostile_lifts_are_refused():
    good = unpack(pack_joint(challenge(PANEL, HORIZON, besides=joined(wise__hint=hints())).challenger, {}))
    for names, change in (
        ([["wise/hint", "wise/more"]], {}),
        ([["no slash"]], {}),
        ("wise/hint", {}),
        ([["wise/hint"], ["b/c"]], {}),
        ([["wise/hint"]], {"lift0_scale": np.array(-1.0)}),
        ([["wise/hint"]], {"lift0_left": np.zeros(3, np.int64)}),
    ):
        with pytest.raises(ModelRefused):
            unpack_joint(pack({**good.arrays, **change}, {**good.header, "lifts": names}))


def test_names_belong_to_bots():
    assert bots_of(["b/y", "a/x", "b/a"]) == {"a": ("a/x",), "b": ("b/a", "b/y")}
    with pytest.raises(ValueRefused, match="one column a name"):
        Lift(("a/x", "a/y"), PLAIN.challenger.model.trees, 1.0)
