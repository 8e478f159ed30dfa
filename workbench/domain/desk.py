"""The desk at a glance: what every surface (page, terminal, Telegram, report) shows. Times UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.commands import Lease
from workbench.domain.events import Event
from workbench.domain.portfolio import BotStatus, EquityPoint, Money, MoneyMode


class DeskState(StrEnum):
    """Trading state of the desk, a bot or a symbol: ACTIVE trades, REDUCING only closes, HALTED does nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Health:
    """Three separate things. live: the bot's loop answers; ready: it can act; fresh: its newest data is young enough.

    `reason` says in words what is wrong, empty where nothing is. `data_age_s` counts wall-clock seconds.
    """

    live: bool
    ready: bool
    fresh: bool
    data_age_s: float | None = None
    latency_ms: float | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.live and self.ready and self.fresh

    @property
    def word(self) -> str:
        """'healthy', or the first thing that is not: 'down', 'not ready', 'stale'."""
        if not self.live:
            return "down"
        return "not ready" if not self.ready else "healthy" if self.fresh else "stale"


@dataclass(frozen=True, slots=True)
class MarketClock:
    """The venue's clock. `speed`: market seconds a wall second (1 for a live market); `run_id` names one replay or
    paper session: equity of different runs is never joined. `stale`: of which markets nothing was heard lately, in
    words, empty where all is well; `data_age_s`: wall seconds since anything was (None where data cannot age)."""

    mode: MoneyMode
    market_time: datetime
    speed: float
    paused: bool
    run_id: str
    source: str
    timeframe: str
    symbols: tuple[str, ...] = ()
    ended: bool = False
    data_age_s: float | None = None
    stale: str = ""


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot on the dashboard. `status` is the last one heard, None where none ever was; its age is in `health`."""

    bot_id: str
    health: Health
    status: BotStatus | None
    tags: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    trading: DeskState = DeskState.ACTIVE  # what it may do: the most severe of its own state, its tags' and the desk's
    trading_reason: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over bots in one currency, or None with the reason: a bot unknown, or currencies that do not convert."""

    equity: Money | None
    pnl: Money | None
    day_pnl: Money | None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class DashboardData:
    """Everything the first page shows. `equity` maps bot id, and 'total', to rising points of the current run."""

    as_of: datetime
    state: DeskState
    desk: Lease | None  # who executes commands; None: nobody does now
    market: MarketClock | None  # None: the venue does not answer
    total: Totals
    bots: tuple[BotRow, ...]
    equity: Mapping[str, tuple[EquityPoint, ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
