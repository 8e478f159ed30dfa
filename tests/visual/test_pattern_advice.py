"""The order of setups: evidence, likeness, state, answers, room in risk; what is held back comes last and says why."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain.market import Timeframe
from workbench.domain.orders import Side
from workbench.domain.patterns import Likeness, OutcomeRule, Recognition
from workbench.quant.significance import Evidence
from workbench.visual.pattern_advice import Now, Room, advise
from workbench.visual.pattern_success import PatternSuccess

HOUR = Timeframe.parse("1h")
LAST = datetime(2024, 5, 1, tzinfo=UTC)
MANY = (("desk gross", 1e6), ("desk in it", 1e6))
SYMBOLS = ("AAA/USD", "BBB/USD", "CCC/USD", "DDD/USDT")


def seen(symbol="AAA/USD", pattern="cup", like=0.9):
    times = LAST - timedelta(hours=23), LAST
    return Recognition(pattern, symbol, HOUR, *times, 0.9, 0.01, (Likeness("mine", like),))


def record(p_value=0.5, side=Side.BUY, known=20, net=0.01):
    rule = OutcomeRule(side=side, target=0.03, stop=0.02, horizon=16)
    told = Evidence(known, known, known // 2, 0.2, 0.8, net, 0.4, 0.0, p_value, p_value, 1)
    return PatternSuccess("cup", "all", rule, (0, 0), told, told)


def now(rooms):
    markets = {(symbol, "1h"): 100.0 for symbol in SYMBOLS}
    return Now(markets, dict.fromkeys(markets, 0.005), rooms)


def room(left=MANY, **facts):
    return Room(**{"equity": 10_000.0, "currency": "USD", "left": left} | facts)


def test_the_plan_follows_the_rule_and_the_size_follows_the_limits():
    (one,) = advise(
        [seen()], now({"AAA/USD": room((("desk gross", 500.0), ("desk in it", 900.0)))}), {"cup": record()}, {}
    )

    assert (one.entry, one.stop, one.target) == (100, 98, 103)
    assert one.size.value == pytest.approx(500)
    assert (one.size.bound_by, one.held_back) == ("desk gross", "")
    (free,) = advise([seen()], now({"AAA/USD": room()}), {"cup": record()}, {})
    assert free.size.bound_by == "risk per trade"
    assert free.size.value == pytest.approx(10_000 * 0.005 / (0.02 + 0.001))
    assert free.score > one.score
    (short,) = advise([seen()], now(None), {"cup": record(side=Side.SELL)}, {})
    assert (short.entry, short.stop, short.target, short.size) == (100, 102, 97, None)
    assert "size not known" in short.reason


def test_what_is_held_barred_or_full_ranks_below_the_worst_and_says_why():
    rooms = {
        "AAA/USD": room(held=("trend",)),
        "BBB/USD": room(barred="the desk is HALTED"),
        "CCC/USD": room(),
        "DDD/USDT": room(),
    }
    found = [seen(symbol, like=0.99) for symbol in ("AAA/USD", "BBB/USD", "DDD/USDT")] + [seen("CCC/USD", like=0.1)]

    made = advise(found, now(rooms), {"cup": record(0.001)}, {})

    assert made[0].recognition.symbol == "CCC/USD"
    why = {one.recognition.symbol: one.held_back for one in made}
    assert why["AAA/USD"] == "trend holds it already"
    assert why["BBB/USD"] == "the desk is HALTED"
    assert "in USD, this market in USDT" in why["DDD/USDT"]
    (full,) = advise([seen()], now({"AAA/USD": room((("desk gross", 0.0),))}), {}, {})
    assert "0.00 is left of the limit desk gross" in full.held_back
    (blind,) = advise([seen()], now({"AAA/USD": room(equity=math.nan)}), {}, {})
    assert "no room" in blind.held_back


def test_each_part_moves_the_rank():
    plain = advise([seen()], now(None), {"cup": record()}, {})[0].score
    better = {
        "evidence": advise([seen()], now(None), {"cup": record(0.01)}, {}),
        "likeness": advise([seen(like=0.99)], now(None), {"cup": record()}, {}),
        "state": advise([seen()], now(None), {"cup": record()}, {}, {"cup": record(0.01)}),
        "taken": advise([seen()], now(None), {"cup": record()}, {"cup": ["taken"]}),
        "success": advise([seen()], now(None), {"cup": record()}, {"cup": ["taken", "success"]}),
    }
    assert all(made[0].score > plain for made in better.values()), better
    assert better["success"][0].score > better["taken"][0].score
    for answer in ("skipped", "failure"):
        assert advise([seen()], now(None), {"cup": record()}, {"cup": [answer]})[0].score < plain
    assert all(0 <= made[0].score <= 1 for made in better.values())
