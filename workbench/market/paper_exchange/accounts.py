"""Balances of one account: what is free, what is locked in orders. Pure; amounts are exact Decimals.

Laws (tested): no balance is ever negative; locking moves money and makes none; a trade takes exactly what it gives,
less the fee, which is kept in `fees_paid`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

from workbench.market.paper_exchange.refusals import INSUFFICIENT, rejected

ZERO = Decimal(0)
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Every product and sum of this room fits into 60 digits: nothing but a fee is ever rounded."""


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return EXACT.add(self.free, self.locked)


@dataclass(slots=True)
class Account:
    """The money of one `name`. `order_count` and `trade_count` number its orders and trades from 1."""

    name: str
    balances: dict[str, Balance] = field(default_factory=dict)
    fees_paid: dict[str, Decimal] = field(default_factory=dict)
    order_count: int = 0
    trade_count: int = 0
    updated_ms: int = 0

    def balance(self, asset: str) -> Balance:
        return self.balances.get(asset, Balance())

    def deposit(self, funds: Mapping[str, Decimal]) -> None:
        """Paper money from nowhere; the only way to make any."""
        for asset, amount in funds.items():
            if not (amount.is_finite() and amount >= 0):
                raise rejected(f"{amount} {asset} is not an amount of money.")
            self._add(asset, free=amount)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Set `amount` aside for an order. Raises Refused (-2010) where it is not free."""
        if amount > self.balance(asset).free:
            raise rejected(INSUFFICIENT)
        self._add(asset, free=-amount, locked=amount)

    def unlock(self, asset: str, amount: Decimal) -> None:
        self._add(asset, free=amount, locked=-amount)

    def pay(self, gives: tuple[str, Decimal], gets: tuple[str, Decimal], fee: Decimal) -> None:
        """Settle a trade: `gives` leaves the locked money, `gets` less `fee` (same asset) becomes free."""
        self._add(gives[0], locked=-gives[1])
        self._add(gets[0], free=EXACT.subtract(gets[1], fee))
        self.fees_paid[gets[0]] = EXACT.add(self.fees_paid.get(gets[0], ZERO), fee)

    def touched(self, assets: Iterable[str]) -> dict[str, Balance]:
        return {asset: self.balance(asset) for asset in assets}

    def _add(self, asset: str, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        old = self.balance(asset)
        new = Balance(EXACT.add(old.free, free), EXACT.add(old.locked, locked))
        if new.free < 0 or new.locked < 0:
            raise ArithmeticError(
                f"{self.name}: {asset} would fall below zero: {new}; the books of the exchange are wrong"
            )
        self.balances[asset] = new


def fee_of(received: Decimal, fee_bps: Decimal) -> Decimal:
    """The fee on what a trade receives, in the received asset, rounded to eight decimals (half to even)."""
    return EXACT.multiply(received, EXACT.multiply(fee_bps, Decimal("0.0001"))).quantize(Decimal("1e-8"), context=EXACT)
