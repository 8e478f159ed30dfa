"""A market of a real exchange as it was last heard: its closed bars, trades and book. No wire; ages are arguments."""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from workbench.market.paper_exchange.board import Bar, BookView, MarketTrade
from workbench.market.paper_exchange.books import Level, Quote
from workbench.market.paper_exchange.markets import Market, lot_digits_for
from workbench.market.paper_exchange.matching import Move

KEPT_TRADES = 1000
DEPTH = 20
_POINT_DIGITS = 8
_UNIT_DIGITS = 8


class MirrorBoard:
    """`age_s`: wall seconds since anything was heard; past `stale_s` nothing trades here."""

    def __init__(self, market: Market, bar_ms: int, share: float, stale_s: float, wall: Callable[[], float]):
        self.market, self.bar_ms, self.share = market, bar_ms, Decimal(str(share))
        self.stale_s, self._wall = stale_s, wall
        self.closed: list[Bar] = []
        self.forming: Bar | None = None
        self.heard_s = -math.inf
        self.newest_ms = 0
        self._trades: deque[MarketTrade] = deque(maxlen=KEPT_TRADES)
        self._trade_count = 0
        self._book = self._old_book = BookView(0, (), ())

    @property
    def now_ms(self) -> int:
        """Time of the newest thing heard."""
        return self.newest_ms

    @property
    def age_s(self) -> float:
        return self._wall() - self.heard_s

    def hear(self, at_ms: int | None) -> None:
        self.heard_s = self._wall()
        self.newest_ms = max(self.newest_ms, at_ms or 0)

    def take_bars(self, rows: Iterable[tuple[int, float, float, float, float, float]]) -> None:
        """Bars that closed (open time, open, high, low, close, volume); they replace what was known of them."""
        for row in rows:
            bar = self._bar(*row)
            at = bisect_left(self.closed, bar.opened_ms, key=lambda one: one.opened_ms)
            if at < len(self.closed) and self.closed[at].opened_ms == bar.opened_ms:
                self.closed[at] = bar
            else:
                self.closed.insert(at, bar)
            if self.forming and self.forming.opened_ms <= bar.opened_ms:
                self.forming = None
            self.newest_ms = max(self.newest_ms, bar.opened_ms + self.bar_ms)

    def take_forming(self, row: tuple[int, float, float, float, float, float]) -> None:
        """The exchange's own word on the bar that is moving: where we begin to build it from trades."""
        self.forming = self._bar(*row)

    def take_trade(self, said: dict[str, Any]) -> Move | None:
        """One trade as ccxt tells it; the price move it makes. None for one that carries nothing."""
        if not said.get("price") or not said.get("amount"):
            return None
        old, price = self.last_trade(), self.market.points(said["price"])
        at_ms = int(said.get("timestamp") or self.newest_ms)
        self.hear(at_ms)
        self._trade_count += 1
        trade = MarketTrade(
            self._trade_count, price, self.market.units(said["amount"]), at_ms, said.get("side") == "sell"
        )
        self._trades.append(trade)
        self._form(trade)
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
        self.hear(said.get("timestamp"))

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
        bar = self.forming or (self.closed[-1] if self.closed else None)
        return MarketTrade(0, bar.close, 0, self.now_ms, False) if bar else None

    def forming_bar(self) -> Bar | None:
        return self.forming

    def bars(self, start_ms: int, end_ms: int) -> list[Bar]:
        first = bisect_left(self.closed, start_ms, key=lambda one: one.opened_ms)
        last = bisect_right(self.closed, end_ms, key=lambda one: one.opened_ms)
        found = self.closed[first:last]
        if self.forming and start_ms <= self.forming.opened_ms <= end_ms:
            found = [*found, self.forming]
        return found

    def newest(self, count: int, end_ms: int) -> list[Bar]:
        return self.bars(0, end_ms)[-count:]

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

    def book(self) -> BookView:
        return self._book

    def book_before(self) -> BookView:
        return self._old_book

    def _form(self, trade: MarketTrade) -> None:
        """Let a trade move the forming bar, or begin a new one. A late trade of a bar that has closed moves nothing."""
        opened = trade.at_ms // self.bar_ms * self.bar_ms
        if self.closed and opened <= self.closed[-1].opened_ms:
            return
        value, bought = trade.price * trade.amount, 0 if trade.by_seller else trade.amount
        bar = self.forming
        if bar is None or opened > bar.opened_ms:
            first = Bar(opened, *(trade.price,) * 4, trade.amount, value, 1, bought, trade.trade_id)
            self.forming = first
        elif opened == bar.opened_ms:
            self.forming = bar._replace(
                high=max(bar.high, trade.price),
                low=min(bar.low, trade.price),
                close=trade.price,
                volume=bar.volume + trade.amount,
                value=bar.value + value,
                trades=bar.trades + 1,
                bought=bar.bought + bought,
            )

    def _bar(self, opened_ms: int, o: float, h: float, low: float, c: float, volume: float) -> Bar:
        o_p, h_p, l_p, c_p = (self.market.points(price) for price in (o, h, low, c))
        units = self.market.units(volume)
        typical = (o_p + h_p + l_p + c_p) // 4
        return Bar(int(opened_ms), o_p, h_p, l_p, c_p, units, typical * units, 0, 0, self._trade_count + 1)


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
