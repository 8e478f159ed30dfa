"""All bots' finished trades in one currency: the list, the record, the spread, and profit by period. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from workbench.domain.errors import CurrencyMismatch
from workbench.domain.portfolio import Money, Trade
from workbench.orchestration.portfolio_manager import PortfolioManager, Rates, converted
from workbench.orchestration.trade_book import BotTrades
from workbench.quant.trade_periods import Period, Unit, by_period
from workbench.quant.trade_record import Record, Spread, record_of, spread_of


@dataclass(frozen=True, slots=True)
class BookedTrade:
    """A finished trade of a bot. `currency`: its own; `gained`: its profit as a fraction of what was put in."""

    bot_id: str
    trade: Trade
    currency: str
    gained: float | None


@dataclass(frozen=True, slots=True)
class TradeSums:
    """`trades`: newest first. `record` and `periods` are in `currency`, and absent where trades cannot be added up:
    `unknown` says why, and whose trades are missing. `converted`: some were worth another currency, and are told at
    the prices of now."""

    currency: str
    trades: tuple[BookedTrade, ...]
    spread: Spread
    record: Record | None = None
    periods: Mapping[Unit, Sequence[Period]] = field(default_factory=dict)
    converted: bool = False
    unknown: tuple[str, ...] = ()


def sums_of(books: Sequence[BotTrades], zone: tzinfo, manager: PortfolioManager, rates: Rates) -> TradeSums:
    """Everything that the page tells of `books`; days are those of `zone`."""
    trades = sorted((_booked(book.bot_id, trade) for book in books for trade in book.trades), key=_closed, reverse=True)
    unknown = [f"{book.bot_id}: {book.unknown}" for book in books if book.unknown]
    spread = spread_of([booked.gained for booked in trades if booked.gained is not None])
    currencies = currencies_of(books)
    try:
        currency = manager.target(currencies) if currencies else manager.currency or ""
        profits = [_profit(booked, currency, rates) for booked in trades]
    except CurrencyMismatch as error:
        return TradeSums("", tuple(trades), spread, unknown=(str(error), *unknown))
    times = [booked.trade.closed_at for booked in trades]
    periods = {unit: by_period(times, profits, zone, unit) for unit in Unit}
    mixed = bool(currencies - {currency})
    return TradeSums(currency, tuple(trades), spread, record_of(profits), periods, mixed, tuple(unknown))


def currencies_of(books: Sequence[BotTrades]) -> set[str]:
    """Those in which the trades' profits are."""
    return {quote_of(trade.symbol) for book in books for trade in book.trades}


def quote_of(symbol: str) -> str:
    """'USD' of 'BTC/USD', 'USDT' of the future 'BTC/USDT:USDT'."""
    return symbol.partition("/")[2].partition(":")[0] or "?"


def _booked(bot_id: str, trade: Trade) -> BookedTrade:
    put_in = abs(trade.amount) * trade.entry_price
    gained = trade.pnl / put_in if put_in > 0 else math.nan
    return BookedTrade(bot_id, trade, quote_of(trade.symbol), gained if math.isfinite(gained) else None)


def _closed(booked: BookedTrade) -> tuple:
    return booked.trade.closed_at, booked.bot_id, booked.trade.symbol


def _profit(booked: BookedTrade, currency: str, rates: Rates) -> float:
    return converted(booked.bot_id, Money(booked.trade.pnl, booked.currency), currency, rates).amount
