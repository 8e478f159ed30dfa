"""What we read of Freqtrade's API: a pydantic model each, tolerant of fields that older versions lack.

Only `dry_run` and `state` have no default: without them nobody may guess whether money is real, or whether it trades.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.bots.protocol import complaint
from workbench.domain.errors import BotError

Read = TypeVar("Read", bound="FreqtradeWire")


class FreqtradeWire(BaseModel):
    """Numbers may be null where Freqtrade has none (it turns NaN into null)."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ConfigWire(FreqtradeWire):
    """GET show_config."""

    state: str
    dry_run: bool
    version: str = ""
    api_version: float = 1.0
    strategy: str | None = None
    strategy_version: str | None = None
    stake_currency: str
    timeframe: str | None = None
    exchange: str = ""
    trading_mode: str = "spot"
    short_allowed: bool = False
    stoploss_on_exchange: bool = False
    position_adjustment_enable: bool = False
    force_entry_enable: bool = False
    bot_name: str = ""
    runmode: str = ""


class OrderWire(FreqtradeWire):
    order_id: str = ""
    is_open: bool = False
    ft_order_side: str = ""
    order_type: str | None = None
    remaining: float | None = None


class TradeWire(FreqtradeWire):
    """A trade of GET status or GET trades."""

    trade_id: int
    pair: str
    is_open: bool = True
    is_short: bool = False
    amount: float
    open_rate: float
    open_timestamp: int
    current_rate: float | None = None
    stop_loss_abs: float | None = None
    close_rate: float | None = None
    close_timestamp: int | None = None
    close_profit_abs: float | None = None
    profit_abs: float | None = None
    enter_tag: str | None = None
    buy_tag: str | None = None
    exit_reason: str | None = None
    fee_open: float | None = None
    fee_close: float | None = None
    leverage: float | None = None
    orders: tuple[OrderWire, ...] = ()

    @property
    def tag(self) -> str:
        return self.enter_tag or self.buy_tag or ""

    @property
    def open_orders(self) -> tuple[OrderWire, ...]:
        return tuple(order for order in self.orders if order.is_open)


class LockWire(FreqtradeWire):
    id: int = 0
    active: bool = True
    pair: str
    side: str = "*"
    reason: str | None = None
    lock_end_timestamp: int = 0


class BalanceWire(FreqtradeWire):
    """GET balance. `total_bot`: what is this bot's, where the account is shared (API 2.26 on)."""

    total: float
    total_bot: float | None = None
    stake: str = ""
    note: str = ""


class ProfitWire(FreqtradeWire):
    """GET profit."""

    profit_closed_coin: float = 0.0
    profit_all_coin: float | None = None
    trade_count: int = 0
    closed_trade_count: int = 0


class DayWire(FreqtradeWire):
    """One day of GET daily: what trades closed on it have earned."""

    date: str
    abs_profit: float = 0.0
    starting_balance: float | None = None
    trade_count: int = 0


class CandlesWire(FreqtradeWire):
    """GET or POST pair_candles: `data` is rows of `columns`, oldest first; times in ms."""

    pair: str
    timeframe: str
    timeframe_ms: int
    columns: tuple[str, ...] = ()
    data: tuple[tuple[Any, ...], ...] = ()
    last_analyzed_ts: int = 0
    data_stop_ts: int = 0


def read(kind: type[Read], bot_id: str, said: Any) -> Read:
    """`said` as `kind`. Raises BotError naming the field that is wrong."""
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        name = kind.__name__.removesuffix("Wire").lower()
        raise BotError(f"{bot_id} does not tell its {name} as Freqtrade does: {complaint(error)}") from error


def read_all(kind: type[Read], bot_id: str, said: Any, field: str = "") -> tuple[Read, ...]:
    """A list of `kind`, or the list under `field` of an object."""
    rows = said.get(field) if field and isinstance(said, dict) else said
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise BotError(f"{bot_id} does not tell its {field or kind.__name__} as a list")
    return tuple(read(kind, bot_id, row) for row in rows)
