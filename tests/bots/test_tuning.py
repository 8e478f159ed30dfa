"""The walk-forward search: judged on what came after, told and stopped on the way."""

import numpy as np
import pytest

from workbench.bots.research.kinds import strategy
from workbench.bots.research.tuning import Cancelled, Watch, candidates, search
from workbench.market import sample

PANEL = {"BTC/USD": sample.load("BTC/USD").iloc[3000:4200]}
BAR_S = 1800


def test_progress_rises_to_one_and_the_outcome_counts_what_was_tried():
    told = []

    found = search(strategy("breakout"), PANEL, "BTC/USD", BAR_S, Watch(lambda fraction, words: told.append(fraction)))

    assert told == sorted(told)
    assert told[-1] == 1.0
    assert (found.tried, found.folds) == (24, 4)
    assert set(found.best) == {"entry", "exit", "stop"}


def test_the_same_search_gives_the_same_outcome():
    one, other = (search(strategy("trend"), PANEL, "BTC/USD", BAR_S) for _ in range(2))

    assert one == other


def test_a_search_stops_when_told():
    calls = []

    def cancelled():
        calls.append(1)
        return len(calls) > 10

    with pytest.raises(Cancelled):
        search(strategy("trend"), PANEL, "BTC/USD", BAR_S, Watch(cancelled=cancelled))

    assert len(calls) == 11


def test_too_little_history_is_refused_in_words():
    with pytest.raises(ValueError, match="too few to tune"):
        search(strategy("trend"), {"BTC/USD": PANEL["BTC/USD"].iloc[:500]}, "BTC/USD", BAR_S)


def test_what_a_fold_chooses_does_not_depend_on_what_comes_after_it():
    """Spoil the last fold's bars: what was chosen and earned before is unchanged, so scores differ only by the end."""
    from workbench.bots.research.tuning import _Search
    from workbench.quant.walk_forward import folds

    table = PANEL["BTC/USD"]
    mind = strategy("trend")
    first = folds(len(table) - mind.lookback - 1, 4)[0]
    cut = mind.lookback + 1 + first.train_stop
    spoilt = table.copy()
    spoilt.iloc[cut:, :4] *= np.linspace(1, 3, len(table) - cut)[:, None]

    honest, other = (
        _Search(mind, {"BTC/USD": t}, "BTC/USD", 132.0, Watch())._choose(first, 0) for t in (table, spoilt)
    )

    assert honest[1] == other[1]


def test_a_learning_search_never_learns_from_the_bars_it_picks_or_judges_on():
    seen = []

    class Spy(type(strategy("learning"))):
        def fitted(self, panel):
            seen.append(max(table.index[-1] for table in panel.values()))
            return super().fitted(panel)

    small = {"BTC/USD": sample.load("BTC/USD").iloc[3000:5000]}
    spy = Spy(strategy("learning").params.changed({"rounds": 5}))
    search(spy, small, "BTC/USD", BAR_S)

    assert seen == sorted(set(seen))
    assert seen[-1] < small["BTC/USD"].index[-1] - (small["BTC/USD"].index[1] - small["BTC/USD"].index[0]) * 200


def test_candidates_begin_with_todays_values_and_are_always_the_same():
    mind = strategy("mean_reversion")

    tried = candidates(mind)

    assert tried[0] == mind.params
    assert len(set(tried)) == len(tried) == 24
    assert tried == candidates(mind)
