"""Forgiving about how things are written, never about what is changed."""

import contextlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.commands.catalogue import CATALOGUE
from workbench.commands.completion import complete
from workbench.commands.grammar import parse
from workbench.commands.spec import Kind, Known, Parameter, Spec
from workbench.commands.values import read_value
from workbench.commands.words import split
from workbench.domain.errors import CommandError

KNOWN = Known(
    bots=("breakout", "mean_reversion", "trend"),
    tags=("@research", "@spot"),
    symbols=("BTC/USD", "EOS/USD", "ETH/USD"),
    now=datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
    zone=ZoneInfo("Europe/Berlin"),
)
EFFECTS = {spec.name for spec in CATALOGUE if spec.effect}


def understood(line, known=KNOWN):
    return parse(line, CATALOGUE, known)


@pytest.mark.parametrize(
    ("line", "name", "values"),
    [
        ("/bots", "/bots", {}),
        ("bots", "/bots", {}),
        ("  /BOTS  ", "/bots", {}),
        ("/forecast btc 1h", "/forecast", {"symbol": "BTC/USD", "tf": "1h"}),
        ("/forecast BTC/USD 1H trend", "/forecast", {"symbol": "BTC/USD", "tf": "1h", "bot": "trend"}),
        ("forecast btc-usd 30min", "/forecast", {"symbol": "BTC/USD", "tf": "30m"}),
        ('/forecast "btc usd" "1 hour"', "/forecast", {"symbol": "BTC/USD", "tf": "1h"}),
        ("/forecast eth 1d --horizon 48", "/forecast", {"symbol": "ETH/USD", "tf": "1d", "horizon": 48}),
        ("/forecast --horizon=48 eth 1d", "/forecast", {"symbol": "ETH/USD", "tf": "1d", "horizon": 48}),
        ("/forecast eth 1d —horizon 48", "/forecast", {"symbol": "ETH/USD", "tf": "1d", "horizon": 48}),
        ("/plan eosusd 4h Mean-Reversion", "/plan", {"symbol": "EOS/USD", "tf": "4h", "bot": "mean_reversion"}),
        (
            "/cross forecast btc 1h @spot,trend",
            "/cross forecast",
            {"symbol": "BTC/USD", "tf": "1h", "targets": ("@spot", "trend")},
        ),
        ("/cross plan btc 1h all", "/cross plan", {"symbol": "BTC/USD", "tf": "1h", "targets": ("all",)}),
        ("/pause ALL", "/pause", {"target": ("all",)}),
        ("/pause trend,trend --id “my own id”", "/pause", {"target": ("trend",), "id": "my own id"}),
        ("/tune trend btc 1h", "/tune", {"bot": "trend", "symbol": "BTC/USD", "tf": "1h"}),
        ("/events 50", "/events", {"count": 50}),
        ("/risk 20,000.50", "/risk", {"exposure": 20000.5}),
        ("/risk 20k", "/risk", {"exposure": 20000.0}),
        ("/help cross forecast", "/help", {"command": "cross", "more": "forecast"}),
    ],
)
def test_lines_are_understood(line, name, values):
    read = understood(line)

    assert read.spec.name == name
    assert read.values == values


def test_a_dollar_typed_as_another_is_understood_and_told():
    read = understood("/cross forecast BTCUSDT 1h")

    assert read.values["symbol"] == "BTC/USD"
    assert read.notes == ("BTCUSDT is quoted in USD here: BTC/USD",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "say what you want to know, or /help"),
        ("/", "there is no command '/'; /help lists what there is"),
        ("/forcast btc 1h", "did you mean /forecast?"),
        ("halp", "did you mean /help?"),
        ("/cross", "/cross needs one of: analyze, forecast, plan"),
        ("/cross fourcast btc 1h", "/cross needs one of: analyze, forecast, plan"),
        (
            "/forecast",
            "/forecast needs SYMBOL: a market, as in BTCUSD, btc or BTC/USD; as in /forecast BTCUSD 1h trend",
        ),
        ("/forecast btc", "needs TF"),
        ("/forecast btcc 1h", "did you mean BTC/USD?"),
        ("/forecast btc 1x", "'1x' is no timeframe; write a number and m, h, d or w, as in 30m or 1h"),
        ("/forecast btc 1h trendd", "no bot is named 'trendd'; did you mean trend?"),
        ("/forecast btc 1h trend more", "/forecast does not take 'more'; it is written /forecast SYMBOL TF [BOT]"),
        ("/forecast btc 1h --horizn 4", "did you mean --horizon?"),
        ("/forecast btc 1h --horizon", "--horizon needs a value: how many bars ahead"),
        ("/forecast btc 1h --horizon 0", "no whole number from 1 to 1,000,000"),
        ("/forecast btc 1h --horizon 2.5", "no whole number"),
        ("/forecast btc 1h --horizon 4 --horizon 5", "--horizon is given twice"),
        ("/bots --verbose yes", "/bots has no option --verbose; it takes none"),
        ("/pause", "/pause needs TARGET"),
        ("/pause @spt", "no bot carries @spt; did you mean @spot?"),
        ("/pause all,trend", "'all' stands alone"),
        ("/pause ,", "names no bot"),
        ("pause all", "/pause changes something and needs its slash: /pause TARGET [--id WORD]"),
        ("/pause all\n/resume all", "one command a line"),
        ("/pau\u200bse all", "U+200B cannot be part of a command"),
        ('/forecast "btc 1h', "is never closed"),
        ('"/pause" all', "there is no command '/pause'"),
        ("/risk lots", "'lots' is no number"),
        ("/risk nan", "'nan' is no number"),
        ("/risk 1e5", "'1e5' is no number"),
        ("/risk 1,00", "'1,00' is no number"),
        ("x" * 3000, "at most 2000 characters"),
    ],
)
def test_what_is_not_understood_is_said_in_words(line, words):
    with pytest.raises(CommandError) as refused:
        understood(line)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_any_market_the_exchange_is_the_suspect():
    with pytest.raises(CommandError, match="is the exchange running"):
        understood("/forecast btc 1h", Known())


_pieces = st.sampled_from(
    [
        *("/pause", "pause", "/resume", "/tune", "/bots", "/forecast", "/cross", "forecast", "/halt", "/help", "/"),
        *("all", "trend", "@spot", "@", ",", "btc", "BTCUSDT", "1h", "--id", "--id=x", "—", "--", "-", '"', "'", "“"),
        *("\t", "\n", "\u200b", "\u202e", "\x00", "／pause", "🚀", "0", "-1", "1e999", "nan", "x" * 200, "ｐａｕｓｅ"),
    ]
)
lines = st.one_of(st.text(max_size=80), st.lists(_pieces, max_size=8).map(" ".join), st.lists(_pieces).map("".join))


@settings(max_examples=600, deadline=None)
@given(lines)
@example("/pause all")
@example("/pause\u00a0all")
@example("/pauſe all")
def test_no_line_crashes_and_none_becomes_an_effect_by_accident(line):
    try:
        read = understood(line)
    except CommandError:
        return
    if read.spec.effect:
        first, *rest = line.split()
        assert first.lower() in EFFECTS  # its full name, slash included, is what the line begins with
        # /halt alone stops everything: in an emergency that is what is meant, and it only ever makes things safer
        assert first.lower() == "/halt" or any(char.isalnum() for word in rest for char in word)
    assert set(read.values) <= {parameter.name for parameter in read.spec.parameters}


@given(st.text())
def test_words_hold_every_character_that_is_typed_and_nothing_else(text):
    try:
        words = split(text)
    except CommandError:
        return
    left = "".join(text.split())
    for word in words:
        assert "".join(word.text.split()) in left


def value(kind, text, known=KNOWN, **options):
    return read_value(Parameter("x", kind, "", **options), text, known, [])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 30, 23, tzinfo=UTC)),
        ("2024-07-31", datetime(2024, 7, 30, 22, tzinfo=UTC)),
        ("2024-07-31T14:00", datetime(2024, 7, 31, 12, tzinfo=UTC)),
        ("2024-07-31T14:00Z", datetime(2024, 7, 31, 14, tzinfo=UTC)),
        ("2024-07-31 14:00:30+02:00", datetime(2024, 7, 31, 12, 0, 30, tzinfo=UTC)),
        ("today", datetime(2026, 7, 1, 22, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_dates_are_read_in_the_viewers_zone(text, moment):
    assert value(Kind.DATE, text) == moment


@pytest.mark.parametrize("text", ["31.01.2024", "2024-02-30", "2024-1-1", "soon", "0001-01-01", "2024-01-01T25:00"])
def test_other_dates_are_refused(text):
    with pytest.raises(CommandError):
        value(Kind.DATE, text)


@given(st.floats(-1e12, 1e12).map(lambda number: round(number, 4)))
def test_numbers_are_read_as_they_are_written(number):
    assert value(Kind.NUMBER, f"{number:.4f}") == number
    assert value(Kind.NUMBER, f"{number:,.4f}") == number


@given(st.text(max_size=30), st.sampled_from(list(Kind)))
def test_no_value_crashes(text, kind):
    with contextlib.suppress(CommandError):
        value(kind, text, choices=("low", "high"))


def test_choices_are_told():
    assert value(Kind.CHOICE, "LOW", choices=("low", "high")) == "low"
    with pytest.raises(CommandError, match="none of low, high"):
        value(Kind.CHOICE, "middle", choices=("low", "high"))


def test_the_longest_command_is_meant():
    catalogue = (Spec(("cross",), "", "a", (Parameter("w", Kind.WORD, ""),)), Spec(("cross", "plan"), "", "b"))

    assert parse("/cross plan", catalogue, KNOWN).spec.handler == "b"
    assert parse("/cross other", catalogue, KNOWN).spec.handler == "a"


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("/fo", ["/forecast"]),
        ("/cross ", ["analyze", "forecast", "plan"]),
        ("/cross f", ["forecast"]),
        ("/forecast e", ["EOSUSD", "ETHUSD"]),
        ("/forecast btc 1", ["15m", "1d", "1h", "1m", "1w"]),
        ("/forecast btc 1h t", ["trend"]),
        ("/pause @", ["@research", "@spot"]),
        ("/pause al", ["all"]),
        ("/forecast btc 1h --", ["--horizon"]),
        ("/pause trend --id ", []),
        ("nonsense ", []),
    ],
)
def test_completion_offers_what_the_grammar_takes(text, offered):
    assert sorted(word for word, _ in complete(text, KNOWN)) == offered


@given(lines)
def test_completion_never_crashes(text):
    complete(text, KNOWN)
