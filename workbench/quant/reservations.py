"""Approved orders and what the venue says of them. An order counts until the venue says that it is over.

The venue tells cumulative fills ("0.3 filled so far"), so hearing something twice, late or out of order changes
nothing. A snapshot of the venue says how much of each order it already contains; fills known to be newer are added.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.risk import Approved, Denied, Intent, Reduced, RiskVerdict
from workbench.quant.tally import Cell

_REMEMBERED = 4096  # finished orders and their answers kept, for late fills and repeated questions


@dataclass(frozen=True, slots=True)
class Reservation:
    """An approved order. amount, filled : base currency. done : the venue has said that no more will fill."""

    intent: Intent
    verdict: Approved | Reduced
    filled: float = 0.0
    done: bool = False

    @property
    def left(self) -> float:
        return 0.0 if self.done else max(0.0, self.verdict.amount - self.filled)

    def signed(self, amount: float) -> float:
        return amount if self.intent.side is Side.BUY else -amount


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The venue's word on one bot in one symbol. filled : what `amount` contains of each of our orders, by intent id
    (all it knows of, open or not). buys, sells : open orders that are not ours, base currency left."""

    amount: float
    filled: Mapping[str, float] = field(default_factory=dict)
    buys: float = 0.0
    sells: float = 0.0


class Settled(NamedTuple):
    """What changed: `held` and `open` are to be added to the cell, base currency."""

    order: Reservation
    held: float
    open: float


class Reservations:
    """The orders by intent id."""

    def __init__(self) -> None:
        self.open: dict[str, Reservation] = {}
        self._done: OrderedDict[str, Reservation] = OrderedDict()

    def answered(self, intent: Intent) -> RiskVerdict | None:
        """The answer given earlier to this very intent; a denial for another one under its id; None if never asked."""
        order = self.open.get(intent.intent_id) or self._done.get(intent.intent_id)
        if order is None:
            return None
        reused = Denied(intent.intent_id, "known", f"the id {intent.intent_id} was used for another intent")
        return order.verdict if order.intent == intent else reused

    def add(self, intent: Intent, verdict: Approved | Reduced) -> None:
        self.open[intent.intent_id] = Reservation(intent, verdict)

    def settle(self, intent_id: str, filled: float, done: bool) -> Settled:
        """The venue's word: `filled` so far, and whether the order is over. Raises ValueRefused for an order unknown
        here or a fill that is no number ≥ 0; the cure of both is a snapshot."""
        old = self.open.get(intent_id) or self._done.get(intent_id)
        if old is None or not 0 <= filled < 1e300:
            raise ValueRefused(f"order {intent_id}: {filled} filled cannot be booked; take a snapshot of the venue")
        new = replace(old, filled=max(old.filled, filled), done=old.done or done)
        self._keep(intent_id, new)
        return Settled(new, new.signed(new.filled - old.filled), new.left - old.left)

    def merged(self, bot_id: str, symbol: str, seen: Snapshot) -> Cell:
        """The cell that a snapshot and what is known beyond it make. Orders the venue does not know yet still count."""
        amount, buys, sells = seen.amount, seen.buys, seen.sells
        for intent_id, told in seen.filled.items():
            order = self.open.get(intent_id) or self._done.get(intent_id)
            if order is None:
                continue
            if told > order.filled:
                order = replace(order, filled=told)
                self._keep(intent_id, order)
            amount += order.signed(order.filled - told)
        for order in self.open.values():
            if (order.intent.bot_id, order.intent.symbol) == (bot_id, symbol):
                if order.intent.side is Side.BUY:
                    buys += order.left
                else:
                    sells += order.left
        return Cell(amount, buys, sells)

    def _keep(self, intent_id: str, order: Reservation) -> None:
        if not order.done:
            self.open[intent_id] = order
            return
        self.open.pop(intent_id, None)
        self._done[intent_id] = order
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
