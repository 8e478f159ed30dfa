"""The bot's books: positions, cash, profit and round trips, counted from the venue's fills and from nothing else. Pure.

Amounts are exact Decimals. A lot's cost holds the fees of its purchases, whichever coin they were taken in, so that
cash + lots at the mark = starting cash + realised + unrealised, exactly (tested).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal

from workbench.domain.market import split_symbol
from workbench.domain.orders import Fill, Side
from workbench.domain.portfolio import Trade

ZERO = Decimal(0)
EXACT = Context(prec=50)
KEPT_TRADES = 10_000


@dataclass(slots=True)
class Lot:
    """What is held of one market: `amount` in base, `cost` in quote with fees. `opened_at`: market time."""

    amount: Decimal = ZERO
    cost: Decimal = ZERO
    opened_at: datetime | None = None

    @property
    def entry_price(self) -> float:
        """Average price paid, fees included."""
        return float(EXACT.divide(self.cost, self.amount)) if self.amount else 0.0


@dataclass(slots=True)
class _Trip:
    """A round trip under way: sums over its fills."""

    opened_at: datetime
    bought: Decimal = ZERO
    paid: Decimal = ZERO
    sold: Decimal = ZERO
    received: Decimal = ZERO
    fees: Decimal = ZERO
    pnl: Decimal = ZERO


@dataclass(slots=True)
class Book:
    """`quote`: the currency of account; `steps`: the smallest tradable amount by symbol: less than it is dust."""

    quote: str
    steps: Mapping[str, Decimal]
    started_with: Decimal = ZERO
    flow: Decimal = ZERO  # quote currency in (sales) less out (purchases, fees)
    realised: Decimal = ZERO
    lots: dict[str, Lot] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    trade_count: int = 0
    foreign_fees: dict[str, Decimal] = field(default_factory=dict)  # taken in a coin we cannot price here
    _seen: dict[str, dict[str, None]] = field(default_factory=dict)
    _trips: dict[str, _Trip] = field(default_factory=dict)

    @property
    def cash(self) -> Decimal:
        return EXACT.add(self.started_with, self.flow)

    def lot(self, symbol: str) -> Lot:
        return self.lots.setdefault(symbol, Lot())

    def held(self, symbol: str) -> bool:
        """Whether there is a position: more than dust."""
        return self.lot(symbol).amount >= self.steps[symbol]

    def add(self, fill: Fill, reason: str = "") -> bool:
        """Count `fill`, once however often it is told; fills of one market come in order. `reason`: why it was sold."""
        seen = self._seen.setdefault(fill.symbol, {})
        if fill.trade_id in seen:
            return False
        seen[fill.trade_id] = None
        if len(seen) > KEPT_TRADES:
            del seen[next(iter(seen))]
        base_fee, quote_fee = self._fees(fill)
        if fill.side is Side.BUY:
            self._bought(fill, base_fee, quote_fee)
        else:
            self._sold(fill, quote_fee, reason)
        return True

    def worth(self, marks: Mapping[str, float]) -> Decimal | None:
        """Cash and everything held (dust too) at `marks`; None where a mark is missing."""
        total = self.cash
        for symbol, lot in self.lots.items():
            if not lot.amount:
                continue
            if symbol not in marks:
                return None
            total = EXACT.add(total, EXACT.multiply(lot.amount, Decimal(repr(marks[symbol]))))
        return total

    def _fees(self, fill: Fill) -> tuple[Decimal, Decimal]:
        """The fee in base and in quote currency; one of them is 0."""
        base, quote = split_symbol(fill.symbol)
        if fill.fee_currency == base:
            return fill.fee, ZERO
        if fill.fee_currency == quote or not fill.fee:
            return ZERO, fill.fee
        self.foreign_fees[fill.fee_currency] = self.foreign_fees.get(fill.fee_currency, ZERO) + fill.fee
        return ZERO, ZERO

    def _bought(self, fill: Fill, base_fee: Decimal, quote_fee: Decimal) -> None:
        lot, value = self.lot(fill.symbol), EXACT.multiply(fill.price, fill.amount)
        if not self.held(fill.symbol):
            lot.opened_at = fill.filled_at
        lot.amount = EXACT.add(lot.amount, fill.amount - base_fee)
        lot.cost = EXACT.add(lot.cost, value + quote_fee)
        self.flow = EXACT.subtract(self.flow, value + quote_fee)
        trip = self._trips.setdefault(fill.symbol, _Trip(fill.filled_at))
        trip.bought, trip.paid = trip.bought + fill.amount, trip.paid + value
        trip.fees += quote_fee + EXACT.multiply(base_fee, fill.price)

    def _sold(self, fill: Fill, quote_fee: Decimal, reason: str) -> None:
        lot, value = self.lot(fill.symbol), EXACT.multiply(fill.price, fill.amount)
        share = min(Decimal(1), EXACT.divide(fill.amount, lot.amount)) if lot.amount > 0 else Decimal(1)
        cost = lot.cost if share == 1 else EXACT.multiply(lot.cost, share)
        pnl = EXACT.subtract(value - quote_fee, cost)
        lot.amount, lot.cost = EXACT.subtract(lot.amount, fill.amount), EXACT.subtract(lot.cost, cost)
        self.flow = EXACT.add(self.flow, value - quote_fee)
        self.realised = EXACT.add(self.realised, pnl)
        trip = self._trips.setdefault(fill.symbol, _Trip(fill.filled_at))
        trip.sold, trip.received = trip.sold + fill.amount, trip.received + value
        trip.fees, trip.pnl = trip.fees + quote_fee, trip.pnl + pnl
        if not self.held(fill.symbol):
            self._finish(fill.symbol, fill.filled_at, reason)

    def _finish(self, symbol: str, closed_at: datetime, reason: str) -> None:
        trip = self._trips.pop(symbol)
        self.lot(symbol).opened_at = None
        trade = Trade(
            symbol=symbol,
            amount=float(trip.sold),
            entry_price=float(trip.paid / trip.bought) if trip.bought else 0.0,
            exit_price=float(trip.received / trip.sold),
            opened_at=trip.opened_at,
            closed_at=closed_at,
            pnl=float(trip.pnl),
            fees=float(trip.fees),
            reason=reason,
        )
        self.trade_count += 1
        self.trades.append(trade)
        del self.trades[:-KEPT_TRADES]
