"""Orders and fills as the venue tells them. Sizes in base currency, prices in quote currency, times UTC."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `fee` in `fee_currency`."""

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    filled_at: datetime
    maker: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order's state. `kind`: market, limit or stop_loss_limit."""

    order_id: str
    client_id: str
    symbol: str
    side: Side
    kind: str
    amount: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    filled: Decimal
    status: OrderStatus
    created_at: datetime
