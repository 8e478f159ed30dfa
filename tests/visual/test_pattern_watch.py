"""Patterns told on bars that have just closed: before their outcome, once, and by nothing that comes later."""

import pytest

from tests.support.planted import BARS, candles
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.domain.sightings import ENDED, SEEN
from workbench.ledger.log import open_ledger
from workbench.ledger.pattern_log import WATCH
from workbench.ledger.pattern_models import models_of
from workbench.ledger.sighting_log import SightingLog
from workbench.visual.pattern_close import at_close
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner
from workbench.visual.pattern_watch import PatternWatch

MARKET, OTHER = ("BTC/USD", "1h"), ("ETH/USD", "1h")
ROWS = [60 + 110 * n for n in range(8)]
TABLE = candles(1, 900, [(row, "cup") for row in ROWS])
LABELLED, SEEN_UNTIL = ROWS[:4], 500
RULE = OutcomeRule(target=0.02, stop=0.02, horizon=10)
STEP = Timeframe.parse("1h").step


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A home with a ledger in which ann has learned cups from what was there up to SEEN_UNTIL."""
    home = tmp_path_factory.mktemp("home")
    ledger = open_ledger(home / "ledger.sqlite")
    past = TABLE.iloc[:SEEN_UNTIL]
    lab = CustomPatternLearner(ledger, "ann", {MARKET: past}, trees=30, windows=240, models=models_of(home))
    for row in LABELLED:
        times = TABLE.index[row].to_pydatetime(), TABLE.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow(*MARKET, past, *times), "cup", RULE)
    lab.train_custom_patterns("ann")
    yield home, ledger, lab
    ledger.close()


def looks(watch, table, first, last):
    """A look at each bar from row `first` to before `last`, as a desk makes them."""
    told = judged = 0
    for row in range(first, last):
        need = watch.wanted()["1h"]
        known = {MARKET: table.iloc[max(0, row + 1 - need) : row + 1]}
        news, ended = watch.look(known, (table.index[row] + STEP).to_pydatetime())
        told, judged = told + news, judged + ended
    return told, judged


def test_what_closes_is_told_once_and_judged_when_its_outcome_is_known(learned):
    home, ledger, _ = learned
    first, last = ROWS[5] + BARS - 6, ROWS[5] + BARS + 20

    told, judged = looks(PatternWatch(ledger, home), TABLE, first, last)

    assert 1 <= told <= 3
    seen = SightingLog(ledger).all("ann")
    assert len(seen) == told
    assert len(ledger.read(kinds=[SEEN])) == told
    one = seen[0]
    assert (one.recognition.pattern, one.rule, one.fresh, one.version[:2]) == ("cup", RULE, True, "1:")
    assert one.seen_at == one.recognition.last_at + STEP
    assert one.recognition.nearest[0].annotation_id in {a.annotation_id for a in ledger.annotations.all("ann")}
    assert judged == sum(one.outcome is not Outcome.OPEN for one in seen) >= 1
    assert all(event.at >= ledger.event(f"{SEEN}:{event.payload['key']}").at for event in ledger.read(kinds=[ENDED]))

    again = looks(PatternWatch(ledger, home), TABLE, first, last)  # a desk that has just started, over the same bars
    assert again == (0, 0)


def test_bars_that_were_on_the_chart_when_labels_were_made_are_no_evidence(learned):
    home, ledger, _ = learned
    looks(PatternWatch(ledger, home), TABLE, ROWS[1] + BARS - 3, ROWS[1] + BARS + 3)

    old = [one for one in SightingLog(ledger).all("ann") if one.recognition.last_at < TABLE.index[SEEN_UNTIL]]
    assert old
    assert not any(one.fresh for one in old)


def test_the_future_changes_nothing_that_is_told(learned):
    _, _, lab = learned
    classifier = lab.classifier("ann")
    spoiled = TABLE.copy()
    spoiled.iloc[ROWS[6] + BARS :, :4] *= 3
    for row in range(ROWS[6] + BARS - 4, ROWS[6] + BARS):
        by_then = at_close(classifier, {MARKET: TABLE.iloc[: row + 1]})
        assert by_then == at_close(classifier, {MARKET: spoiled.iloc[: row + 1]})
        longest = max(classifier.lengths)
        assert by_then == at_close(classifier, {MARKET: TABLE.iloc[row + 1 - longest : row + 1]})  # nor does the past


def test_a_look_at_many_markets_says_what_a_look_at_each_says(learned):
    classifier, end = learned[2].classifier("ann"), ROWS[6] + BARS
    both = {MARKET: TABLE.iloc[:end], OTHER: TABLE.iloc[: end - 1]}

    together = at_close(classifier, both)

    alone = [one for market, table in both.items() for one in at_close(classifier, {market: table})]
    assert sorted(together, key=lambda one: one.symbol) == alone != []


def test_what_a_scan_of_history_finds_was_seen_at_its_close(learned):
    classifier = learned[2].classifier("ann")
    scanned = classifier.recognize(TABLE, *MARKET)

    assert scanned
    for one in scanned:
        live = at_close(classifier, {MARKET: TABLE[: one.last_at]})
        assert [seen.pattern for seen in live] == [one.pattern]
        assert live[0].probability >= one.probability


def test_whoever_looks_away_is_told_nothing(learned):
    home, ledger, lab = learned
    newest = lab.classifier("ann").recognize(TABLE, *MARKET)[-1].last_at
    watch, known = PatternWatch(ledger, home), {MARKET: TABLE[:newest], OTHER: TABLE[:newest]}

    def told(number, **choice):
        ledger.pattern_log.note("ann", WATCH, {str(number): {"on": True, "symbols": [], "timeframes": []} | choice})
        watch.wanted()
        return watch.look(known, newest + STEP)[0]

    assert told(0, on=False) == 0
    assert told(1, timeframes=["4h"]) == 0
    assert told(2, symbols=["ETH/USD"]) == 1
    assert told(3) == 1  # the other market; ETH was told


def test_labels_that_changed_are_learned_once_they_rest(learned):
    home, ledger, _ = learned
    watch = PatternWatch(ledger, home)
    watch.wanted()
    one = ledger.annotations.all("ann")[0]
    ledger.annotations.delete("ann", one.annotation_id)
    labels = len(ledger.pattern_log.all("ann", "model"))

    watch.wanted()
    assert len(ledger.pattern_log.all("ann", "model")) == labels  # they changed just now: the old model goes on
    watch.wanted()
    assert len(ledger.pattern_log.all("ann", "model")) == labels + 1
