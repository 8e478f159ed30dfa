"""A market's grid: its tick, lot and smallest order, and the exact texts of its numbers.

Market data is held as whole numbers: prices in points of 10^-price_digits, fine enough for every recorded price, and
amounts in units of 10^-amount_digits. Orders are Decimals on a coarser grid: prices on the tick, amounts on the lot.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property, lru_cache

from workbench.domain.market import split_symbol
from workbench.market.paper_exchange.refusals import filter_failure

SHOWN_DIGITS = 8
MIN_NOTIONAL = Decimal(5)
_POWERS = tuple(10**digits for digits in range(SHOWN_DIGITS + 1))


@dataclass(frozen=True)
class Market:
    """`symbol` as ccxt writes it ('BTC/USD'). `tick_digits`, `lot_digits`: decimals of an order's price and amount."""

    symbol: str
    price_digits: int
    amount_digits: int
    tick_digits: int
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
        return Decimal(1).scaleb(-self.tick_digits)

    @cached_property
    def lot(self) -> Decimal:
        return Decimal(1).scaleb(-self.lot_digits)

    @cached_property
    def tick_points(self) -> int:
        return 10 ** (self.price_digits - self.tick_digits)

    @cached_property
    def lot_units(self) -> int:
        return 10 ** (self.amount_digits - self.lot_digits)

    @cached_property
    def max_amount(self) -> Decimal:
        """Largest amount of one order. Thirteen digits: with any price, the product stays exact."""
        return 9_000_000_000_000 * self.lot

    def price(self, points: int) -> Decimal:
        return Decimal(points).scaleb(-self.price_digits)

    def amount(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-self.amount_digits)

    def points(self, price: float) -> int:
        """Nearest whole number of points of a live price, at least one."""
        return max(1, round(price * 10**self.price_digits))

    def units(self, amount: float) -> int:
        return round(amount * 10**self.amount_digits)

    def price_text(self, points: int) -> str:
        return fixed(points, self.price_digits)

    def amount_text(self, units: int) -> str:
        return fixed(units, self.amount_digits)

    def value_text(self, value: int) -> str:
        """A product of points and units."""
        return fixed(value, self.price_digits + self.amount_digits)

    def floor_to_lot(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.lot, rounding=ROUND_FLOOR)

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


@lru_cache(maxsize=8192)  # a price is written many times: as open, as high, on every stream
def fixed(number: int, digits: int) -> str:
    """`number` × 10^-digits with at least eight decimals, exactly: fixed(123, 1) is '12.30000000'."""
    if digits < SHOWN_DIGITS:
        number, digits = number * _POWERS[SHOWN_DIGITS - digits], SHOWN_DIGITS
    text = str(number).zfill(digits + 1)  # slicing a whole number is the fastest way to write it
    text = f"{text[:-digits]}.{text[-digits:]}"
    return text if digits == SHOWN_DIGITS else _trimmed(text)


def decimal_text(value: Decimal | None) -> str:
    """A Decimal with eight decimals, or as many as it needs; never an exponent."""
    if value is None:
        return "0.00000000"
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -SHOWN_DIGITS:
        return f"{value:.{SHOWN_DIGITS}f}"
    return _trimmed(f"{value:f}")


def _trimmed(text: str) -> str:
    """Without zeros past the eighth decimal."""
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(SHOWN_DIGITS, '0')}"


def lot_digits_for(price: float) -> int:
    """Decimals of an amount that make one lot worth a cent to a dime: 5 for bitcoin at 7,000, 1 for ripple at 0.4."""
    return min(SHOWN_DIGITS, max(0, math.ceil(math.log10(price)) + 1))
