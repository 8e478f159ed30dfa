"""A pattern as a setup: recognised by likeness with its examples, on closed bars, the same now and in a replay."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.ledger.pattern_builders import annotation
from workbench.domain.drawings import Board
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import OutcomeRule
from workbench.domain.setups import TrackedSetup, setup_from, setup_json
from workbench.quant.pattern_match import examples_of
from workbench.quant.setup_replay import replayed
from workbench.quant.setups import Stage

HOUR = Timeframe.parse("1h")
CUP = 1 - 0.08 * np.sin(np.linspace(0, np.pi, 30))


def rows(closes):
    opens = np.concatenate([closes[:1], closes[:-1]])
    high, low = np.maximum(opens, closes) * 1.001, np.minimum(opens, closes) * 0.999
    return np.column_stack([opens, high, low, closes, np.full(len(closes), 9.0)])


def labels(count=4):
    rng = np.random.default_rng(5)
    made = []
    for number in range(count):
        bars = rows(100 * CUP * (1 + 0.004 * rng.standard_normal(len(CUP))))
        rule = OutcomeRule(target=0.02, stop=0.01)
        made.append(
            annotation(f"a{number}", pattern="Cup", bars=tuple(map(tuple, bars.tolist())), rule=rule, shared=False)
        )
    return made


def market():
    """300 bars of chance, a cup, and a rise."""
    rng = np.random.default_rng(11)
    chance = 100 * np.exp(np.cumsum(0.002 * rng.standard_normal(300)))
    cup = chance[-1] * np.interp(np.linspace(0, 29, 36), np.arange(30), CUP)
    closes = np.concatenate([chance, cup, cup[-1] * np.linspace(1.001, 1.05, 20)])
    index = pd.date_range("2020-01-01", periods=len(closes), freq="h", tz="UTC", name="opened_at")
    return pd.DataFrame(rows(closes), index, ["open", "high", "low", "close", "volume"])


def waiting(candles, armed=200):
    closed = candles.index[armed].to_pydatetime() + HOUR.step
    return TrackedSetup("s", Board("you", "BTC/USD", HOUR), "pattern", closed, 1, None, examples_of("cup", labels()))


def test_a_pattern_is_recognised_where_it_is_and_lives_to_its_target():
    candles = market()

    changes = replayed(waiting(candles), candles)

    assert [change.after for change in changes] == [Stage.TRIGGERED, Stage.CONFIRMED, Stage.TARGET]
    row = candles.index.get_loc(pd.Timestamp(changes[0].at_ms, unit="ms", tz="UTC") - HOUR.step)
    assert 320 <= row <= 340
    assert changes[0].words.startswith("Cup recognised, 9")
    trigger = changes[0].trigger
    assert trigger.stop == pytest.approx(trigger.level * 0.99)
    assert trigger.target == pytest.approx(trigger.level * 1.02)


def test_what_was_said_up_to_a_bar_needs_no_later_one_and_survives_the_ledger():
    candles = market()
    setup = waiting(candles)
    whole = replayed(setup, candles)
    kept = setup_from(json.loads(json.dumps(setup_json(setup))))

    assert kept == setup
    assert kept.name == "pattern Cup up"
    for cut in range(300, len(candles), 7):
        end = (candles.index[cut - 1] + HOUR.step).timestamp() * 1000
        assert replayed(kept, candles.iloc[:cut]) == [change for change in whole if change.at_ms <= end]


def test_too_few_examples_and_an_unknown_pattern_are_refused_by_name():
    with pytest.raises(ValueRefused, match="'cup' has 2 labels, 3 are needed; labelled patterns: Cup"):
        examples_of("cup", labels(2))
    with pytest.raises(ValueRefused, match="'flag' has 0 labels"):
        examples_of("flag", labels())
    with pytest.raises(ValueRefused, match="has examples of it"):
        TrackedSetup("s", Board("you", "BTC/USD", HOUR), "pattern", market().index[5].to_pydatetime())
