"""The lab without a screen: windows are found, labels are kept as they were seen, nothing later is looked at."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.visual.lab_scene import AT, FIRST, HOUR, candles, charts, window
from workbench.domain.errors import CandleError, SymbolError, ValueRefused
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.ledger.log import open_ledger
from workbench.visual.lab_charts import LabCharts, lake_charts, sample_charts
from workbench.visual.lab_learner import OwnPatterns
from workbench.visual.lab_session import Label, LabSession, key_of
from workbench.visual.similar_windows import similar_windows

RULE = OutcomeRule(target=0.02, stop=0.01, horizon=10)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


def session(ledger, until=None, user="ann"):
    seen = charts(until)
    return LabSession(seen, ledger, OwnPatterns(ledger, seen, trees=10), user)


def test_what_was_planted_is_found_in_every_market_and_not_the_window_itself(ledger):
    found = session(ledger).similar(window(), most=2)

    places = {(one.window.symbol, (one.window.first_at - FIRST) // HOUR) for one in found}
    assert places == {("AAA/USD", 300), ("BBB/USD", 200)}
    assert all(one.likeness > 0.99 and len(one.bars) == 24 for one in found)


def test_what_is_labelled_is_not_offered_again(ledger):
    lab = session(ledger)
    lab.label("a1", window("BBB/USD", 200), Label("spike", RULE))

    found = lab.similar(window(), most=2)

    assert ("BBB/USD", 200) not in {(one.window.symbol, (one.window.first_at - FIRST) // HOUR) for one in found}


@settings(max_examples=20, deadline=None)
@given(st.integers(10, 440), st.integers(12, 40))
def test_windows_found_share_no_more_than_half_and_come_in_order(first, bars):
    closes = {name: np.log(candles(seed, at)["close"].to_numpy()) for seed, (name, at) in enumerate(AT.items())}

    found = similar_windows(closes, [closes["AAA/USD"][first : first + bars]], most=8)

    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)
    spans = [(one.symbol, one.last - one.bars, one.last) for one in found]
    for at, (symbol, begin, end) in enumerate(spans):
        for other, since, until in spans[at + 1 :]:
            shared = min(end, until) - max(begin, since)
            assert symbol != other or shared <= max(end - begin, until - since) / 2


def test_the_rule_says_how_it_ended_and_an_edit_judges_again(ledger):
    lab = session(ledger)
    kept = lab.label("a1", window(), Label("spike", RULE, note="first"))
    by_hand = lab.reword("a1", Label("spike", None, Outcome.SUCCESS, "changed"))
    other = lab.reword("a1", Label("needle", OutcomeRule(target=5.0, stop=0.9, horizon=400)))

    assert (kept.outcome, kept.rule) == (lab.ending(window(), RULE).outcome, RULE)
    assert (by_hand.outcome, by_hand.rule, by_hand.note) == (Outcome.SUCCESS, None, "changed")
    assert (other.pattern, other.outcome) == ("needle", Outcome.OPEN if other.rule.horizon > 376 else other.outcome)


def test_a_label_knows_how_far_its_maker_could_see(ledger):
    until = FIRST + 200 * HOUR
    early = session(ledger, until).label("a1", window(), Label("spike", RULE))
    assert early.seen_until == until - HOUR

    later = session(ledger).label("a1", window(first=101), Label("spike", RULE))
    assert later.seen_until == FIRST + 499 * HOUR


def test_what_comes_after_until_is_not_there(ledger):
    whole, cut = session(ledger), session(ledger, FIRST + 124 * HOUR)

    assert cut.ending(window(), RULE).outcome is Outcome.OPEN
    assert whole.ending(window(), RULE).outcome is not Outcome.OPEN
    assert all(one.window.last_at < FIRST + 124 * HOUR for one in cut.similar(window(first=20)))
    with pytest.raises(CandleError, match="has no bars"):
        cut.label("a1", window(first=120), Label("spike", RULE))


@pytest.mark.parametrize(("bars", "why"), [(7, "8 to 2000"), (2, "8 to 2000")])
def test_a_window_that_is_too_short_is_refused_with_the_reason(ledger, bars, why):
    with pytest.raises(CandleError, match=why):
        session(ledger).label("a1", window(bars=bars), Label("spike", RULE))


def test_a_window_between_bars_is_refused(ledger):
    odd = window()
    shifted = type(odd)(odd.symbol, odd.timeframe, odd.first_at + timedelta(minutes=7), odd.last_at)

    with pytest.raises(CandleError, match="has no bars"):
        session(ledger).label("a1", shifted, Label("spike", RULE))


def test_undo_takes_back_each_step_and_another_user_sees_nothing(ledger):
    lab = session(ledger)
    lab.label("a1", window(), Label("spike", RULE))
    lab.reword("a1", Label("needle", RULE))
    lab.delete("a1")

    names = []
    for _ in range(3):
        lab.undo()
        names.append([one.pattern for one in lab.labels()])

    assert names == [["needle"], ["spike"], []]
    assert lab.undo() is None
    assert session(ledger, user="bob").labels() == []


def test_proposals_leave_out_what_was_skipped_and_what_is_labelled(ledger):
    lab = session(ledger)
    assert lab.propose("1h") == []
    lab.label("a1", window(), Label("spike", RULE))

    first = lab.propose("1h")
    rest = lab.propose("1h", skipped=[key_of(first[0].window)])

    assert {one.pattern for one in first} == {"spike"}
    assert key_of(first[0].window) not in [key_of(one.window) for one in rest]


def test_a_market_or_length_that_is_not_there_is_named(ledger):
    with pytest.raises(SymbolError, match="AAA/USD 1h"):
        session(ledger).charts.table("ZZZ/USD", "1h")
    with pytest.raises(SymbolError, match="no 7m candles"):
        session(ledger).charts.table("AAA/USD", "7m")


@pytest.mark.parametrize(("around", "first", "after"), [(None, 400, 0), (250, 200, 200), (0, 0, 400), (499, 400, 0)])
def test_a_part_of_a_chart_says_what_lies_on_both_sides(around, first, after):
    part = charts().part("AAA/USD", "1h", None if around is None else FIRST + around * HOUR, most=100)

    assert (part.before, len(part.bars), part.after) == (first, 100, after)
    assert part.newest == FIRST + 499 * HOUR


def test_the_sample_has_longer_bars_and_an_empty_lake_is_none(tmp_path):
    assert sample_charts().part("BTC/USD", "1d").bars.index[0].hour == 0
    assert lake_charts(tmp_path / "none") is None
    with pytest.raises(CandleError, match="no candles"):
        _ = LabCharts(lambda *_: None, {}).first


def test_a_name_that_names_nothing_is_refused(ledger):
    for name in ("", " spike", "x" * 61, "a\nb"):
        with pytest.raises(ValueRefused):
            session(ledger).label("a1", window(), Label(name, RULE))


def test_nothing_is_learned_until_it_is_asked_for(ledger):
    lab = session(ledger)
    for number, (symbol, first) in enumerate([("AAA/USD", 100), ("AAA/USD", 300), ("BBB/USD", 200)]):
        lab.label(f"a{number}", window(symbol, first), Label("spike", RULE))
    before = (lab.learner.trained("ann"), lab.recognise("AAA/USD", "1h"), lab.records(), lab.learner.due("ann"))

    steps = []
    told = lab.train(lambda done, words: steps.append(done))
    found = lab.recognise("AAA/USD", "1h")
    lab.count()
    lab.delete("a0")
    after = lab.recognise("AAA/USD", "1h")

    assert before == (None, [], [], False)
    assert told.labels == {"spike": 3}
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    assert {one.recognition.pattern for one in found} == {"spike"}
    assert all(near.annotation_id in {"a0", "a1", "a2"} for near in found[0].recognition.nearest)
    assert lab.learner.trained("ann").stale
    assert [one.recognition.first_at for one in after] == [one.recognition.first_at for one in found]
    assert session(ledger).learner.due("ann")  # another process knows that it was trained, and trains again
    assert {one.cut for one in lab.records()} >= {"all", "AAA/USD", "calm", "rough"}
    assert all(not one.since.significant for one in lab.records())
    doubtful = lab.propose("1h")
    assert [abs(one.probability - 0.5) for one in doubtful] == sorted(abs(one.probability - 0.5) for one in doubtful)
