"""The bots' trades on a chart: from the desk's ledger, of this run only, in rows that hold no surprise."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plain_bots import a_status
from tests.support.xss import PAYLOADS
from workbench.bots.protocol import plain
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import Position, Trade
from workbench.ledger.log import open_ledger
from workbench.orchestration.changes import _closed, _opened
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import PriceMark, TradeMark
from workbench.visual.desk_trades import FORGOTTEN, DeskTrades
from workbench.visual.live_chart import LiveChartRenderer
from workbench.visual.live_picture import picture
from workbench.visual.trade_history import MOST, TradeHistory
from workbench.visual.trade_rows import LATE, colours, in_rows, trade_mark, trade_row

NOON = datetime(2018, 6, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


def trade(hours=0, **changes):
    told = {"symbol": "BTC/USD", "amount": 0.5, "entry_price": 7000.0, "exit_price": 7100.0, "pnl": 45.0, "fees": 5.0}
    times = {"opened_at": NOON + hours * HOUR, "closed_at": NOON + (hours + 2) * HOUR}
    return Trade(**{**told, **times, "reason": "target", **changes})


def holds(**changes):
    told = {"symbol": "BTC/USD", "amount": 0.5, "entry_price": 7000.0, "mark_price": 7050.0, "opened_at": NOON}
    return Position(**{**told, "stop": 6900.0, "targets": (7200.0, 7400.0), **changes})


def says(ledger, bot_id, *held, age=timedelta(0)):
    status = replace(a_status(bot_id), positions=held, as_of=datetime.now(UTC) - age)
    ledger.tables.record_status(bot_id, plain(status))


def clock(run_id):
    async def read_clock():
        return SimpleNamespace(run_id=run_id)

    return SimpleNamespace(read_clock=read_clock)


async def test_finished_and_open_trades_of_this_run_and_this_market_only(ledger):
    old = _closed("trend", "run-0", trade())
    mine = [_closed("trend", "run-1", trade(3)), _closed("breakout", "run-1", trade(1, amount=-0.2))]
    other = _closed("trend", "run-1", trade(symbol="ETH/USD"))
    ledger.append([old, *mine, other])
    says(ledger, "trend", holds(), holds(symbol="ETH/USD"))

    seen = await DeskTrades(ledger, clock("run-1")).look("BTC/USD")

    assert [(one.by, one.short, one.pnl, one.reason) for one in seen.finished] == [
        ("breakout", True, 45.0, "target"),
        ("trend", False, 45.0, "target"),
    ]
    assert [(one.by, one.stop, one.targets) for one in seen.open] == [("trend", 6900.0, (7200.0, 7400.0))]
    assert seen.marks == tuple(
        PriceMark(kind, price, NOON, by="trend")
        for kind, price in (("stop", 6900.0), ("target", 7200.0), ("target", 7400.0))
    )


async def test_later_looks_hear_of_what_is_new_and_a_run_without_trades_shows_none(ledger):
    source = DeskTrades(ledger)
    assert (await source.look("BTC/USD")).finished == ()

    ledger.append([_closed("trend", "run-1", trade())])
    assert len((await source.look("BTC/USD")).finished) == 1
    ledger.append([_closed("trend", "run-1", trade(5)), _closed("trend", "run-1", trade())])  # the second is known
    assert len((await source.look("BTC/USD")).finished) == 2
    assert (await DeskTrades(ledger, clock("run-2")).look("BTC/USD")).finished == ()


async def test_a_bot_that_forgot_its_targets_is_reminded_by_the_ledger(ledger):
    ledger.append([_opened("trend", "run-1", holds())])
    says(ledger, "trend", holds(targets=()))

    seen = await DeskTrades(ledger).look("BTC/USD")

    assert seen.open[0].targets == (7200.0, 7400.0)


async def test_a_silent_bots_trade_is_late_then_gone_and_unreadable_ones_cost_the_others_nothing(ledger):
    says(ledger, "slow", holds(), age=2 * LATE)
    says(ledger, "gone", holds(), age=FORGOTTEN)
    ledger.tables.record_status("broken", {"positions": "none of your business"})
    broken = replace(_closed("trend", "run-1", trade()), payload={"bot_id": "x"}, event_id="broken")
    ledger.append([broken, _closed("trend", "run-1", trade())])

    seen = await DeskTrades(ledger).look("BTC/USD")

    assert [one.by for one in seen.open] == ["slow"]
    assert trade_row(seen.open[0], datetime.now(UTC))["told"] == round(seen.open[0].told_at.timestamp() * 1000)
    assert trade_row(seen.open[0], seen.open[0].told_at)["told"] is None
    assert len(seen.finished) == 1


numbers = st.floats(allow_nan=True, allow_infinity=True)
texts = st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=400))


@given(texts, texts, st.one_of(st.none(), numbers), numbers, numbers)
def test_any_row_is_json_of_one_line_texts_that_reads_back(by, reason, pnl, amount, price):
    left = NOON + HOUR
    mark = TradeMark(NOON, price, left, price, pnl, by, amount, 1.0, reason, targets=(price,))

    row = trade_row(mark)

    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert all(row[name].isprintable() and "\n" not in row[name] for name in ("by", "reason"))
    assert (len(row["by"]) <= 64, len(row["reason"]) <= 160) == (True, True)
    back = trade_mark(row)
    assert (back.entered_at, back.left_at) == (NOON, left)
    assert back.amount == (amount if math.isfinite(amount) else None)
    assert set(colours([row])) == {row["by"]}


def marks(count, bots=("trend", "breakout")):
    rng = np.random.default_rng(count)
    starts = np.sort(rng.integers(0, 100_000, count))
    return [
        TradeMark(
            NOON + timedelta(minutes=int(at)),
            100.0 + n % 7,
            NOON + timedelta(minutes=int(at) + 30),
            101.0,
            1.0,
            bots[n % len(bots)],
            1.0,
        )
        for n, at in enumerate(starts)
    ]


def test_a_live_chart_gets_the_newest_in_its_bars_and_counts_the_others():
    ms = NOON.timestamp() * 1000

    rows, older = in_rows(marks(50), ms, ms + 100_000 * 60_000, most=20)
    none, _ = in_rows(marks(50), ms - 2000, ms - 1000)

    assert (len(rows), older, none) == (20, 30, [])


@pytest.mark.parametrize("count", [0, 1, MOST, MOST + 1, 9000])
def test_no_sign_of_a_long_past_is_lost_whether_told_or_counted(count):
    history = TradeHistory(marks(count))
    ms = NOON.timestamp() * 1000
    end = ms + 200_000 * 60_000

    seen = history.look(ms, end)
    one = history.look(ms, end, frozenset(["trend"]))

    told = 2 * len(seen["trades"]) + sum(n for *_, n in seen["crowds"])
    assert told == 2 * count
    assert bool(seen["crowds"]) == (count > MOST)
    assert len(json.dumps(seen)) < 250_000
    assert 2 * len(one["trades"]) + sum(n for *_, n in one["crowds"]) == 2 * (count // 2)
    assert (history.legend or {"counts": {}})["counts"] == (
        {"breakout": count // 2, "trend": count - count // 2} if count > 1 else {"trend": 1} if count else {}
    )


def test_part_of_a_long_past_is_the_part_that_begins_or_ends_in_it():
    every = marks(5000)
    history = TradeHistory(every)
    since = NOON + timedelta(minutes=50_000)
    until = since + timedelta(minutes=500)

    seen = history.look(since.timestamp() * 1000, until.timestamp() * 1000)

    inside = [one for one in every if since <= one.entered_at <= until or since <= one.left_at <= until]
    assert len(seen["trades"]) == len(inside) > 10


ACTS = st.one_of(
    st.tuples(st.just("closes"), st.integers(1, 4)),
    st.tuples(st.just("opens"), st.integers(0, 3)),
    st.tuples(st.just("run"), st.just(0)),
    st.tuples(st.just("leaves"), st.integers(1, 3)),
    st.tuples(st.just("send"), st.just(0)),
)


@given(st.lists(ACTS, max_size=40))
def test_a_page_that_gets_some_of_the_messages_shows_the_same_trades(acts):
    """Old trades that have left lie before the first bar: a page may keep them."""
    chart, held, rev, kinds = LiveChartRenderer("BTC/USD", Timeframe.parse("1m")), {}, -1, []
    finished, trading, number, left = [], None, 0, set()

    for act, count in [*acts, ("send", 0)]:
        if act == "closes":
            finished += [{"id": f"t{number + n}", "pnl": 1.0} for n in range(count)]
            number += count
        elif act == "opens":
            trading = {"open": [{"id": "o", "stop": 100.0 + count}], "bots": {}, "older": 0}
        elif act == "run":
            finished = []
        elif act == "leaves":
            left |= {row["id"] for row in finished[: min(count, len(finished) - 1)]} if finished else set()
            finished = [row for row in finished if row["id"] not in left]
        chart.put_trades(finished, trading)
        if act == "send" and (message := chart.changes(rev)):
            kinds.append(message["kind"])
            held = {} if message["kind"] == "chart" else held
            held |= {row["id"]: row for row in message.get("trades", ())}
            told = message.get("trading", trading)
            rev = message["rev"]
            assert told == trading

    assert {name for name in held if name not in left} == {row["id"] for row in finished}
    assert list(held)[-len(finished) :] == [row["id"] for row in finished] or not finished


def test_news_of_a_trade_is_a_small_message_and_never_the_chart_again():
    chart = LiveChartRenderer("BTC/USD", Timeframe.parse("1h"))
    start = NOON.timestamp() * 1000
    chart.load([[start + n * 3_600_000, 1.0, 2.0, 0.5, 1.5, 1.0] for n in range(5000)], None)
    rows = [trade_row(one) for one in marks(1500)]
    held = trade_row(TradeMark(NOON, 7000.0, by="trend", amount=1.0, stop=6900.0))
    trading = {"open": [held], "bots": colours(rows), "older": 0}
    chart.put_trades(rows[:-1], trading)

    at = chart.rev
    chart.put_trades(rows, trading | {"open": []})
    closed = chart.changes(at)
    at = chart.rev
    chart.put_trades(rows, trading | {"open": [held | {"stop": 6950.0}]})
    moved = chart.changes(at)

    assert (closed["kind"], closed["trades"], closed["trading"]["open"]) == ("diff", [rows[-1]], [])
    assert (moved["kind"], moved["trading"]["open"][0]["stop"]) == ("diff", 6950.0)
    assert "trades" not in moved
    assert max(len(json.dumps(message)) for message in (closed, moved)) < 1000


def test_a_picture_of_the_live_chart_has_its_trades_stops_and_targets():
    chart = LiveChartRenderer("BTC/USD", Timeframe.parse("1h"))
    start = NOON.timestamp() * 1000
    chart.load([[start + n * 3_600_000, 1.0, 2.0, 0.5, 1.5, 1.0] for n in range(100)], None)
    old, new = (replace(marks(2)[0], entered_at=NOON + n * HOUR, left_at=NOON + (n + 1) * HOUR) for n in (0, 50))
    held = TradeMark(NOON + 60 * HOUR, 1.5, by="trend", amount=-1.0, stop=1.8, targets=(1.2,))
    chart.put_trades([trade_row(old), trade_row(new)], {"open": [trade_row(held)], "bots": {}, "older": 0})

    panel = picture(chart.snapshot()).panels[0]

    assert [one.entered_at for one in panel.trades] == [new.entered_at, held.entered_at]
    assert [(mark.kind, mark.price) for mark in panel.marks] == [("stop", 1.8), ("target", 1.2)]
    drawn = json.dumps(AdvancedRenderer(picture(chart.snapshot())).vega_lite())
    assert "stop trend" in drawn
    assert "target trend" in drawn
