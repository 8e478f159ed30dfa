"""Finished trades of real bots, asked for once; sums that convert or refuse."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from tests.support.plain_bots import PlainBot, a_position, a_trade
from workbench.orchestration.portfolio_manager import PortfolioManager
from workbench.orchestration.trade_book import OVERLAP, BotTrades, TradeBook
from workbench.orchestration.trade_sums import quote_of, sums_of
from workbench.quant.trade_periods import Unit


class Counted(PlainBot):
    """Notes how many trades it was asked for."""

    def __init__(self, trades=0, **status):
        super().__init__(**status)
        self.past, self.asked = [a_trade(n) for n in range(trades)], []

    def trades(self, limit=100):
        self.asked.append(limit)
        return super().trades(limit)


@pytest.fixture
def book(center):
    return TradeBook(center)


async def told(center, book, bot="trend"):
    await center.look()
    return next(found for found in await book.read() if found.bot_id == bot)


async def test_a_bot_is_asked_again_only_when_it_has_closed_more_and_then_for_little(center, registry, book):
    bot = Counted(trades=40)
    registry.register("trend", bot)

    first = await told(center, book)
    second = await told(center, book)
    bot.past += [a_trade(40), a_trade(41)]
    third = await told(center, book)

    assert (len(first.trades), len(third.trades)) == (40, 42)
    assert second.trades is first.trades
    assert list(third.trades) == bot.past
    assert bot.asked[1:] == [2 + OVERLAP]


async def test_what_does_not_join_on_is_read_anew(center, registry, book):
    bot = Counted(trades=10)
    registry.register("trend", bot)
    await told(center, book)
    bot.past = [a_trade(n, symbol="ETH/USD") for n in range(100, 130)]  # begun afresh

    found = await told(center, book)

    assert list(found.trades) == bot.past


async def test_who_does_not_answer_keeps_what_it_told_and_is_named(center, registry, book):
    bot = Counted(trades=3)
    registry.register("trend", bot)
    await told(center, book)
    bot.past.append(a_trade(3))
    bot.trades = lambda limit: 1 / 0

    found = await told(center, book)

    assert len(found.trades) == 3
    assert "division by zero" in found.unknown


async def test_trades_that_a_bot_counts_but_does_not_tell_are_said_to_be_missing(center, registry, book):
    registry.register("shy", Counted(trades=3, trade_count=9, positions=(a_position(),)))

    assert (await told(center, book, "shy")).unknown == "it does not tell its oldest 5"


def test_sums_convert_at_a_price_and_say_so():
    books = [BotTrades("a", (a_trade(0, pnl=10.0),)), BotTrades("b", (a_trade(1, symbol="ETH/BTC", pnl=0.01),))]

    sums = sums_of(books, UTC, PortfolioManager("USD"), {("BTC", "USD"): 6000.0})

    assert (sums.currency, sums.converted, sums.unknown) == ("USD", True, ())
    assert sums.record.total == pytest.approx(70.0)
    assert sum(period.profit for period in sums.periods[Unit.WEEK]) == pytest.approx(70.0)
    assert [booked.bot_id for booked in sums.trades] == ["b", "a"]
    assert sums.trades[1].gained == pytest.approx(10 / 4000)


def test_sums_without_a_price_refuse_and_still_list_the_trades():
    books = [BotTrades("a", (a_trade(0),)), BotTrades("b", (a_trade(1, symbol="ETH/BTC"),), "not heard from")]

    sums = sums_of(books, ZoneInfo("Europe/Berlin"), PortfolioManager("USD"), {})

    assert sums.record is None
    assert not sums.periods
    assert len(sums.trades) == 2
    assert sums.unknown == ("b holds BTC, and no price from BTC to USD is known", "b: not heard from")


@pytest.mark.parametrize(("symbol", "quote"), [("BTC/USD", "USD"), ("BTC/USDT:USDT", "USDT"), ("BTCUSD", "?")])
def test_profit_is_in_the_quote_currency(symbol, quote):
    assert quote_of(symbol) == quote
