"""What a market shows, as values: bars, trades, a book. Whole numbers (see `Market`), times in market milliseconds."""

from collections.abc import Iterable
from typing import NamedTuple


class Bar(NamedTuple):
    """A bar, closed or forming. `value`: quote volume in points × units; `bought`: volume taken by buyers."""

    opened_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    trades: int
    bought: int
    first_trade: int


class MarketTrade(NamedTuple):
    """A trade of the market. `by_seller`: the seller took (Binance's 'buyer is maker')."""

    trade_id: int
    price: int
    amount: int
    at_ms: int
    by_seller: bool


class BookView(NamedTuple):
    """Price levels, best first: (points, units)."""

    update_id: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


def aggregate(bars: Iterable[Bar], interval_ms: int, anchor_ms: int = 0) -> list[Bar]:
    """Bars of a longer interval out of shorter ones, by the interval each opened in."""
    found: list[Bar] = []
    for bar in bars:
        opened = (bar.opened_ms - anchor_ms) // interval_ms * interval_ms + anchor_ms
        if found and found[-1].opened_ms == opened:
            found[-1] = _joined(found[-1], bar)
        else:
            found.append(bar._replace(opened_ms=opened))
    return found


def _joined(old: Bar, new: Bar) -> Bar:
    return Bar(
        old.opened_ms,
        old.open,
        max(old.high, new.high),
        min(old.low, new.low),
        new.close,
        old.volume + new.volume,
        old.value + new.value,
        old.trades + new.trades,
        old.bought + new.bought,
        old.first_trade,
    )
