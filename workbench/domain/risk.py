"""Risk in words and frozen values: what a bot asks for, what it may do, and the answer with its reason.

What the gate reads (`Intent`, `Quote`, `BotLimits`, `DeskLimits`) takes whatever it is given: a NaN that arrives from a
bot must become a `Denied` that names it, and a constructor could only raise. "Value" is money in the one reporting
currency of the desk, "amount" is base currency, "price" is quote currency; times are UTC.
"""

import math
from dataclasses import dataclass, field, fields
from datetime import datetime

from workbench.domain.desk import DeskState
from workbench.domain.orders import Side


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a market, and what one unit of its quote currency is worth in the reporting currency (`rate`)."""

    symbol: str
    price: float
    rate: float
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """One bot in one market at one venue: `amount` held (negative: short), and what its open orders still may `buy`
    and `sell` (both ≥ 0)."""

    bot_id: str
    symbol: str
    venue: str
    amount: float
    buys: float = 0.0
    sells: float = 0.0


@dataclass(frozen=True, slots=True)
class Intent:
    """An order a gated bot would like to send.

    price : the limit, or for a market order the price the bot saw when it decided; never missing, for the collar
    compares it with the desk's own. may_shrink : a smaller order is better for the bot than none.
    """

    intent_id: str
    bot_id: str
    symbol: str
    side: Side
    amount: float
    price: float
    decided_at: datetime
    may_shrink: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Approved:
    """Send it as asked. `value`: what it is worth."""

    intent_id: str
    amount: float
    value: float

    def __init__(self, intent_id: str, amount: float, value: float) -> None:
        # made for nearly every order, and the generated constructor of a frozen value takes longer than ten checks
        _put_id(self, intent_id)
        _put_amount(self, amount)
        _put_value(self, value)


_put_id, _put_amount, _put_value = (getattr(Approved, each.name).__set__ for each in fields(Approved))


@dataclass(frozen=True, slots=True)
class Reduced:
    """Send no more than `amount`; `rule` is the limit that bound it."""

    intent_id: str
    amount: float
    value: float
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not send it. `rule` names the check, `reason` says why in words."""

    intent_id: str
    rule: str
    reason: str


RiskVerdict = Approved | Reduced | Denied


@dataclass(frozen=True, slots=True)
class BotLimits:
    """What one bot may do. Every number is needed and finite: a limit that is missing denies, it does not allow.

    collar : greatest distance of an order's price from the desk's, as a fraction. orders, repeats : greatest number
    within the window; repeats count growing orders of one symbol and side, and reaching them takes a named person to
    undo. decision_age_s : how old the bot's decision may be.
    """

    order_value: float
    position_value: float
    gross_value: float
    collar: float
    orders: int
    orders_window_s: float
    repeats: int
    repeats_window_s: float
    decision_age_s: float
    fault: str = field(init=False, repr=False, compare=False)  # the first number that is none, '' where all are

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", _fault(self))


@dataclass(frozen=True, slots=True)
class DeskLimits:
    """What all bots together may hold. Distinct from every bot's own limits, and as complete.

    net_value : caps the long side and the short side, each; whichever side leaves first, the net stays below it.
    correlated_value : caps √(n'|R|n). cvar_value : caps the mean loss of the worst scenarios. The ages say how old the
    price, the desk's knowledge of the positions and the risk model may be.
    """

    symbol_value: float
    cluster_value: float
    venue_value: float
    gross_value: float
    net_value: float
    correlated_value: float
    cvar_value: float
    quote_age_s: float
    book_age_s: float
    model_age_s: float
    fault: str = field(init=False, repr=False, compare=False)  # the first number that is none, '' where all are

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", _fault(self))


def _fault(limits: BotLimits | DeskLimits) -> str:
    """Which limit is missing or no finite number, in words; the gate asks often, so it is found out once."""
    for each in fields(limits):
        value = getattr(limits, each.name, None) if each.init else 0
        if not (isinstance(value, float | int) and -math.inf < value < math.inf):
            return f"the limit {each.name} is {value!r}"
    return ""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """One number or state that was changed, and why. `scope`: 'desk', or the bot's id."""

    scope: str
    field: str
    before: float | DeskState
    after: float | DeskState
    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is used. `scope`: the desk, bot, symbol, cluster or venue it limits."""

    rule: str
    scope: str
    used: float
    cap: float

    @property
    def headroom(self) -> float:
        return max(0.0, self.cap - self.used)
