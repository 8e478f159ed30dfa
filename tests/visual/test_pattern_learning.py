"""The lab from label to record: what it finds, what it may not depend on, and what it says where there is nothing."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from tests.support.planted import BARS, candles
from workbench.domain.errors import LedgerError, ValueRefused
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.ledger.log import open_ledger
from workbench.visual.pattern_advice import Room
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner

ROWS = [60 + 110 * n for n in range(15)]
PLAN = [(row, ("double bottom", "cup")[n % 2]) for n, row in enumerate(ROWS)]
LABELLED, LATER = PLAN[:10], PLAN[10:]
MARKET = ("BTC/USD", "1h")


def chart(table, row, bars=BARS, until=None):
    times = table.index[row].to_pydatetime(), table.index[row + bars - 1].to_pydatetime()
    return ChartWindow(*MARKET, table if until is None else table.iloc[:until], *times)


@pytest.fixture(scope="module")
def table():
    return candles(1, 1750, PLAN)


@pytest.fixture(scope="module")
def lab(table, tmp_path_factory):
    ledger = open_ledger(tmp_path_factory.mktemp("lab") / "ledger.sqlite")
    made = CustomPatternLearner(ledger, "ann", {MARKET: table}, trees=30, windows=240)
    for row, name in LABELLED:
        made.annotate_pattern(chart(table, row, until=1250), name, OutcomeRule())
    yield made
    ledger.close()


def found_at(recognitions, table, plan):
    """Share of the planted windows that were told under their name, by a window that shares most of its bars."""
    hits = 0
    for row, name in plan:
        first, last = table.index[row], table.index[row + BARS - 1]
        for one in recognitions:
            shared = min(last, one.last_at) - max(first, one.first_at)
            hits += one.pattern == name and shared > 0.5 * (last - first)
            if one.pattern == name and shared > 0.5 * (last - first):
                break
    return hits / len(plan)


def test_what_was_labelled_is_found_where_nobody_labelled_it(lab, table):
    told = lab.recognize_user_patterns(ChartWindow(*MARKET, table), "ann")

    later = [one for one in told if one.first_at > table.index[1150]]
    assert found_at(later, table, LATER) >= 0.75
    assert len(later) <= 3 * len(LATER)
    assert all(one.nearest and one.nearest[0].similarity > 0.5 for one in told)


def test_a_recognition_stays_whatever_comes_later(lab, table):
    cut = 1500
    spoiled = table.copy()
    spoiled.iloc[cut:, :4] = spoiled.iloc[cut:, :4].to_numpy() * 3

    known = lab.classifier("ann").recognize(table.iloc[:cut], *MARKET)

    for later in (table, spoiled):
        told = lab.classifier("ann").recognize(later, *MARKET)
        assert [one for one in told if one.last_at < table.index[cut]] == known


def test_price_level_and_bar_length_and_the_brush_do_not_matter(lab, table):
    classifier = lab.classifier("ann")
    plain = classifier.recognize(table, *MARKET)
    dear = table.copy()
    dear[["open", "high", "low", "close"]] *= 1000
    same = classifier.recognize(dear, *MARKET)
    assert [(one.pattern, one.last_at) for one in same] == [(one.pattern, one.last_at) for one in plain]

    from workbench.quant.pattern_windows import prepared

    plain, others = [], []
    for row, _ in PLAN:
        bars = table.iloc[row : row + BARS].to_numpy(float)
        shifted = [table.iloc[row + move : row + BARS + move].to_numpy(float) for move in (-2, 2)]
        plain.append(prepared(bars))
        others += [prepared(x) for x in (*shifted, np.repeat(bars, 2, axis=0), bars * [1e3, 1e3, 1e3, 1e3, 1])]
    first = classifier.model.judge(np.array(plain)).classes
    assert np.mean(np.repeat(first, 4) == classifier.model.judge(np.array(others)).classes) >= 0.98


def test_training_says_how_well_it_does(lab):
    training = lab.classifier("ann").training

    assert training.labels == {"cup": 5, "double bottom": 5}
    assert training.validation.asked == 10
    assert "guessing 33%" in training.words


def test_shuffled_labels_are_told_to_be_no_better_than_guessing(lab, table):
    from workbench.quant.pattern_validation import cross_validated

    rng = np.random.default_rng(0)
    ordinary = [table.iloc[s : s + BARS].to_numpy(float) for s in rng.integers(0, 1650, 120)]
    result = cross_validated(ordinary[:24], ["a", "b"] * 12, ordinary[24:])

    assert result.balanced < 0.55
    assert "no better than guessing" in result.words


def test_success_is_told_beside_random_entries_and_every_question_counts(lab):
    first = lab.get_pattern_success_rates("ann")
    again = lab.get_pattern_success_rates("ann")

    everything = {one.pattern: one for one in first if one.cut == "all"}
    assert set(everything) == {"cup", "double bottom"}
    cup = everything["cup"]
    assert cup.since.trials == 6  # two patterns in three cuts: all, calm, rough
    assert [one.since.trials for one in again] == [6] * 6  # asking the same again is no new trial
    assert cup.seen.entries + cup.since.entries == sum(
        one.pattern == "cup" for ones in lab.recognitions("ann").values() for one in ones
    )
    for one in first:
        assert one.since.low <= one.since.rate <= one.since.high or not one.since.known
        assert one.words.split(":")[0] in ("no evidence", "evidence", "too few to say") or "no evidence" in one.words


def test_windows_like_the_brushed_one_come_before_any_training(lab, table):
    alike = lab.similar_windows(chart(table, PLAN[0][0]))

    assert alike[0].nearest[0].similarity == pytest.approx(1, abs=1e-4)
    assert (alike[0].first_at, alike[0].last_at) == (table.index[60], table.index[60 + BARS - 1])


def test_uncertain_windows_are_proposed_next(lab, table):
    proposed = lab.classifier("ann").doubtful(table, 4)

    spans = sorted((first, last) for first, last, *_ in proposed)
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    assert len(proposed) == 4


def test_advice_is_ranked_with_plan_and_reason_and_listens(lab, table, tmp_path):
    ends = PLAN[12][0] + BARS + 2
    ledger = open_ledger(tmp_path / "now.sqlite")
    now = CustomPatternLearner(ledger, "ann", {MARKET: table.iloc[:ends]}, trees=30, windows=240)
    for row, name in LABELLED:
        now.annotate_pattern(chart(table, row, until=1250), name, OutcomeRule())

    rooms = {"BTC/USD": Room(10_000.0, "USD", (("desk gross", 1_000.0),))}
    made = now.recommend("ann", rooms)

    assert [one.recognition.pattern for one in made][:1] == [PLAN[12][1]]
    best = made[0]
    assert best.stop < best.entry < best.target
    assert best.size.value == pytest.approx(1_000)
    assert (best.size.bound_by, best.held_back) == ("desk gross", "")
    assert "evidence" in best.reason or "too few" in best.reason
    now.answer("ann", best.advice_id, "skipped")
    again = now.recommend("ann", rooms)[0]
    assert again.score < best.score
    full = now.recommend("ann", {"BTC/USD": Room(10_000.0, "USD", (("desk gross", 0.0),))})[0]
    assert "no room" in full.held_back
    assert full.score < again.score
    assert now.recommend("ann")[0].size is None
    with pytest.raises(ValueRefused, match="answers are"):
        now.answer("ann", best.advice_id, "perhaps")
    ledger.close()


def test_too_few_labels_are_named(tmp_path, table):
    with_two = CustomPatternLearner(open_ledger(tmp_path / "l.sqlite"), "bob", {MARKET: table})
    with pytest.raises(ValueRefused, match="there are no labels"):
        with_two.train_custom_patterns("bob")
    for row in (60, 280):
        with_two.annotate_pattern(chart(table, row), "cup", True)
    with pytest.raises(ValueRefused, match="cup has 2"):
        with_two.train_custom_patterns("bob")


def test_an_annotation_says_what_was_brushed_and_how_it_ended(tmp_path, table):
    made = CustomPatternLearner(open_ledger(tmp_path / "l.sqlite"), history={MARKET: table})
    one = made.annotate_pattern(chart(table, 60), " cup ", OutcomeRule(target=1e-4, stop=0.5, cost=0), note="clean")

    assert (one.pattern, one.outcome, len(one.bars)) == ("cup", Outcome.SUCCESS, BARS)
    assert one.seen_until == table.index[-1].to_pydatetime()
    assert made.annotate_pattern(chart(table, 60), "cup", False).outcome is Outcome.FAILURE
    assert made.annotate_pattern(chart(table, len(table) - BARS), "cup", OutcomeRule()).outcome is Outcome.OPEN
    empty = ChartWindow(*MARKET, table, table.index[-1].to_pydatetime() + timedelta(days=1))
    with pytest.raises(ValueRefused, match="no bar lies"):
        made.annotate_pattern(empty, "cup")
    with pytest.raises(LedgerError):
        made.annotations.get("you", "nobody")
