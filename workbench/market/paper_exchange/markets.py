"""A market's grid: its tick, lot and smallest order, and the exact texts of its numbers.

Prices and amounts of recorded bars are held as whole numbers: prices in ticks of 10^-price_digits, amounts in units of
10^-amount_digits. Orders use Decimal.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from workbench.domain.market import split_symbol
from workbench.market.paper_exchange.refusals import filter_failure

SHOWN_DIGITS = 8
MIN_NOTIONAL = Decimal(5)


@dataclass(frozen=True)
class Market:
    """`symbol` as ccxt writes it ('BTC/USD'). `lot_digits`: decimals of an order's amount."""

    symbol: str
    price_digits: int
    amount_digits: int
    lot_digits: int

    @cached_property
    def base(self) -> str:
        return split_symbol(self.symbol)[0]

    @cached_property
    def quote(self) -> str:
        return split_symbol(self.symbol)[1]

    @cached_property
    def id(self) -> str:
        """As the wire writes it: BTCUSD."""
        return self.base + self.quote

    @cached_property
    def tick(self) -> Decimal:
        return Decimal(1).scaleb(-self.price_digits)

    @cached_property
    def lot(self) -> Decimal:
        return Decimal(1).scaleb(-self.lot_digits)

    @cached_property
    def max_amount(self) -> Decimal:
        """Largest amount of one order. Thirteen digits: with any price, the product stays exact."""
        return 9_000_000_000_000 * self.lot

    def price(self, ticks: int) -> Decimal:
        return Decimal(ticks).scaleb(-self.price_digits)

    def amount(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-self.amount_digits)

    def ticks(self, price: float) -> int:
        """Nearest tick of a live price."""
        return max(1, round(price * 10**self.price_digits))

    def units(self, amount: float) -> int:
        return round(amount * 10**self.amount_digits)

    def price_text(self, ticks: int) -> str:
        return fixed(ticks, self.price_digits)

    def amount_text(self, units: int) -> str:
        return fixed(units, self.amount_digits)

    def value_text(self, value: int) -> str:
        """A product of ticks and units."""
        return fixed(value, self.price_digits + self.amount_digits)

    def floor_to_lot(self, amount: Decimal) -> Decimal:
        return amount // self.lot * self.lot

    def check_price(self, price: Decimal) -> None:
        """Raises Refused where `price` is off the tick."""
        if price <= 0 or price % self.tick:
            raise filter_failure("PRICE_FILTER")

    def check_amount(self, amount: Decimal) -> None:
        """Raises Refused where `amount` is off the lot."""
        if not self.lot <= amount <= self.max_amount or amount % self.lot:
            raise filter_failure("LOT_SIZE")

    def check_notional(self, value: Decimal) -> None:
        """Raises Refused where an order is too small to be worth its fee."""
        if value < MIN_NOTIONAL:
            raise filter_failure("NOTIONAL")


def fixed(number: int, digits: int) -> str:
    """`number` × 10^-digits with at least eight decimals, exactly: fixed(123, 1) is '12.30000000'."""
    if digits < SHOWN_DIGITS:
        number, digits = number * 10 ** (SHOWN_DIGITS - digits), SHOWN_DIGITS
    whole, rest = divmod(number, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def decimal_text(value: Decimal | None) -> str:
    """A Decimal with eight decimals or more, never an exponent."""
    if value is None:
        return "0.00000000"
    exponent = value.as_tuple().exponent
    digits = max(SHOWN_DIGITS, -exponent if isinstance(exponent, int) else 0)
    return f"{value:.{digits}f}"


def lot_digits_for(price: float) -> int:
    """Decimals of an amount that make one lot worth a cent to a dime: 5 for bitcoin at 7,000, 1 for ripple at 0.4."""
    return min(SHOWN_DIGITS, max(0, math.ceil(math.log10(price)) + 1))
