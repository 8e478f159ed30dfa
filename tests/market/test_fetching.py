"""Downloads: from a real paper exchange end to end, stopped and resumed, and through the command line."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_venue import STEP, TinyVenue, bar
from workbench import cli
from workbench.domain.errors import ExchangeError
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.exchange import open_exchange
from workbench.market.fetching import Wanted, answered, fetch_into, joined_with, missing
from workbench.market.lake import Lake
from workbench.market.lake_paths import Series
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

HALF, MINUTE = Timeframe.parse("30m"), Timeframe.parse("1m")
NOW = datetime(2018, 7, 12, 9, 30, tzinfo=UTC)
SINCE = datetime(2018, 5, 1, tzinfo=UTC)


@asynccontextmanager
async def paper_exchange(*symbols, start=NOW):
    """A paused replay of the sample, standing at `start`."""
    server = PaperExchange(ExchangeOptions({s: sample.load(s) for s in symbols}, HALF, start=start, paused=True))
    exchange = open_exchange("binance", url=await server.start())
    try:
        yield exchange
    finally:
        await exchange.close()
        await server.stop()


def recorded(symbol, since=SINCE, now=NOW):
    candles = sample.load(symbol)
    return candles[(candles.index >= since) & (candles.index + HALF.step <= now)]


def same(found, expected):
    """The wire carries eight decimals, the sample's volumes some float noise beyond them."""
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-8)
    assert found["close"].equals(expected["close"])


async def test_a_download_from_the_paper_exchange_is_what_was_recorded(tmp_path):
    lake, said = Lake(tmp_path), []

    async with paper_exchange("BTC/USD", "LTC/USD") as exchange:
        done = await fetch_into(lake, exchange, Wanted("LTC/USD", HALF, SINCE), lambda *told: said.append(told))

    found, expected = lake.read("binance", "LTC/USD", HALF), recorded("LTC/USD")
    same(found, expected)
    assert done.written.new == len(expected)
    assert lake.check("binance", "LTC/USD", HALF).missing == len(expected.asfreq("30min")) - len(expected) > 0
    assert [share for share, _, _ in said] == sorted(share for share, _, _ in said)
    assert said[-1][0] == pytest.approx(1, abs=0.001)


async def test_what_was_downloaded_is_not_asked_for_again(tmp_path):
    lake = Lake(tmp_path)
    async with paper_exchange("LTC/USD") as exchange:
        await fetch_into(lake, exchange, Wanted("LTC/USD", HALF, SINCE))

    async with paper_exchange("LTC/USD", start=NOW + timedelta(days=3)) as exchange:
        done = await fetch_into(lake, exchange, Wanted("LTC/USD", HALF, SINCE))
        again = await fetch_into(lake, exchange, Wanted("LTC/USD", HALF, SINCE, again=True))

    assert done.resumed
    assert done.written.new == len(recorded("LTC/USD", now=NOW + timedelta(days=3))) - len(recorded("LTC/USD"))
    assert done.written.same == 0
    assert again.written.same == len(recorded("LTC/USD", now=NOW + timedelta(days=3)))


async def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path):
    venue, lake = TinyVenue(), Lake(tmp_path)
    exchange = open_exchange("binance", url=await venue.start())
    for n in range(1, 101):
        venue.close_bar("BTC/USD", bar(n))
    venue.page = 30
    wanted = Wanted("BTC/USD", MINUTE, datetime(1970, 1, 1, 0, 1, tzinfo=UTC))

    def break_off(share, at, bars):
        if bars == 60:
            raise ExchangeError("the line is dead")

    with pytest.raises(ExchangeError, match="the line is dead"):
        await fetch_into(lake, exchange, wanted, break_off)
    asked = len(venue.asked)
    done = await fetch_into(lake, exchange, wanted)

    assert done.resumed
    assert (done.written.new, done.written.same) == (40, 0)
    assert int(venue.asked[asked]["startTime"]) == 61 * STEP
    assert len(lake.read("binance", "BTC/USD", MINUTE)) == 100
    await exchange.close()
    await venue.stop()


async def test_an_earlier_start_asks_only_for_what_is_missing(tmp_path):
    lake = Lake(tmp_path)
    async with paper_exchange("BTC/USD") as exchange:
        await fetch_into(lake, exchange, Wanted("BTC/USD", HALF, SINCE))
        done = await fetch_into(lake, exchange, Wanted("BTC/USD", HALF, SINCE - timedelta(days=20)))

    assert done.written.new == 20 * 48
    assert done.written.same == 0
    same(lake.read("binance", "BTC/USD", HALF), recorded("BTC/USD", SINCE - timedelta(days=20)))


async def test_an_unreadable_note_costs_time_never_truth(tmp_path):
    lake = Lake(tmp_path)
    async with paper_exchange("BTC/USD") as exchange:
        await fetch_into(lake, exchange, Wanted("BTC/USD", HALF, SINCE))
        (tmp_path / "candles/binance/BTC_USD/30m/fetched.json").write_bytes(b"{{{")
        done = await fetch_into(lake, exchange, Wanted("BTC/USD", HALF, SINCE))

    assert done.written.new == 0
    assert done.written.same == len(recorded("BTC/USD"))
    assert len(answered(lake, Series("binance", "BTC/USD", HALF))) == 1


stretches = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=8)


@given(stretches, st.integers(0, 60), st.none() | st.integers(0, 70))
def test_what_is_missing_is_what_no_stretch_covers(parts, since, until):
    had, covered = [], set()
    for part in parts:
        had = joined_with(had, part)
        covered |= set(range(*part))

    found = missing(since, until, had)

    end = 100 if until is None else until
    assert {n for a, b in found for n in range(a, 100 if b is None else b)} == set(range(since, end)) - covered
    assert {n for part in had for n in range(*part)} == covered
    assert all(a[1] < b[0] for a, b in pairwise(had))


@pytest.fixture
def run(capsys, tmp_path):
    """Call the command line; returns (status, standard output, standard error)."""

    def call(*words):
        status = cli.main(["candles", *words, "--lake", str(tmp_path / "lake")])
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


async def test_the_commands_end_to_end(run, tmp_path):
    async with paper_exchange("BTC/USD") as exchange:
        url = exchange.options["workbenchUrl"]
        words = ("fetch", "btcusd", "30m", "--url", url, "--since", "2018-05-01")
        status, _, said = await asyncio.to_thread(run, *words)
        _, again, _ = await asyncio.to_thread(run, *words, "--json")
        wrong = await asyncio.to_thread(run, "fetch", "BTC/USDT", "30m", "--url", url, "--since", "2018-05-01")

    assert status == 0
    assert f"BTC/USD 30m of binance: {len(recorded('BTC/USD')):,} new bars" in said
    assert json.loads(again)["new"] == 0
    assert json.loads(again)["resumed"]
    assert wrong[0] == 1
    assert wrong[2].strip().endswith("BTC/USDT is quoted in USD here: BTC/USD, ask for that")
    assert "BTC/USD" in run("list")[1]
    assert json.loads(run("list", "--json")[1])[0]["rows"] == len(recorded("BTC/USD"))
    assert "1 missing in 1 gaps" in run("check", "btc")[2]
    path = tmp_path / "lake/candles/binance/BTC_USD/30m/2018-06.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    status, _, said = run("check")
    assert status == 1
    assert "2018-06 of BTC/USD 30m of binance" in said


def test_files_are_imported_by_the_command(run, tmp_path):
    sample.load("ETH/USD")[:100].rename_axis("date").reset_index().to_feather(tmp_path / "ETH_USD-30m.feather")

    status, _, said = run("import", str(tmp_path / "ETH_USD-30m.feather"), "--venue", "bitfinex")

    assert status == 0
    assert "ETH_USD-30m.feather: ETH/USD 30m: 100 new bars; 100 bars, none missing" in said
    assert json.loads(run("check", "--json")[1])[0]["clean"]
    status, _, said = run("import", str(tmp_path / "none.csv"), "--venue", "bitfinex")
    assert status == 1
    assert said.count("\n") == 1


def test_an_exchange_that_cannot_be_reached_is_one_sentence_and_status_1(run):
    status, out, said = run("fetch", "BTC/USD", "1h", "--url", "http://127.0.0.1:9", "--since", "2024-01-01")

    assert (status, out) == (1, "")
    assert said.strip().count("\n") == 0
    assert "http://127.0.0.1:9 cannot be reached" in said


@pytest.mark.parametrize(
    "words", [[], ["fetch", "BTC/USD", "1y", "--since", "2024-01-01"], ["fetch", "BTC/USD", "1h", "--since", "soon"]]
)
def test_wrong_usage_is_status_2(words):
    with pytest.raises(SystemExit) as left:
        cli.main(["candles", *words])

    assert left.value.code == 2
