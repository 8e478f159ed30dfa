"""Exchanges opened by name, and candles read from them in pages."""

import pytest

from tests.support.tiny_venue import STEP, TinyVenue, bar, forming
from workbench.domain.errors import CandleError, ExchangeError, SymbolError, TimeframeError
from workbench.domain.market import Timeframe
from workbench.market.exchange import fetch_candles, load_market, open_exchange

MINUTE = Timeframe.parse("1m")


@pytest.fixture
async def venue():
    venue = TinyVenue()
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture
async def exchange(venue):
    exchange = open_exchange("binance", url=venue.url)
    yield exchange
    await exchange.close()


def fill(venue, bars):
    for n in bars:
        venue.close_bar("BTC/USD", bar(n))


async def pages(exchange, since=0, until=None):
    return [page async for page in fetch_candles(exchange, "BTC/USD", MINUTE, since, until)]


def numbers(tables):
    return [int(at.timestamp() // 60) for table in tables for at in table.index]


async def test_pages_follow_each_other_without_hole_or_repeat(venue, exchange):
    venue.page = 40
    fill(venue, range(1, 101))

    found = await pages(exchange)

    assert numbers(table for table, _ in found) == list(range(1, 101))
    assert [reached // STEP for _, reached in found] == [41, 81, 101]


async def test_the_forming_bar_is_left_out(venue, exchange):
    fill(venue, range(1, 11))
    venue.now_row["BTC/USD"] = forming(11, 0.5)

    assert numbers(table for table, _ in await pages(exchange)) == list(range(1, 11))


@pytest.mark.parametrize("clock", [True, False])
async def test_the_newest_bar_counts_only_when_the_venue_says_its_time_has_passed(clock):
    venue = TinyVenue(clock=clock)
    exchange = open_exchange("binance", url=await venue.start())
    fill(venue, range(1, 11))

    found = numbers(table for table, _ in await pages(exchange))

    assert found == list(range(1, 11 if clock else 10))
    await exchange.close()
    await venue.stop()


async def test_an_end_is_not_included_and_gaps_are_crossed(venue, exchange):
    fill(venue, [*range(10), *range(500, 520), *range(5000, 5100)])

    assert numbers(table for table, _ in await pages(exchange, 5 * STEP, 510 * STEP)) == [
        *range(5, 10),
        *range(500, 510),
    ]
    assert numbers(table for table, _ in await pages(exchange, 600 * STEP)) == list(range(5000, 5100))


async def test_a_venue_that_answers_in_windows_is_bisected_before_the_listing(venue, exchange):
    venue.window = 100
    fill(venue, range(200_000, 200_050))

    found = await pages(exchange)

    assert numbers(table for table, _ in found) == list(range(200_000, 200_050))
    assert len(venue.asked) < 40


async def test_trouble_on_the_way_is_asked_through(venue, exchange):
    fill(venue, range(1, 11))
    venue.failures = [500]

    assert len(numbers(table for table, _ in await pages(exchange))) == 10


async def test_a_bar_that_breaks_the_rules_is_named(venue, exchange):
    fill(venue, range(1, 11))
    venue.truth["BTC/USD"][3] = [4 * STEP, 100.0, 90.0, 95.0, 100.0, 1.0]

    with pytest.raises(CandleError, match="BTC/USD 1m of binance: the bar of 1970-01-01 00:04"):
        await pages(exchange)


async def test_markets_are_found_by_their_name_only(exchange):
    assert await load_market(exchange, "BTC/USD", MINUTE) == "BTC/USD"
    assert await load_market(exchange, "btcusd", MINUTE) == "BTC/USD"
    with pytest.raises(SymbolError, match="binance has no BTC/USDT; BTC/USDT is quoted in USD here: BTC/USD"):
        await load_market(exchange, "BTC/USDT", MINUTE)
    with pytest.raises(TimeframeError, match="binance has no 7m bars; it offers"):
        await load_market(exchange, "BTC/USD", Timeframe.parse("7m"))


def test_names_nobody_knows_are_refused():
    with pytest.raises(ExchangeError, match=r"no exchange 'krakn'; did you mean kraken"):
        open_exchange("krakn")
    with pytest.raises(ExchangeError, match="dialect of binance, not 'kraken'"):
        open_exchange("kraken", url="http://127.0.0.1:1")
    with pytest.raises(ExchangeError, match="no exchange '__doc__'"):
        open_exchange("__doc__")


async def test_an_exchange_that_is_not_there_is_told_in_one_sentence(venue, exchange):
    await venue.stop()

    with pytest.raises(ExchangeError, match=r"127\.0\.0\.1:\d+ cannot be reached; check the network") as caught:
        await load_market(exchange, "BTC/USD", MINUTE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pro", [False, True])
async def test_no_address_of_a_paper_exchange_leads_elsewhere(pro):
    exchange = open_exchange("binance", pro=pro, url="http://127.0.0.1:1", key="paper", secret="paper")

    await exchange.close()

    assert [
        where for where in _leaves(exchange.urls["api"]) if not where.split("://")[1].startswith("127.0.0.1:1/")
    ] == []


def _leaves(tree):
    for leaf in tree.values():
        yield from _leaves(leaf) if isinstance(leaf, dict) else [leaf]
