"""The life of a setup: each stage for its reason, on closed bars, the same in replay and live, blind to the future."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.candles import candle_at
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Candle, Timeframe
from workbench.market.sample import load
from workbench.quant.setup_kinds import KINDS, Breakout, LineBreak, PatternMatch, RangeTurn, Retest
from workbench.quant.setups import Patience, Stage, Tracker, Trigger

HOUR = Timeframe.parse("1h")
START = datetime(2019, 1, 1, tzinfo=UTC)


def bar(number, opened, high, low, close):
    return Candle("BTC/USD", HOUR, START + number * HOUR.step, opened, high, low, close, 1.0)


def flat(count, price=100.0, first=0):
    return [bar(first + i, price, price + 1, price - 1, price) for i in range(count)]


def lives(setup, bars, patience=None, warm=()):
    tracker = Tracker(setup, patience or Patience(), warm)
    return [change for each in bars if (change := tracker.feed(each))]


def after(bars, *closes, spread=0.5):
    """`bars` and then one bar for each close, opening where the last one closed."""
    made = list(bars)
    for close in closes:
        opened = made[-1].close
        made.append(bar(len(made), opened, max(opened, close) + spread, min(opened, close) - spread, close))
    return made


SMALL = Breakout(lookback=5)


@pytest.mark.parametrize(
    ("closes", "stages"),
    [
        ((103, 104, 112), [Stage.TRIGGERED, Stage.CONFIRMED, Stage.TARGET]),
        ((103, 104, 95), [Stage.TRIGGERED, Stage.CONFIRMED, Stage.STOP]),
        ((103, 100), [Stage.TRIGGERED, Stage.FAILED]),
        ((103, 104, 104, 104, 104), [Stage.TRIGGERED, Stage.CONFIRMED, Stage.EXPIRED]),
        ((100,) * 10, [Stage.EXPIRED]),
    ],
)
def test_a_breakout_lives_through_its_stages(closes, stages):
    changes = lives(SMALL, after(flat(6), *closes), Patience(armed=12, triggered=2, confirmed=3))

    assert [change.after for change in changes] == stages
    assert [change.before for change in changes] == [Stage.ARMED, *stages[:-1]]
    assert all(change.words for change in changes)


def test_a_bar_that_reaches_stop_and_target_counts_as_the_stop():
    bars = after(flat(6), 103, 104)
    wild = bar(len(bars), 104, 150, 50, 104)

    assert lives(SMALL, [*bars, wild])[-1].after is Stage.STOP


def test_a_gap_through_the_stop_is_filled_where_it_opens():
    bars = after(flat(6), 103, 104)
    gap = bar(len(bars), 80, 81, 79, 80)

    change = lives(SMALL, [*bars, gap])[-1]

    assert (change.after, change.price) == (Stage.STOP, 80)


def test_a_short_is_the_mirror_of_a_long():
    up = after(flat(6), 103, 104, 112)
    down = [bar(i, 200 - b.open, 200 - b.low, 200 - b.high, 200 - b.close) for i, b in enumerate(up)]

    stages = [change.after for change in lives(SMALL, up)]

    assert [change.after for change in lives(Breakout(lookback=5, side=-1), down)] == stages


def test_a_retest_waits_for_the_level_to_be_touched_again():
    bars = after(flat(14), 106, 107, 105, 101.6, 108)
    changes = lives(Retest(lookback=10, window=6), bars)

    assert [change.after for change in changes] == [Stage.TRIGGERED, Stage.CONFIRMED]
    assert changes[0].trigger.level == 101
    assert "broken 3 bars ago" in changes[0].words


def test_a_range_turns_at_its_foot():
    swing = [104, 100, 104, 100, 104, 100, 104, 100, 104, 100, 104]
    bars = after(flat(1, 100), *swing, *swing, 101, 99.9, 101.5, 102.5)
    changes = lives(RangeTurn(lookback=16, width=4), bars)

    assert changes
    assert changes[0].trigger.side in (1, -1)
    assert "range" in changes[0].words


def test_a_drawn_line_breaks():
    line = ((int(START.timestamp() * 1000), 110.0), (int((START + 20 * HOUR.step).timestamp() * 1000), 100.0))
    changes = lives(LineBreak(line=line), after(flat(16, 99), 99, 104, 105))

    assert [change.after for change in changes] == [Stage.TRIGGERED, Stage.CONFIRMED]
    assert changes[0].trigger.level == pytest.approx(110 - 0.5 * 17)


def test_a_pattern_is_a_setup_with_a_recogniser():
    def climbing(bars):
        return ("three up", 0.8) if (np.diff(bars.close[-4:]) > 0).all() else None

    changes = lives(PatternMatch(climbing, length=4), after(flat(4), 101, 102, 103, 104, 108))

    assert [change.after for change in changes] == [Stage.TRIGGERED, Stage.CONFIRMED, Stage.TARGET]
    assert changes[0].words == "three up recognised, 80 %"


def test_an_own_setup_is_a_small_class():
    @dataclass(frozen=True)
    class Doji:
        name: str = "doji"
        needs: int = 1

        def watch(self, bars):
            same = bars.open[-1] == bars.close[-1]
            return Trigger(1, bars.close[-1], bars.low[-1], bars.high[-1] + 1) if same else None

        def confirms(self, bars, trigger):
            return True

    changes = lives(Doji(), flat(2))

    assert [change.after for change in changes] == [Stage.TRIGGERED, Stage.CONFIRMED]


def candles(first, count, symbol="BTC/USD"):
    table = load(symbol).iloc[first : first + count]
    return [candle_at(table, row, symbol, Timeframe.parse("30m")) for row in range(len(table))]


QUICK = Patience(armed=60, triggered=4, confirmed=40)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.sampled_from([1, -1]), st.integers(0, 30_000), st.integers(1, 200), st.data())
def test_the_future_changes_nothing_that_was_said(kind, side, first, cut, data):
    """Whatever comes after a bar, in truth or made up, what was said up to it stays; and so does a longer past."""
    setup = KINDS[kind](side)
    warm, bars = candles(first, 150), candles(first + 150, 200)
    said = lives(setup, bars[:cut], QUICK, warm)
    factor = data.draw(st.floats(0.5, 2))
    corrupt = [
        Candle(
            b.symbol, b.timeframe, b.opened_at, b.open * factor, b.high * factor, b.low * factor, b.close * factor, 9.0
        )
        for b in bars[cut:]
    ]
    end = bars[cut - 1].closed_at.timestamp() * 1000

    for future in (bars[cut:], corrupt):
        whole = lives(setup, [*bars[:cut], *future], QUICK, warm)
        assert [change for change in whole if change.at_ms <= end] == said
    assert lives(setup, bars[:cut], QUICK, warm[-setup.needs :]) == said


def test_real_candles_trigger_every_kind():
    found = {kind: lives(KINDS[kind](1), candles(2000, 3000), Patience(armed=3000)) for kind in KINDS}

    assert all(found.values())
    assert all(changes[0].after is Stage.TRIGGERED for changes in found.values())


def test_bars_come_in_order_and_an_ended_setup_is_silent():
    tracker = Tracker(SMALL)
    bars = after(flat(6), 103, 100, 103, 104)
    for each in bars:
        tracker.feed(each)

    assert tracker.stage is Stage.FAILED
    with pytest.raises(ValueRefused, match="is not after"):
        tracker.feed(bars[-1])


@pytest.mark.parametrize("wrong", [(0, 1, 1, 2), (1, 1, 2, 1), (1, float("nan"), 1, 2), (-1, 1.0, 1.0, 2.0)])
def test_a_trigger_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueRefused):
        Trigger(*wrong)
