"""Money, positions and what a bot reports of itself. Every figure carries its currency and its time (UTC)."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workbench.domain.errors import CurrencyMismatch, ValueRefused


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Adds to its own kind only."""

    amount: float
    currency: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.amount):
            raise ValueRefused(f"money must be a finite number, got {self.amount} {self.currency}")

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise CurrencyMismatch(f"cannot add {other.currency} to {self.currency}; convert through a price first")
        return Money(self.amount + other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other

    def convert(self, price: float, currency: str) -> "Money":
        """Worth in `currency`, where one unit of ours costs `price` of it."""
        if not (math.isfinite(price) and price > 0):
            raise CurrencyMismatch(f"cannot convert {self.currency} to {currency} at price {price}")
        return Money(self.amount * price, currency)


class MoneyMode(StrEnum):
    """Where the money moves: recorded candles, live prices with paper money, or real money."""

    REPLAY = "replay"
    PAPER = "paper"
    LIVE = "live"


class BotState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Position:
    """An open holding. `amount` in base currency (negative for a short), prices and P&L in quote currency.

    targets : prices that the bot named as its aim when it entered, the nearest first; empty where it named none.
    """

    symbol: str
    amount: float
    entry_price: float
    mark_price: float
    opened_at: datetime
    stop: float | None = None
    targets: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        return self.amount * self.mark_price

    @property
    def unrealised(self) -> float:
        return self.amount * (self.mark_price - self.entry_price)


@dataclass(frozen=True, slots=True)
class Trade:
    """A finished round trip. `pnl` in quote currency, after fees."""

    symbol: str
    amount: float
    entry_price: float
    exit_price: float
    opened_at: datetime
    closed_at: datetime
    pnl: float
    fees: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Worth of an account at a moment."""

    at: datetime
    equity: float
    currency: str


@dataclass(frozen=True, slots=True)
class BotStatus:
    """What a bot says of itself. `market_time`: close of the newest candle it has acted on (the venue's clock);
    `data_at`: wall-clock time at which that candle reached it. Health is judged from `data_at`, never `state`."""

    bot_id: str
    state: BotState
    mode: MoneyMode
    gated: bool
    equity: Money | None
    pnl: Money | None
    day_pnl: Money | None
    realised: Money | None
    positions: tuple[Position, ...]
    trade_count: int
    ready: bool
    market_time: datetime | None
    data_at: datetime | None
    as_of: datetime
    detail: str = ""
