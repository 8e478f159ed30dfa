"""Stopping, as values: who may trade, what a halt has found out, what a venue shows. Times UTC.

A scope is one text: 'desk', '@tag', a bot's id, or a symbol ('BTC/USD'). No two of them can be confused, for a bot's id
holds neither '@' nor '/', and 'desk' cannot name a bot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.desk import DeskState

DESK = "desk"


@dataclass(frozen=True, slots=True)
class Standing:
    """The trading state of one scope, latched: it lasts until somebody takes it back. `halt_id`: the halt behind it."""

    scope: str
    state: DeskState
    reason: str
    set_by: str
    since: datetime
    halt_id: str = ""


class HaltStep(StrEnum):
    """How far a halt has come. It only goes forward, whoever drives it and however often it is taken up again."""

    LATCHED = "latched"  # recorded; nothing may grow from here on
    STOPPING = "stopping"  # bots are being told, and what they leave open is being closed
    WATCHING = "watching"  # every bot was confirmed or named; now nothing may re-open
    DONE = "done"  # the watch is over; the latch stays
    RELEASED = "released"  # a person took it back

    @property
    def rank(self) -> int:
        return list(HaltStep).index(self)

    @property
    def open(self) -> bool:
        """Somebody still has to work on it."""
        return self in (HaltStep.LATCHED, HaltStep.STOPPING, HaltStep.WATCHING)


@dataclass(frozen=True, slots=True)
class Halt:
    """One emergency stop. `scopes`: what was asked to stop. `round`: how often bots have been told, which names the
    effect at each bot. `durable`: the ledger has it; False: it lives in this process only, and its end ends it."""

    halt_id: str
    scopes: tuple[str, ...]
    reason: str
    issued_by: str
    issued_at: datetime
    step: HaltStep = HaltStep.LATCHED
    round: int = 0
    watch_until: datetime | None = None
    durable: bool = True

    def effect_id(self, bot_id: str) -> str:
        """The id under which this round's stop reaches a bot: sent again after a crash, it acts once."""
        return f"{self.halt_id}.{self.round}:{bot_id}"


class Outcome(StrEnum):
    """What is known of one bot in a halt."""

    CONFIRMED = "confirmed"  # it answered, it says it is halted, and its venue shows nothing open, twice
    LEFT_OPEN = "left open"  # its venue shows a position or an order
    LIES = "lies"  # it says that it has stopped, and its venue shows otherwise
    RUNNING = "running"  # nothing is open, but it goes on
    SILENT = "silent"  # it did not answer; nothing is open at its venue
    FAILED = "failed"  # it answered with an error; nothing is open at its venue
    UNSEEN = "unseen"  # its word only: no venue can be read for it
    REOPENED = "reopened"  # it was confirmed, and then something was open again


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one bot. `left`: open at its venue, by name. Not CONFIRMED: named, with its reason."""

    bot_id: str
    outcome: Outcome
    reason: str = ""
    left: tuple[str, ...] = ()
    round: int = 0
    at: datetime | None = None

    @property
    def confirmed(self) -> bool:
        return self.outcome is Outcome.CONFIRMED


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account as its venue shows it. `positions`: amount held by symbol (base currency, dust left out);
    `open_orders`: by name; `trades`: how many the venue has counted, None where it does not count."""

    account: str
    positions: Mapping[str, float] = field(default_factory=dict)
    open_orders: tuple[str, ...] = ()
    trades: int | None = None

    @property
    def left(self) -> tuple[str, ...]:
        """What is open, in words: '0.5 BTC/USD', 'order 17 buy 0.5 BTC/USD'."""
        return (*(f"{amount:,.8g} {symbol}" for symbol, amount in sorted(self.positions.items())), *self.open_orders)

    @property
    def flat(self) -> bool:
        return not self.positions and not self.open_orders
