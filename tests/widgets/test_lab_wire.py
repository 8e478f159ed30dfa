"""What the lab's page is told and may ask: text stays text, numbers are finite, nothing unchecked gets through."""

import json
import math
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.pattern_builders import annotation
from tests.visual.lab_scene import FIRST, HOUR, charts, window
from workbench.domain.errors import TimeframeError, ValueRefused, WorkbenchError
from workbench.domain.orders import Side
from workbench.domain.patterns import Likeness, Outcome, OutcomeRule, Pattern, Recognition
from workbench.quant.outcomes import Ending
from workbench.quant.significance import evidence
from workbench.visual.lab_learner import Finding, Trained
from workbench.visual.lab_session import Match
from workbench.visual.pattern_success import PatternSuccess
from workbench.widgets import lab_wire

HOSTILE = '<img src=x onerror="window.fired=1">\u202e\u0007'
RULE = OutcomeRule(Side.SELL, 0.05, 0.02, 12, 0.001)
junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def whole(told):
    """JSON that a browser reads: no NaN, and nothing is lost on the way."""
    return json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_window_goes_there_and_back():
    told = lab_wire.window(window())

    assert lab_wire.window_in(told) == window()


def test_a_rule_goes_there_and_back_and_is_as_usual_where_nothing_is_said():
    assert lab_wire.rule_in(lab_wire.rule(RULE)) == RULE
    assert lab_wire.rule_in(None) == lab_wire.rule_in({}) == OutcomeRule()


def test_a_label_takes_its_outcome_by_hand_or_by_rule():
    told = {"pattern": " flag ", "note": " n ", "rule": lab_wire.rule(RULE)}

    by_rule = lab_wire.label_in({**told, "outcome": "rule"})
    by_hand = lab_wire.label_in({**told, "outcome": "failure", "shared": True})

    assert (by_rule.pattern, by_rule.note, by_rule.rule, by_rule.outcome) == ("flag", "n", RULE, None)
    assert (by_hand.rule, by_hand.outcome, by_hand.shared) == (None, Outcome.FAILURE, True)
    assert lab_wire.label_in({**told, "shared": "yes"}).shared is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"pattern": ""},
        {"pattern": "x" * 61},
        {"pattern": "a\nb"},
        {"pattern": 7},
        {"outcome": "won"},
        {"rule": {"target": -1}},
        {"rule": {"horizon": 2.5}},
        {"rule": {"side": "up"}},
        {"rule": {"stop": float("nan")}},
        {"rule": {"cost": True}},
        {"note": "n" * 5000},
    ],
)
def test_a_label_that_is_none_is_refused(wrong):
    with pytest.raises(ValueRefused):
        lab_wire.label_in({"pattern": "flag", "outcome": "rule", **wrong})


@pytest.mark.parametrize("value", ["", "a b", "../x", "<b>", "a" * 121, None, 7, "é"])
def test_an_id_is_letters_and_digits(value):
    with pytest.raises(ValueRefused):
        lab_wire.id_in(value)


def test_a_window_that_ends_before_it_begins_is_refused():
    told = lab_wire.window(window())
    with pytest.raises(ValueRefused, match="begins before"):
        lab_wire.window_in({**told, "last": told["first"]})
    with pytest.raises(TimeframeError):
        lab_wire.window_in({**told, "timeframe": "1y"})
    with pytest.raises(ValueRefused, match="epoch"):
        lab_wire.window_in({**told, "last": 1e300})


@given(st.dictionaries(st.sampled_from(["symbol", "timeframe", "first", "last", "pattern", "rule", "outcome"]), junk))
def test_whatever_a_page_says_is_taken_or_refused(content):
    for read in (lab_wire.window_in, lab_wire.label_in, lambda told: lab_wire.rule_in(told.get("rule"))):
        with suppress(WorkbenchError):
            read(content)


def test_names_and_notes_arrive_as_text_with_nothing_hidden():
    told = lab_wire.label(annotation(pattern='<img src=x onerror="f()">', note=HOSTILE, symbol=HOSTILE))

    assert told["pattern"] == '<img src=x onerror="f()">'
    assert not {"\u202e", "\u0007"} & set(told["note"] + told["symbol"])
    assert whole(told)


def test_a_label_says_what_the_form_needs_to_edit_it():
    told = lab_wire.label(annotation(rule=RULE, outcome=Outcome.SUCCESS))

    assert (told["id"], told["bars"], told["outcome"], told["rule"]) == ("a1", 12, "success", lab_wire.rule(RULE))
    assert told["seen"] - told["first"] == 20 * 3600 * 1000


@given(st.integers(8, 400), st.integers(1, 60))
def test_a_small_picture_keeps_the_ends_and_the_extremes(bars, most):
    rng = np.random.default_rng(bars)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    rows = [(c, c * 1.01, c * 0.99, c, 1.0) for c in close]

    told = np.array(lab_wire.mini(rows, most))

    assert len(told) == min(most, bars)
    assert told[0, 0] == pytest.approx(close[0], rel=1e-5)
    assert told[-1, 3] == pytest.approx(close[-1], rel=1e-5)
    assert told[:, 1].max() == pytest.approx(close.max() * 1.01, rel=1e-5)
    assert told[:, 2].min() == pytest.approx(close.min() * 0.99, rel=1e-5)


def test_a_chart_is_rows_of_milliseconds_and_five_numbers():
    told = lab_wire.chart(charts().part("AAA/USD", "1h", most=10))

    assert [len(row) for row in told["bars"]] == [6] * 10
    assert told["bars"][-1][0] == told["newest"] == (FIRST + 499 * HOUR).timestamp() * 1000
    assert told["bars"][1][0] - told["bars"][0][0] == told["step"]
    assert whole(told)


def test_what_is_not_known_travels_as_null():
    bars = annotation().bars
    nan = math.nan
    unknown = evidence([np.array([nan])], [np.array([0])], trials=3)
    pattern = Pattern(HOSTILE, 3, 1, 1, None, FIRST)
    counted = [PatternSuccess(HOSTILE, cut, RULE, (1, 1), unknown, unknown) for cut in ("all", HOSTILE)]

    match = lab_wire.match(Match(window(), bars, 0.9))
    told = [
        match,
        lab_wire.records([pattern], counted)[0],
        lab_wire.ending(Ending(Outcome.OPEN, "time", 3, nan)),
        lab_wire.trained(Trained({HOSTILE: 3}, nan, HOSTILE)),
    ]

    assert match["probability"] is None
    since = told[1]["since"]
    assert since["p"] is since["chance"] is since["mean"] is told[2]["gain"] is told[3]["score"] is None
    assert told[1]["words"].startswith("too few to say: 0 outcomes known")
    assert [one["cut"] for one in told[1]["cuts"]] == [HOSTILE.replace("\u202e", "\ufffd").replace("\u0007", "\ufffd")]
    assert lab_wire.records([pattern], [])[0]["words"] == "not counted yet: press Train"
    assert all(whole(one) for one in told)


def test_a_finding_names_the_labels_it_resembles():
    near = (Likeness("a1", 0.97), Likeness("a2", 0.9))
    found = Recognition("flag", "BTC/USD", window().timeframe, FIRST, FIRST + 11 * HOUR, 0.83, 0.01, near)

    told = lab_wire.finding(Finding(found, annotation().bars))

    assert [one["id"] for one in told["nearest"]] == ["a1", "a2"]
    assert (told["probability"], told["p"], told["bars"]) == (0.83, 0.01, 12)
    assert whole(told)


def test_patterns_bring_the_rule_that_was_used_last():
    made = Pattern("flag", 3, 1, 1, RULE, FIRST)

    assert lab_wire.pattern(made)["rule"] == lab_wire.rule(RULE)
    assert lab_wire.pattern(replace(made, rule=None))["rule"] is None
