"""The books against a plain count of coins; client ids that say who, why and when."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import naive_bots as naive
from workbench.bots.research.account import equity_curve
from workbench.bots.research.book import Book
from workbench.bots.research.client_ids import LONGEST, client_id, intent_of, tag_of
from workbench.domain.orders import Fill, Side

START = datetime(2019, 1, 1, tzinfo=UTC)
STEP = Decimal("0.001")
PAIR = "BTC/USD"


def fill(number, side, amount, price, fee="0", coin="USD", at=None):
    moment = at or START + timedelta(minutes=number)
    amounts = (Decimal(str(value)) for value in (price, amount, fee))
    return Fill(str(number), str(number), PAIR, Side(side), *amounts, coin, moment)


def book(cash=10_000):
    return Book("USD", {PAIR: STEP}, Decimal(cash))


@st.composite
def histories(draw):
    """Fills that a spot account could have: never more sold than held, fees in either coin."""
    held, fills = Decimal(0), []
    for number in range(draw(st.integers(1, 25))):
        price = draw(st.decimals(1, 1000, places=2))
        wanted = draw(st.decimals(STEP, 5, places=3))
        side = draw(st.sampled_from(["buy", "sell"])) if held >= STEP else "buy"
        amount = wanted if side == "buy" else min(wanted, (held / STEP).to_integral_value(rounding="ROUND_DOWN") * STEP)
        coin = draw(st.sampled_from(["USD", "BTC"])) if side == "buy" else "USD"
        fee = (amount * (price if coin == "USD" else 1) * Decimal("0.001")).quantize(Decimal("1e-8"))
        held += amount - (fee if coin == "BTC" else 0) if side == "buy" else -amount
        fills.append(fill(number, side, amount, price, fee, coin))
    return fills


@given(histories(), st.floats(0.01, 1e5))
def test_the_books_are_worth_what_counting_the_coins_says(fills, mark):
    kept = book()
    for one in fills:
        kept.add(one)

    worth, held = naive.worth(10_000, fills, mark, "BTC", "USD")
    assert kept.worth({PAIR: mark}) == worth
    assert kept.lot(PAIR).amount == held


@given(histories(), st.floats(0.01, 1e5))
def test_profit_is_realised_plus_unrealised_to_the_last_digit(fills, mark):
    kept = book()
    for one in fills:
        kept.add(one)

    lot = kept.lot(PAIR)
    with localcontext(prec=100):
        unrealised = lot.amount * Decimal(repr(mark)) - lot.cost
        assert abs(kept.worth({PAIR: mark}) - 10_000 - kept.realised - unrealised) < Decimal("1e-30")


@given(histories(), st.data())
def test_a_fill_told_again_counts_once(fills, data):
    once, often = book(), book()
    for one in fills:
        once.add(one)
        often.add(one)
        often.add(data.draw(st.sampled_from(fills[: fills.index(one) + 1])))

    assert (often.cash, often.realised, often.trade_count) == (once.cash, once.realised, once.trade_count)


@given(histories())
def test_round_trips_and_the_open_rest_make_up_the_realised_profit(fills):
    kept = book()
    for one in fills:
        kept.add(one)

    under_way = sum((trip.pnl for trip in kept._trips.values()), Decimal(0))
    assert float(kept.realised) == pytest.approx(sum(t.pnl for t in kept.trades) + float(under_way), abs=1e-6)


def test_a_round_trip_tells_prices_fees_and_reason():
    kept = book()
    kept.add(fill(1, "buy", 2, 100, "0.002", "BTC"))
    kept.add(fill(2, "sell", "1.998", 110, "0.21978", "USD"), "signal")

    (trade,) = kept.trades
    assert (trade.entry_price, trade.exit_price, trade.amount, trade.reason) == (100, 110, 1.998, "signal")
    assert trade.fees == pytest.approx(0.2 + 0.21978)
    assert trade.pnl == pytest.approx(1.998 * 110 - 0.21978 - 200)
    assert not kept.held(PAIR)


def test_dust_is_no_position_but_is_still_worth_something():
    kept = book()
    kept.add(fill(1, "buy", "1.0005", 100))
    kept.add(fill(2, "sell", 1, 100))

    assert not kept.held(PAIR)
    assert kept.trade_count == 1
    assert kept.worth({PAIR: 100.0}) == 10_000
    assert kept.worth({}) is None


def test_a_fee_in_a_coin_without_a_price_is_named():
    kept = book()
    kept.add(fill(1, "buy", 1, 100, "0.01", "BNB"))

    assert kept.foreign_fees == {"BNB": Decimal("0.01")}


def test_a_restarted_bots_curve_is_the_one_it_would_have_drawn():
    """A stop at the very open belongs to the bar before it; an order at the same moment to the bar after."""
    closes = {START + timedelta(minutes=30 * i): {PAIR: 100.0 + i} for i in range(1, 5)}
    times = list(closes)
    bought, stopped = fill(1, "buy", 1, 101, at=times[0]), fill(2, "sell", 1, 90, at=times[2])

    curve = equity_curve(book(), [(bought, "entry"), (stopped, "stop")], closes)

    assert curve == [(times[1], 10_001.0), (times[2], 9_989.0), (times[3], 9_989.0)]


names = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.-é ", min_size=1, max_size=64)


@given(names, st.sampled_from("exsgh"), st.integers(1, 2**41), st.integers(0, 35))
def test_an_id_fits_the_venue_and_tells_its_intent_to_its_own_bot_only(bot_id, intent, moment_ms, attempt):
    text = client_id(tag_of(bot_id), intent, "1000SHIBINU/USDT", moment_ms, attempt)

    assert len(text) <= LONGEST
    assert text.isascii()
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
    assert intent_of(text, tag_of(bot_id)) == intent
    assert intent_of(text, tag_of(bot_id + "2")) is None


@given(names, names)
def test_two_bots_have_two_tags(one, other):
    assert (tag_of(one) == tag_of(other)) == (one == other)


@pytest.mark.parametrize("text", ["", None, "web_12345", "x-R4BD3S82", "trend-q-BTCUSD-abc"])
def test_a_strangers_order_has_no_intent(text):
    assert intent_of(text, "trend") is None
