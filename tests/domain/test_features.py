"""What a bot may offer for learning: few numbers, plain names, a time with its zone."""

import math
from datetime import UTC, datetime

import pytest

from workbench.bots.protocol import decode, encode
from workbench.bots.wire import FeaturesWire
from workbench.domain.errors import BotError, ValueRefused
from workbench.domain.features import MOST, BotFeatures
from workbench.domain.market import Timeframe

NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)
BAR = Timeframe.parse("30m")


def test_what_is_unknown_is_none_and_travels_as_null():
    told = BotFeatures("a", "BTC/USD", BAR, {"rsi": 61.2, "mood": math.nan, "week": None}, NOON)

    assert told.values == {"rsi": 61.2, "mood": None, "week": None}
    assert decode(FeaturesWire, encode(told)) == told


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "offer 1 to 16"),
        ({f"f{n}": 1.0 for n in range(MOST + 1)}, "offer 1 to 16"),
        ({"<b>x</b>": 1.0}, "is no name"),
        ({"a/../b": 1.0}, "is no name"),
        ({"x" * 33: 1.0}, "is no name"),
        ({"rsi": math.inf}, "finite"),
        ({"rsi": "high"}, "finite"),
    ],
)
def test_garbage_is_refused_by_name(values, why):
    with pytest.raises(ValueRefused, match=why):
        BotFeatures("a", "BTC/USD", BAR, values, NOON)


@pytest.mark.parametrize("body", ["[]", "{}", '{"values": {"a": "x"}}', '{"values": {"a": 1e999}}'])
def test_what_is_no_answer_is_refused_on_the_wire(body):
    with pytest.raises(BotError, match="not a features"):
        decode(FeaturesWire, body)


def test_a_time_needs_its_zone():
    with pytest.raises(ValueRefused, match="must be UTC"):
        BotFeatures("a", "BTC/USD", BAR, {"rsi": 1.0}, NOON.replace(tzinfo=None))
