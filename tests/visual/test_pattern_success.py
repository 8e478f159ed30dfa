"""The record of a pattern: what counts as out of sample, and how it is cut by market, state and bot."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from tests.support.planted import candles
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Outcome, OutcomeRule, Pattern, Recognition
from workbench.domain.sightings import Sighting
from workbench.visual.pattern_success import Beside, rough, success

BTC, ETH, DAY = ("BTC/USD", "1h"), ("ETH/USD", "1h"), ("BTC/USD", "1d")
TABLE = candles(3, 800)
HISTORY = {BTC: TABLE, ETH: candles(4, 800), DAY: TABLE.iloc[::24]}
RULE = OutcomeRule(target=0.01, stop=0.01, horizon=12)
SEEN = 400
PATTERN = Pattern("cup", 5, 3, 2, RULE, TABLE.index[SEEN].to_pydatetime())
HOUR = timedelta(hours=1)


def at(row, market=BTC, bars=24):
    times = (TABLE.index[row - bars + 1].to_pydatetime(), TABLE.index[row].to_pydatetime())
    return Recognition("cup", market[0], Timeframe.parse(market[1]), *times, 0.9, 0.01)


def told(row, **facts):
    one = at(row)
    return replace(Sighting("ann", one, "1:abc", one.last_at + HOUR, RULE), **facts)


def by_cut(found, beside=None):
    return {one.cut: one for one in success(PATTERN, found, HISTORY, 10, beside)}


def test_every_market_timeframe_and_state_has_its_cut():
    found = {BTC: [at(row) for row in (100, 450, 500, 700)], ETH: [at(600, ETH)]}
    rows = by_cut(found)

    assert list(rows) == ["all", "BTC/USD", "ETH/USD", "1d", "1h", "calm", "rough"]
    assert (rows["all"].seen.entries, rows["all"].since.entries) == (1, 4)
    assert [rows[cut].since.entries for cut in ("BTC/USD", "ETH/USD", "1h", "1d")] == [3, 1, 4, 0]
    assert rows["calm"].since.entries + rows["rough"].since.entries == 4
    state = rough(TABLE["close"].to_numpy())
    assert rows["rough"].since.entries >= int(np.sum(state[[450, 500, 700]]))


def test_a_bots_cut_holds_what_it_entered_within_the_window():
    found = {BTC: [at(row) for row in (450, 500, 700)], ETH: [at(600, ETH)]}
    moment = TABLE.index[500].to_pydatetime()
    trades = {
        "trend": {("BTC/USD", moment + HOUR), ("BTC/USD", TABLE.index[650].to_pydatetime())},
        "late": {("BTC/USD", moment + 4 * HOUR)},
        "elsewhere": {("DOGE/USD", moment)},
    }
    rows = by_cut(found, Beside(trades=trades))

    assert rows["bot trend"].since.entries == 1
    assert rows["bot late"].since.entries == 0
    assert "bot elsewhere" not in rows


def test_what_was_told_live_stays_out_of_sample_when_labels_are_made_later():
    found = {BTC: [at(row) for row in (300, 350, 450)]}
    before = by_cut(found)["all"]
    ended = told(300, outcome=Outcome.SUCCESS, gain=0.01)
    beside = Beside([ended, told(360), told(200, fresh=False), replace(ended, recognition=at(310, ETH))])
    after = by_cut(found, beside)["all"]

    assert (before.since.entries, before.live) == (1, (0, 0, 0))
    assert (
        after.since.entries == 4
    )  # 450 by the scan, 300, 360 and the other market's by the desk; 350 only by hindsight
    assert after.seen.known == 0
    assert after.live == (3, 2, 2)


def test_what_is_not_on_this_chart_counts_nowhere():
    beside = Beside([told(300), replace(told(300), recognition=replace(at(300), symbol="XRP/USD"))])
    whole = by_cut({}, beside)["all"]

    assert (whole.since.entries, whole.live[0]) == (1, 2)
