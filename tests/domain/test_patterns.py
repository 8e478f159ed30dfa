"""A window that cannot have been on a chart is refused in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ledger.pattern_builders import FIRST, annotation
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import OutcomeRule, Recognition


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pattern": " flag"}, "no spaces around"),
        ({"pattern": ""}, "1 to 60"),
        ({"pattern": "a\x00b"}, "printable"),
        ({"bars": ()}, "8 to 2000 bars, got 0"),
        ({"bars": ((1.0, 2.0, 0.5, float("nan"), 1.0),) * 9}, "bar 0 must be five finite"),
        ({"bars": ((1.0, 0.9, 0.5, 1.0, 1.0),) * 9}, "bar 0 is not a candle"),
        ({"last_at": FIRST}, "come in that order"),
        ({"seen_until": FIRST + timedelta(hours=1)}, "come in that order"),
        ({"user_id": ""}, "an id and a user"),
        ({"note": "x" * 2001}, "2000 characters"),
    ],
)
def test_a_window_that_is_none_is_refused(change, words):
    with pytest.raises(ValueRefused, match=words):
        replace(annotation(), **change)


@pytest.mark.parametrize("change", [{"target": 0}, {"stop": float("nan")}, {"stop": 1.0}, {"horizon": 0}, {"cost": -1}])
def test_a_rule_without_sense_is_refused(change):
    with pytest.raises(ValueRefused, match=r"got"):
        OutcomeRule(**change)


def test_a_probability_is_one():
    with pytest.raises(ValueRefused, match="lie in"):
        Recognition("flag", "BTC/USD", Timeframe.parse("1h"), FIRST, FIRST, float("nan"), 0.1)
