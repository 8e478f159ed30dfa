"""One look at a bar that has closed says what the slow and obvious order says: every window, one after another."""

from datetime import UTC
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.pattern_builders import annotation
from tests.support.planted import BARS, SHAPES, candles
from workbench.domain.candles import COLUMNS
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Recognition
from workbench.quant.pattern_windows import prepared
from workbench.quant.shapes import similarity
from workbench.visual.pattern_classifier import CANDIDATE, PatternClassifier
from workbench.visual.pattern_close import ALPHA, at_close

NAMES = sorted(SHAPES)
ROWS = [60 + 110 * n for n in range(15)]


@lru_cache
def learned(bars):
    """A classifier of three patterns, labelled at `bars` bars and more."""
    table = candles(7, 1800, [(row, NAMES[n % 3]) for n, row in enumerate(ROWS)])
    labels = []
    for n, row in enumerate(ROWS):
        first = row + (BARS - bars) // 2
        window = table.iloc[first : first + bars + n % 5]
        times = window.index[0].to_pydatetime(), window.index[-1].to_pydatetime()
        rows = tuple(map(tuple, window.to_numpy(float).tolist()))
        labels.append(annotation(f"a{n}", pattern=NAMES[n % 3], bars=rows, first_at=times[0], last_at=times[1]))
    return PatternClassifier.fit(labels, {("ETH/USD", "1h"): candles(8, 900)}, trees=12, windows=150)


def slowly(classifier, tables):
    """Every market and length by itself; every window through both gates."""
    told = {}
    for (symbol, timeframe), table in tables.items():
        bars = table[list(COLUMNS)].to_numpy(float)
        for n in classifier.lengths:
            close = np.log(bars[-n:, 3])
            if len(bars) < n or similarity(close, classifier.shapes).max() < CANDIDATE:
                continue
            verdict = classifier.model.judge(prepared(bars[-n:])[None], ALPHA)
            name, chance = str(verdict.classes[0]), float(verdict.probability[0])
            key = symbol, timeframe, name
            if verdict.accepted[0] and (key not in told or chance > told[key].probability):
                times = table.index[-n].to_pydatetime(), table.index[-1].to_pydatetime()
                figures = chance, float(verdict.p_value[0])
                near = classifier.nearest(close, name)
                told[key] = Recognition(name, symbol, Timeframe.parse(timeframe), *times, *figures, near)
    return sorted(told.values(), key=by_place)


def by_place(one):
    return one.symbol, one.pattern


@st.composite
def looks(draw):
    """Markets as they are at some bar: patterns in some of them, some too short for some lengths."""
    tables = {}
    for number in range(draw(st.integers(1, 9))):
        end = draw(st.sampled_from([9, 30, 50, 160, 161, 300]))
        plan = [(end - BARS - draw(st.integers(0, 3)), draw(st.sampled_from(NAMES)))] if end > 60 else []
        table = candles(draw(st.integers(0, 10**6)), end, plan, start="2025-01-01")
        tables[f"C{number}/USD", "1h"] = table[draw(st.sampled_from([list(COLUMNS), list(COLUMNS)[::-1]]))]
    return tables


@settings(max_examples=60, deadline=None)
@given(bars=st.sampled_from([24, 48]), tables=looks())
def test_many_markets_at_once_are_told_what_the_slow_order_tells(bars, tables):
    classifier = learned(bars)

    told = at_close(classifier, tables)

    assert sorted(told, key=by_place) == slowly(classifier, tables)
    assert [one.probability for one in told] == sorted((one.probability for one in told), reverse=True)


def test_patterns_are_told_at_all():
    tables = {(f"C{n}/USD", "1h"): candles(n, 200, [(152, NAMES[n % 3])]) for n in range(12)}

    told = at_close(learned(48), tables)

    right = sum(one.pattern == NAMES[int(one.symbol[1:-4]) % 3] for one in told)
    assert right >= 8
    assert told == at_close(learned(48), {market: spoiled(table) for market, table in tables.items()})


def spoiled(table):
    """Other bars before the longest window."""
    other = table.copy()
    other.iloc[:90, :4] *= 3
    return other


@settings(max_examples=40, deadline=None)
@given(alpha=st.sampled_from([0.001, 0.01, 0.02, 0.1, 0.5, 1.0]), untypical=st.floats(0, 0.5), seed=st.integers(0, 999))
def test_what_is_accepted_quickly_is_what_is_judged_acceptable(alpha, untypical, seed):
    model, rng = learned(48).model, np.random.default_rng(seed)
    table = candles(seed, 900, [(row, NAMES[row % 3]) for row in ROWS[:7]]).to_numpy(float)
    starts, lengths = rng.integers(0, 800, 90), rng.integers(20, 100, 90)
    windows = np.array([prepared(table[a : a + n]) for a, n in zip(starts, lengths, strict=True)])

    rows, quick = model.accept(windows, alpha, untypical)

    slow = model.judge(windows, alpha, untypical)
    np.testing.assert_array_equal(rows, np.flatnonzero(slow.accepted))
    for name in ("classes", "probability", "p_value", "typical", "accepted"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name)[rows])


def test_no_market_and_no_bar_are_answers():
    empty = pd.DataFrame(columns=list(COLUMNS), index=pd.DatetimeIndex([], tz=UTC), dtype=float)

    assert at_close(learned(48), {}) == []
    assert at_close(learned(48), {("A/USD", "1h"): empty}) == []


def test_an_unknown_close_resembles_nothing_and_another_unknown_value_is_refused():
    table = candles(3, 200, [(152, "cup")])
    gap, torn = table.copy(), table.copy()
    gap.iloc[-5, 3] = np.nan
    torn.iloc[-5, 4] = np.nan

    assert at_close(learned(48), {("A/USD", "1h"): table})
    assert at_close(learned(48), {("A/USD", "1h"): gap}) == []
    with pytest.raises(ValueRefused, match="finite"):
        at_close(learned(48), {("A/USD", "1h"): torn})
