"""A market of a real exchange as it was last heard: its closed bars, trades and book. No wire; ages are arguments."""

import math
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workbench.market.paper_exchange.bar_shelf import BarShelf
from workbench.market.paper_exchange.books import Level, Quote
from workbench.market.paper_exchange.markets import Market, lot_digits_for
from workbench.market.paper_exchange.matching import Move
from workbench.market.paper_exchange.views import Bar, BookView, MarketTrade

KEPT_TRADES = 1000
DEPTH = 20
_POINT_DIGITS = 8
_UNIT_DIGITS = 8


class MirrorBoard:
    """`age_s`: wall seconds since anything was heard; past `stale_s` nothing trades here."""

    def __init__(self, market: Market, bar_ms: int, share: float, stale_s: float, wall: Callable[[], float]):
        self.market, self.share = market, Decimal(str(share))
        self.stale_s, self._wall = stale_s, wall
        self.shelf = BarShelf(market, bar_ms)
        self.heard_s = -math.inf
        self._newest_ms = 0
        self._trades: deque[MarketTrade] = deque(maxlen=KEPT_TRADES)
        self._trade_count = 0
        self._book = self._old_book = BookView(0, (), ())

    @property
    def now_ms(self) -> int:
        """Time of the newest thing heard."""
        return max(self._newest_ms, self.shelf.end_ms)

    @property
    def age_s(self) -> float:
        return self._wall() - self.heard_s

    def take_trade(self, said: dict[str, Any]) -> Move | None:
        """One trade as ccxt tells it; the price move it makes. None for one that carries nothing."""
        if not said.get("price") or not said.get("amount"):
            return None
        old, price = self.last_trade(), self.market.points(said["price"])
        at_ms = int(said.get("timestamp") or self.now_ms)
        self.heard_s, self._newest_ms = self._wall(), max(self._newest_ms, at_ms)
        self._trade_count += 1
        trade = MarketTrade(
            self._trade_count, price, self.market.units(said["amount"]), at_ms, said.get("side") == "sell"
        )
        self._trades.append(trade)
        self.shelf.trade(trade)
        start = self.market.price(old.price if old else price)
        return Move(start, self.market.price(price), True, self.market.amount(trade.amount) * self.share, self.now_ms)

    def take_book(self, said: dict[str, Any]) -> None:
        """An order book as ccxt tells it; the best `DEPTH` levels of each side."""
        points, units = self.market.points, self.market.units
        sides = [
            tuple((points(level[0]), units(level[1])) for level in said[side][:DEPTH] if level[1])
            for side in ("bids", "asks")
        ]
        self._old_book, self._book = self._book, BookView(self._book.update_id + 1, *sides)
        self.heard_s, self._newest_ms = self._wall(), max(self._newest_ms, said.get("timestamp") or 0)

    def quote(self) -> Quote:
        """The levels of the live book; whoever takes is charged what is offered there."""
        price, amount = self.market.price, self.market.amount
        bids, asks = (
            tuple(Level(price(points), amount(units)) for points, units in side)
            for side in (self._book.bids, self._book.asks)
        )
        return Quote(bids, asks, self.now_ms, self.age_s <= self.stale_s)

    def last_trade(self) -> MarketTrade | None:
        if self._trades:
            return self._trades[-1]
        bar = next(reversed(self.shelf.between(0, self.now_ms)), None)
        return MarketTrade(0, bar.close, 0, self.now_ms, False) if bar else None

    def forming_bar(self) -> Bar | None:
        return self.shelf.forming

    def bars(self, start_ms: int, end_ms: int, newest: int | None = None) -> list[Bar]:
        found = self.shelf.between(start_ms, end_ms)
        return found if newest is None else found[-newest:]

    def trades(
        self, count: int, from_id: int | None = None, since: int | None = None, until: int | None = None
    ) -> list[MarketTrade]:
        found = [
            trade
            for trade in self._trades
            if (from_id is None or trade.trade_id >= from_id)
            and (since is None or trade.at_ms >= since)
            and (until is None or trade.at_ms <= until)
        ]
        return found[-count:] if from_id is None and since is None else found[:count]

    def book(self, before: bool = False) -> BookView:
        return self._old_book if before else self._book


def market_like(said: dict[str, Any], price: float) -> Market:
    """Our market for one of ccxt's, whose precisions are steps (ccxt.TICK_SIZE) or unknown (None)."""
    tick = _digits(said["precision"].get("price"))
    lot = _digits(said["precision"].get("amount"))
    tick = max(0, 5 - lot_digits_for(1 / price)) if tick is None else tick
    lot = lot_digits_for(price) if lot is None else lot
    return Market(said["symbol"], max(_POINT_DIGITS, tick), max(_UNIT_DIGITS, lot), tick, lot)


def _digits(step: float | None) -> int | None:
    """Decimals of a step: 0.05 has two."""
    if not step or not 0 < step < math.inf:
        return None
    exponent = Decimal(str(step)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else None
