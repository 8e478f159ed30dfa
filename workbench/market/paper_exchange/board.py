"""One market at a moment, whoever keeps it: a recording at the replay's position, or a mirror of a real exchange."""

from typing import NamedTuple, Protocol

from workbench.market.paper_exchange.books import Quote
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.views import Bar, BookView, MarketTrade, aggregate

DAY_MS = 86_400_000


class Board(Protocol):
    """One market, now. `book(before=True)`: the book as it was before its newest change."""

    market: Market

    @property
    def now_ms(self) -> int: ...
    def quote(self) -> Quote: ...
    def last_trade(self) -> MarketTrade | None: ...
    def forming_bar(self) -> Bar | None: ...
    def bars(self, start_ms: int, end_ms: int, newest: int | None = None) -> list[Bar]: ...
    def trades(
        self, count: int, from_id: int | None = None, since: int | None = None, until: int | None = None
    ) -> list[MarketTrade]: ...
    def book(self, before: bool = False) -> BookView: ...


class DayFigures(NamedTuple):
    """The last 24 hours of a market: bars whose open lies in them."""

    bar: Bar
    last: MarketTrade
    opened_ms: int
    before: int


def day_figures(board: Board) -> DayFigures | None:
    """None before a market's first trade."""
    last, now = board.last_trade(), board.now_ms
    if last is None:
        return None
    bars = board.bars(now - DAY_MS + 1, now)
    if not bars:  # nothing traded for a day: the last price stands alone
        bars = [Bar(now, last.price, last.price, last.price, last.price, 0, 0, 0, 0, last.trade_id)]
    whole = aggregate(bars, 10**15)[0]
    before = board.trades(1, from_id=max(1, whole.first_trade - 1))
    return DayFigures(whole, last, bars[0].opened_ms, before[0].price if before else whole.open)
