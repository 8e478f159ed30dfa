"""A place that takes several words, and what comes after it."""

import pytest

from workbench.commands.catalogue import CATALOGUE
from workbench.commands.grammar import parse
from workbench.commands.spec import Known
from workbench.domain.errors import CommandError

KNOWN = Known(symbols=("BTC/USD", "ETH/USD", "1INCH/USD"))


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("/correlate btc eth", {"symbols": ("BTC/USD", "ETH/USD")}),
        (
            "/correlate btc eth 1inch 1h 120",
            {"symbols": ("BTC/USD", "ETH/USD", "1INCH/USD"), "tf": "1h", "window": 120},
        ),
        ("correlate BTCUSD ETHUSD 4h", {"symbols": ("BTC/USD", "ETH/USD"), "tf": "4h"}),
        ("/correlate btc eth 120", {"symbols": ("BTC/USD", "ETH/USD"), "window": 120}),
        ("/correlate btc eth 120 4h", {"symbols": ("BTC/USD", "ETH/USD"), "window": 120, "tf": "4h"}),
        ("/correlate btc", {"symbols": ("BTC/USD",)}),
    ],
)
def test_markets_then_bar_length_then_window(line, values):
    assert parse(line, CATALOGUE, KNOWN).values == values


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/correlate", "needs SYMBOLS"),
        ("/correlate btc 1h eth", "'eth' is no number"),
        ("/correlate btc dgoe", "no market 'dgoe'"),
        ("/correlate 1h", "no market '1h'"),
    ],
)
def test_what_cannot_be_meant_is_told(line, words):
    with pytest.raises(CommandError, match=words):
        parse(line, CATALOGUE, KNOWN)
