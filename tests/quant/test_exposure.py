import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_risk as naive
from workbench.domain.errors import CurrencyMismatch, SymbolError, ValueRefused
from workbench.domain.risk import Holding, Quote
from workbench.quant.exposure import conversion_rate, exposure_matrix, quote_currency_rate

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USDT")
QUOTES = {s: Quote(s, p, r, NOW) for s, p, r in zip(SYMBOLS, (40_000.0, 2_000.0, 80.0), (1.0, 1.0, 0.999), strict=True)}
size = st.floats(0, 1e3)
holdings = st.lists(
    st.builds(
        Holding,
        st.sampled_from(["alpha", "beta", "gamma"]),
        st.sampled_from(SYMBOLS),
        st.sampled_from(["paper", "binance"]),
        st.floats(-1e3, 1e3),
        size,
        size,
    ),
    min_size=1,
    max_size=12,
)


@given(holdings)
def test_the_matrix_agrees_with_its_naive_twin(rows):
    matrix = exposure_matrix(rows, QUOTES)

    for (bot, symbol), cell in naive.exposures(rows, QUOTES).items():
        at = matrix.bots.index(bot), matrix.symbols.index(symbol)
        assert_allclose((matrix.held[at], matrix.high[at], matrix.low[at]), cell, rtol=1e-12, atol=1e-6)


@given(holdings, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)

    one, other = exposure_matrix(rows, QUOTES), exposure_matrix(shuffled, QUOTES)

    assert (one.bots, one.symbols) == (other.bots, other.symbols)
    assert_allclose(one.worst, other.worst, rtol=1e-12, atol=1e-6)


@given(holdings)
def test_gross_bounds_the_net_whichever_orders_fill_and_whoever_leaves(rows):
    matrix = exposure_matrix(rows, QUOTES)
    slack = 1e-9 * (1 + matrix.gross)

    assert abs(matrix.net) <= max(matrix.sides) + slack
    assert max(matrix.sides) <= matrix.gross + slack
    assert_allclose(sum(matrix.by_bot().values()), matrix.gross)
    assert_allclose(sum(matrix.by_symbol().values()), matrix.gross)
    clusters = matrix.by_cluster(dict.fromkeys(SYMBOLS, "coins"))
    assert_allclose(clusters["coins"], matrix.gross)
    venues = matrix.by_venue(dict.fromkeys(matrix.bots, "paper"))
    assert_allclose(venues["paper"], matrix.gross)


def test_two_bots_on_opposite_sides_are_two_risks():
    rows = [Holding("alpha", "BTC/USD", "paper", 1.0), Holding("beta", "BTC/USD", "paper", -1.0)]

    matrix = exposure_matrix(rows, QUOTES)

    assert matrix.net == 0
    assert matrix.gross == 80_000
    assert matrix.sides == (40_000, 40_000)
    assert matrix.net_by_symbol() == {"BTC/USD": 0}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, "1.0x"])
@pytest.mark.parametrize("field", ["amount", "buys", "sells"])
def test_an_amount_that_is_no_number_is_refused(bad, field):
    row = {"bot_id": "alpha", "symbol": "BTC/USD", "venue": "paper", "amount": 1.0, field: bad}

    with pytest.raises(ValueRefused, match="alpha"):
        exposure_matrix([Holding(**row)], QUOTES)


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -1.0])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(ValueRefused, match="BTC/USD"):
        exposure_matrix([Holding("alpha", "BTC/USD", "paper", 1.0)], {"BTC/USD": Quote("BTC/USD", price, 1.0, NOW)})
    with pytest.raises(ValueRefused, match="no price"):
        exposure_matrix([Holding("alpha", "XRP/USD", "paper", 1.0)], QUOTES)


def test_currencies_convert_through_a_price_or_refuse():
    prices = {"USDT/USD": 0.999, "EUR/USD": 1.1, "BTC/EUR": math.nan}

    assert conversion_rate("USD", "USD", {}) == 1
    assert conversion_rate("USDT", "USD", prices) == 0.999
    assert conversion_rate("USD", "EUR", prices) == pytest.approx(1 / 1.1)
    assert quote_currency_rate("BTC/USDT", "USD", prices) == 0.999
    with pytest.raises(CurrencyMismatch, match="BTC/EUR"):
        conversion_rate("BTC", "EUR", prices)
    with pytest.raises(CurrencyMismatch, match="USDT/EUR"):
        quote_currency_rate("BTC/USDT", "EUR", prices)
    with pytest.raises(SymbolError):
        quote_currency_rate("BTC", "EUR", prices)


def test_a_group_that_is_not_named_is_refused_and_the_arrays_are_frozen():
    matrix = exposure_matrix([Holding("alpha", "BTC/USD", "paper", 1.0)], QUOTES)

    with pytest.raises(ValueRefused, match="BTC/USD belongs to no cluster"):
        matrix.by_cluster({})
    with pytest.raises(ValueError, match="read-only"):
        matrix.held[0, 0] = np.nan
