"""The brief's words: what deserves an eye, worst first; and what cannot be known is said, not guessed."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from workbench.bootstrap.connection import connect
from workbench.domain.desk import BotRow, DashboardData, DeskState, Health, MarketClock, Totals
from workbench.domain.events import Event
from workbench.domain.jobs import Fault, JobRun, Origin, RunState
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Outcome, Recognition
from workbench.domain.portfolio import EquityPoint, Money, MoneyMode
from workbench.domain.risk_desk import DrawdownRow, LimitRow, RiskDesk
from workbench.domain.sightings import Sighting
from workbench.integrations import brief_tables as tables
from workbench.integrations.brief import Brief, gather
from workbench.integrations.brief_words import headline_figures, profit, sentence_of, to_look_at, worst_fall
from workbench.settings import Settings

NOW = datetime(2026, 11, 29, 7, tzinfo=UTC)
WELL, ILL = Health(True, True, True), Health(False, False, False, reason="no answer <b>since</b> 12 s")
CLOCK = MarketClock(MoneyMode.REPLAY, NOW, 900.0, False, "run-1", "sample", "30m", ("BTC/USD", "ETH/USD"))


def points(*worths):
    return tuple(EquityPoint(NOW - timedelta(hours=len(worths) - at), worth, "USD") for at, worth in enumerate(worths))


def a_brief(**more):
    total = Totals(Money(20_100.0, "USD"), Money(100.0, "USD"), Money(100.0, "USD"))
    rows = (BotRow("trend", WELL, None), BotRow("breakout", WELL, None))
    data = DashboardData(NOW, DeskState.ACTIVE, None, CLOCK, total, rows)
    curves = {"trend": points(10_000, 9_900, 10_050), "total": points(20_000, 19_000, 20_100)}
    made = Brief(NOW, NOW - timedelta(hours=24), 24.0, data, curves)
    return replace(made, **more)


def risk(**more):
    return RiskDesk(NOW, "USD", 20_100.0, 0.975, ("trend",), (), (), 0.0, 0.0, **more)


def sighting(pattern, probability, outcome=Outcome.OPEN):
    at = NOW - timedelta(hours=3)
    seen = Recognition(pattern, "BTC/USD", Timeframe.parse("1h"), at - timedelta(hours=9), at, probability, 0.02)
    return Sighting("ann", seen, "1", NOW - timedelta(hours=2), outcome=outcome, gain=0.021)


def test_patterns_are_shown_and_those_still_open_are_to_be_looked_at():
    brief = a_brief(patterns=(sighting("cup <b>", 0.6), sighting("flag", 0.8), sighting("wedge", 0.9, Outcome.SUCCESS)))

    assert to_look_at(brief) == [
        "ann: flag on BTC/USD 1h, probability 80%, still open",
        "ann: cup <b> on BTC/USD 1h, probability 60%, still open",
    ]
    shown = tables.patterns_table(brief)
    assert list(shown.index) == ["wedge", "flag", "cup <b>"]
    assert list(shown["became"]) == ["success", "open", "open"]
    assert tables.patterns_table(a_brief()) == "No pattern was recognised in this period."


def test_profit_and_fall_are_of_the_period():
    brief = a_brief()

    assert profit(brief, "total") == Money(100.0, "USD")
    assert worst_fall(brief, "total") == pytest.approx(0.05)
    assert profit(brief, "breakout") is None
    assert math.isnan(worst_fall(brief, "breakout"))


def test_a_quiet_day_says_so():
    brief = a_brief()

    assert to_look_at(brief) == []
    assert sentence_of(brief) == (
        "2 bots earned +100.00 USD in the last 24 h, with a fall of 5.0% on the way. Nothing stands out."
    )


def test_what_to_look_at_comes_worst_first():
    data = a_brief().data
    ill = replace(data, state=DeskState.REDUCING, bots=(BotRow("trend", ILL, None), data.bots[1]))
    failed = JobRun("scan", NOW, Origin.SCHEDULE, RunState.FAILED, NOW, NOW, fault=Fault("ValueError", 3, 2, "x()"))
    changed = pd.DataFrame(
        [("BTC/USD", "ETH/USD", pd.Timestamp(NOW), 0.9, 0.2, 0.01)],
        columns=["one", "other", "around", "before", "since", "p"],
    )
    tight = risk(
        limits=(LimitRow("trend", "gross", 90.0, 100.0, 100.0),), drawdowns=(DrawdownRow("desk", 0.15, None, 0.2),)
    )

    found = to_look_at(a_brief(data=ill, runs=(failed,), changes=changed, risk=tight))

    assert found == [
        "The desk is reducing.",
        "Run of scan, due 07:00 UTC, failed: cell 3, line 2: x(): ValueError",
        "trend is down: no answer <b>since</b> 12 s",
        "trend: 90% of gross is used",
        "desk has fallen 15.0%; at 20.0% it halts",
        "BTC/USD and ETH/USD moved together +0.90, and +0.20 since 29 Nov",
    ]


def test_limits_that_are_tighter_than_set_are_told_by_their_newest_word():
    said = [("desk", 0.4), ("trend", 1.0), ("desk", 1.0), ("trend", 0.5)]  # newest first
    events = tuple(
        Event(
            9 - at, "LimitsChanged", scope, {"factor": factor, "words": f"limits of {scope}: × {factor}"}, str(at), NOW
        )
        for at, (scope, factor) in enumerate(said)
    )

    assert to_look_at(a_brief(happened=events)) == ["limits of desk: × 0.4"]


def test_a_long_list_is_cut_and_says_so():
    rows = tuple(BotRow(f"bot-{number}", ILL, None) for number in range(40))

    found = to_look_at(a_brief(data=replace(a_brief().data, bots=rows)))

    assert (len(found), found[-1]) == (12, "and 29 more")


def test_tables_show_text_as_text_and_say_why_they_are_empty():
    trade = Event(1, "TradeClosed", "trend", {"words": "x"}, "e", NOW)
    brief = a_brief(trades=(trade,))

    shown = tables.bots_table(brief)

    assert list(shown.loc["trend", ["P&L", "worst fall", "closed"]]) == ["+50.00 USD", "1.0%", 1]
    assert shown.loc["breakout", "P&L"] == "–"
    assert repr(tables.headroom_table(brief)) == "What is left of the limits is not known."
    assert repr(tables.correlations_table(brief)) == "Whether correlations changed is not known."
    assert tables.profit_chart(brief).to_dict()["mark"]["type"] == "line"


async def test_without_a_desk_the_brief_says_what_it_cannot_know(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with connect(Settings(home=tmp_path)) as desk:
        brief = await gather(desk)

    assert "no desk runs here" in brief.unknown[0]
    assert headline_figures(brief) | {"state": "no desk", "equity": "–"} == headline_figures(brief)
    assert "there is nothing to report" in sentence_of(brief)
    assert "nothing to draw" in repr(tables.profit_chart(brief))
