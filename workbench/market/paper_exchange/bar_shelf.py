"""Bars of a mirrored market: the closed ones as the exchange tells them, the moving one as its trades make it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.views import Bar, MarketTrade

Row = tuple[int, float, float, float, float, float]
"""Open time (ms), open, high, low, close, volume: as ccxt tells a bar."""


class BarShelf:
    """Bars of one length, oldest first."""

    def __init__(self, market: Market, bar_ms: int):
        self.market, self.bar_ms = market, bar_ms
        self.closed: list[Bar] = []
        self.forming: Bar | None = None

    @property
    def end_ms(self) -> int:
        """When the newest closed bar closed; 0 before the first."""
        return self.closed[-1].opened_ms + self.bar_ms if self.closed else 0

    def close(self, rows: Iterable[Row]) -> None:
        """Bars that are over; they replace what was known of them, and the forming bar they end."""
        for row in rows:
            bar = self._bar(row)
            at = bisect_left(self.closed, bar.opened_ms, key=_opened)
            known = at < len(self.closed) and self.closed[at].opened_ms == bar.opened_ms
            self.closed[at : at + known] = [bar]
            if self.forming and self.forming.opened_ms <= bar.opened_ms:
                self.forming = None

    def begin(self, row: Row) -> None:
        """The exchange's own word on the bar that is moving: where we begin to build it from trades."""
        self.forming = self._bar(row)

    def trade(self, trade: MarketTrade) -> None:
        """Let a trade move the forming bar, or begin a new one. A late trade of a bar that has closed moves nothing."""
        opened = trade.at_ms // self.bar_ms * self.bar_ms
        value, bought = trade.price * trade.amount, 0 if trade.by_seller else trade.amount
        bar = self.forming
        if opened < self.end_ms or (bar and opened < bar.opened_ms):
            return
        if bar is None or opened > bar.opened_ms:
            self.forming = Bar(opened, *(trade.price,) * 4, trade.amount, value, 1, bought, trade.trade_id)
            return
        self.forming = bar._replace(
            high=max(bar.high, trade.price),
            low=min(bar.low, trade.price),
            close=trade.price,
            volume=bar.volume + trade.amount,
            value=bar.value + value,
            trades=bar.trades + 1,
            bought=bar.bought + bought,
        )

    def between(self, start_ms: int, end_ms: int) -> list[Bar]:
        """Bars that opened in [start_ms, end_ms], the forming one included."""
        first = bisect_left(self.closed, start_ms, key=_opened)
        found = self.closed[first : bisect_right(self.closed, end_ms, key=_opened)]
        if self.forming and start_ms <= self.forming.opened_ms <= end_ms:
            found.append(self.forming)
        return found

    def _bar(self, row: Row) -> Bar:
        """The exchange tells no quote volume: the mean of the four prices stands for the price of it all."""
        opened, high, low, closed = (self.market.points(price) for price in row[1:5])
        units = self.market.units(row[5])
        typical = (opened + high + low + closed) // 4
        return Bar(int(row[0]), opened, high, low, closed, units, typical * units, 0, 0, 0)


def _opened(bar: Bar) -> int:
    return bar.opened_ms
