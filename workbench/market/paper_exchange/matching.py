"""How orders meet a moving price. Pure: prices, amounts and times (market milliseconds) arrive as arguments.

Accounts never trade with each other: each meets the recorded (or mirrored) market. Resting orders of one market share
what the market trades in a step, best price first, then the older, then by account and number, so that the wall-clock
order in which requests of one step arrive changes nothing.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from workbench.market.paper_exchange.accounts import EXACT, ZERO
from workbench.market.paper_exchange.markets import Market

BUY, SELL = "BUY", "SELL"
STOPS = ("STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
KINDS = ("LIMIT", "LIMIT_MAKER", "MARKET", *STOPS)
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """One order at one moment. `working`: on the book (a stop is not until it triggers). `spent`: quote traded."""

    account: str
    order_id: int
    client_id: str
    market: Market
    side: str
    kind: str
    time_in_force: str
    amount: Decimal
    price: Decimal | None
    stop: Decimal | None
    created_ms: int
    updated_ms: int
    status: str = "NEW"
    working: bool = True
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    quote_amount: Decimal | None = None
    queued_ms: int = 0  # when it joined the book: its place among equals

    @property
    def key(self) -> Key:
        return self.account, self.order_id

    @property
    def left(self) -> Decimal:
        return self.amount - self.filled

    @property
    def is_open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")

    @property
    def locks(self) -> tuple[str, Decimal]:
        """What it holds locked while it rests: (asset, amount)."""
        if self.side == SELL:
            return self.market.base, self.left
        return self.market.quote, EXACT.multiply(self.left, self.price or ZERO)

    @property
    def waits_for_fall(self) -> bool:
        """Whether a falling price reaches it (else a rising one)."""
        if self.working:
            return self.side == BUY
        return (self.side == SELL) == (self.kind == "STOP_LOSS_LIMIT")

    @property
    def level(self) -> Decimal:
        """The price at which something happens to it."""
        level = self.price if self.working else self.stop
        assert level is not None
        return level

    def crosses(self, price: Decimal) -> bool:
        """Whether it would trade against a market at `price`."""
        return self.price is None or (price <= self.price if self.side == BUY else price >= self.price)

    def traded(self, amount: Decimal, price: Decimal, at_ms: int) -> "PaperOrder":
        filled = EXACT.add(self.filled, amount)
        status = "FILLED" if filled == self.amount else "PARTIALLY_FILLED"
        spent = EXACT.add(self.spent, EXACT.multiply(amount, price))
        return replace(self, filled=filled, spent=spent, status=status, updated_ms=at_ms)

    def ended(self, status: str, at_ms: int) -> "PaperOrder":
        return replace(self, status=status, updated_ms=at_ms, working=False)

    def triggered(self, at_ms: int) -> "PaperOrder":
        return replace(self, working=True, updated_ms=at_ms, queued_ms=at_ms)


class Move(NamedTuple):
    """The price went from `start` to `end`. `gap`: it jumped (a new bar's open, a live trade), so that no price between
    was traded; else it passed through every price between. `traded`: amount the market trades on the way that our
    orders may have."""

    start: Decimal
    end: Decimal
    gap: bool
    traded: Decimal
    at_ms: int


class Match(NamedTuple):
    """`order` (as it was before) trades `amount` at `price`; an amount of zero says only that its stop triggered."""

    order: PaperOrder
    price: Decimal
    amount: Decimal
    maker: bool


class RestingOrders:
    """The open orders of one market, of all accounts."""

    def __init__(self) -> None:
        self.orders: dict[Key, PaperOrder] = {}
        self._reach: tuple[Decimal | None, Decimal | None] | None = None

    def put(self, order: PaperOrder) -> None:
        """Add or replace an open order; one that is no longer open leaves."""
        if order.is_open:
            self.orders[order.key] = order
        else:
            self.orders.pop(order.key, None)
        self._reach = None

    def reached_by(self, low: Decimal, high: Decimal) -> bool:
        """Whether any order has something to do at a price between `low` and `high`."""
        if not self.orders:
            return False
        if self._reach is None:
            falls = [order.level for order in self.orders.values() if order.waits_for_fall]
            rises = [order.level for order in self.orders.values() if not order.waits_for_fall]
            self._reach = max(falls, default=None), min(rises, default=None)
        fall, rise = self._reach
        return (fall is not None and low <= fall) or (rise is not None and high >= rise)

    def meet(self, move: Move) -> Iterator[Match]:
        """Walk the price along `move`; yield what happens, in the order it happens.

        The caller must `put` the changed order after each Match, before asking for the next.
        """
        low, high = (move.end, move.end) if move.gap else (min(move.start, move.end), max(move.start, move.end))
        if not self.reached_by(low, high):
            return
        start = move.end if move.gap else move.start
        queue = [turn for order in self.orders.values() if (turn := _turn(order, start, move.end))]
        heapq.heapify(queue)
        left = move.traded
        while queue:
            distance, _, _, key = heapq.heappop(queue)
            order = self.orders[key]
            here = start + distance if move.end >= start else start - distance
            if not order.working:
                yield Match(order, here, ZERO, False)
                order = self.orders[key]
                if not order.crosses(here):
                    if turn := _turn(order, here, move.end):
                        heapq.heappush(queue, (distance + turn[0], distance + turn[0], *turn[2:]))
                    continue
                price, maker = here, False
            else:
                assert order.price is not None
                price, maker = order.price, True
            amount = order.market.floor_to_lot(min(order.left, left))
            if amount > 0:
                left -= amount
                yield Match(order, price, amount, maker)


def _turn(order: PaperOrder, start: Decimal, end: Decimal):
    """When on the way from `start` to `end` an order's turn comes, as (distance, how late in the queue, age, key).

    None: the way does not reach it.
    """
    level = order.level
    farthest = min(start, end) if order.waits_for_fall else max(start, end)
    if (farthest > level) if order.waits_for_fall else (farthest < level):
        return None
    behind = start - level if order.waits_for_fall else level - start  # above zero: the price has yet to come
    distance = max(behind, ZERO)
    return distance, behind, order.queued_ms, order.key
