"""Markets, bar lengths, candles."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import SymbolError, TimeframeError, ValueRefused
from workbench.domain.market import Candle, Timeframe, resolve_symbol

USD = ["BTC/USD", "ETH/USD", "LTC/USD"]
AT = datetime(2019, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["BTC/USD", "btcusd", "btc-usd", "btc", " BTC_USD "])
def test_a_forgiving_spelling_finds_the_market(typed):
    assert resolve_symbol(typed, USD).symbol == "BTC/USD"


@pytest.mark.parametrize("typed", ["BTCUSDT", "BTC/USDT", "btc-usdc"])
def test_another_dollar_is_understood_and_told(typed):
    found = resolve_symbol(typed, USD)

    assert found.symbol == "BTC/USD"
    assert "USD" in found.note


def test_the_exact_market_wins_over_its_dollar_cousin():
    assert resolve_symbol("BTCUSDT", ["BTC/USD", "BTC/USDT"]).symbol == "BTC/USDT"


@pytest.mark.parametrize("typed", ["", "BTCX", "DOGE/USD", "<b>"])
def test_an_unknown_market_is_refused_with_what_is_known(typed):
    with pytest.raises(SymbolError, match="no market"):
        resolve_symbol(typed, USD)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("30m", 1800), ("4h", 14400), ("1w", 604800)])
def test_bar_lengths_are_read(text, seconds):
    assert Timeframe.parse(text).seconds == seconds


@pytest.mark.parametrize("text", ["", "0m", "1y", "h", "1.5h", "-1h", None])
def test_a_wrong_bar_length_says_how_to_write_one(text):
    with pytest.raises(TimeframeError, match="as in 30m"):
        Timeframe.parse(text)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["1m", "30m", "4h", "1d", "1w"]),
)
def test_a_moment_lies_in_its_bar(at, text):
    timeframe = Timeframe.parse(text)

    opened = timeframe.open_of(at)

    assert opened <= at < opened + timeframe.step
    assert text != "1w" or opened.weekday() == 0


@pytest.mark.parametrize("bad", [{"high": 1}, {"low": 9}, {"close": float("nan")}, {"volume": -1}, {"low": 0}])
def test_what_is_not_a_candle_is_refused(bad):
    good = {"open": 5, "high": 7, "low": 4, "close": 6, "volume": 1}

    with pytest.raises(ValueRefused):
        Candle("BTC/USD", Timeframe.parse("1h"), AT, **{**good, **bad})
