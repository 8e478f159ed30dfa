"""The desk at a glance: gathers what every surface shows into one `DashboardData`."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from workbench.domain.desk import BotRow, DashboardData, DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import DESK, Standing
from workbench.domain.portfolio import BotState, EquityPoint
from workbench.ledger.log import SqlLedger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.curves import Curves
from workbench.orchestration.event_words import SHOWN
from workbench.orchestration.portfolio_manager import PortfolioManager
from workbench.orchestration.trading_states import SEVERITY, TradingStates, binding, scopes_over

log = structlog.get_logger(__name__)
EVENTS = 50
TOTAL = "total"


def rows_of(registry: BotRegistry, now: datetime) -> tuple[BotRow, ...]:
    """One row a bot, by name, as last heard."""
    return tuple(
        BotRow(
            member.bot_id,
            registry.health(member.bot_id, now),
            member.pulse.status,
            tuple(sorted(member.tags)),
            tuple(sorted(member.capabilities)),
        )
        for member in sorted(registry.members.values(), key=lambda member: member.bot_id)
    )


def accounts(registry: BotRegistry) -> list[str]:
    """The bots that hold money: those that report a status."""
    return list(registry.capability_map()["status"])


def desk_state(rows: tuple[BotRow, ...]) -> DeskState:
    """HALTED where every bot heard of is halted; a bot not heard of cannot make the desk look stopped."""
    states = [row.status.state if row.status and row.health.live else None for row in rows]
    return DeskState.HALTED if states and all(state == BotState.HALTED for state in states) else DeskState.ACTIVE


def marked(rows: tuple[BotRow, ...], standings: Mapping[str, Standing]) -> tuple[BotRow, ...]:
    """Rows that say what each bot may do, and why."""
    bound = [(row, binding(standings, scopes_over(row.bot_id, row.tags))) for row in rows]
    return tuple(replace(row, trading=s.state, trading_reason=s.reason) if s else row for row, s in bound)


def shown_state(rows: tuple[BotRow, ...], standings: Mapping[str, Standing]) -> DeskState:
    """The desk's latched state, or HALTED where every bot heard of is halted anyway."""
    latched = standings[DESK].state if DESK in standings else DeskState.ACTIVE
    return max(latched, desk_state(rows), key=SEVERITY.__getitem__)


class Glance:
    """Reads what the desk has recorded and joins it with what this process has heard."""

    def __init__(
        self, registry: BotRegistry, ledger: SqlLedger, portfolio: PortfolioManager, states: TradingStates | None = None
    ):
        self._registry, self._ledger, self._portfolio = registry, ledger, portfolio
        self._states = states or TradingStates(ledger)
        self._curves, self._reading = Curves(ledger.tables), asyncio.Lock()

    async def take(self, now: datetime) -> DashboardData:
        """Everything as of `now`. A ledger that fails leaves its parts empty; what the bots said is still shown."""
        rows = rows_of(self._registry, now)
        try:
            lease = await asyncio.to_thread(self._ledger.holder, "desk")
            events = await asyncio.to_thread(self._ledger.last, EVENTS, SHOWN)
            curves = await self.curves()
            standings = await self._states.read()
        except LedgerError as error:
            log.warning("ledger_fails", error=str(error))
            lease, events, curves, standings = None, [], {}, {}
        return DashboardData(
            as_of=now,
            state=shown_state(rows, standings),
            desk=lease,
            market=self._registry.market,
            total=self._portfolio.totals(rows),
            bots=marked(rows, standings),
            equity=curves,
            events=tuple(sorted(events, key=lambda event: event.seq, reverse=True)),
        )

    async def curves(self) -> dict[str, tuple[EquityPoint, ...]]:
        """Recorded equity of the current run by bot, and in total; nothing where the run is not known."""
        market = self._registry.market
        if market is None:
            return {}
        names = [*accounts(self._registry), TOTAL]
        async with self._reading:  # two viewers at once share what is kept
            return await asyncio.to_thread(self._curves.read, market.run_id, names)
