"""The desk's risk at a glance: who may trade, what is held against which limit, how far each account has fallen."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workbench.domain.desk import BotRow, Totals
from workbench.domain.halts import DESK, Standing
from workbench.domain.risk import Usage
from workbench.ledger.log import SqlLedger
from workbench.orchestration.breaches import Reckoning, reckon
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.event_words import LIMITS_CHANGED
from workbench.orchestration.glance import TOTAL, marked, rows_of
from workbench.orchestration.plain_text import plain
from workbench.quant.risk_measures import current_drawdown


@dataclass(frozen=True, slots=True)
class RiskView:
    """`drawdowns`: fall of equity from the highest of this run, a fraction ≥ 0, by bot and for 'desk'; missing where
    too little was recorded. `unread`: why the venues could not be read, '' where they were; else positions are the
    bots' own word. `tightened`: what limits of bots that ask first are multiplied with now, and why, by bot and for
    'desk'; missing: they are as written. `venues`: where each bot's account is."""

    as_of: datetime
    rows: tuple[BotRow, ...]
    totals: Totals
    standings: Mapping[str, Standing]
    reckoning: Reckoning
    drawdowns: Mapping[str, float]
    unread: str = ""
    tightened: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    venues: Mapping[str, str] = field(default_factory=dict)

    @property
    def gated(self) -> frozenset[str]:
        """Bots that ask before each order, and the desk where there is one: those whose limits tighten."""
        found = {row.bot_id for row in self.rows if row.status and row.status.gated}
        return frozenset(found | {DESK} if found else found)

    def usage(self, scope: str) -> Usage | None:
        """The gross limit of a bot or the desk, with what is used of it."""
        rules = ("bot gross", "gross")
        return next((u for u in self.reckoning.usage if u.scope == scope and u.rule in rules), None)

    def room(self, bot_id: str, symbol: str) -> list[tuple[str, float]]:
        """What is left of each limit that binds one more order, as (name, value); a limit that cannot be told has 0."""
        left = [(f"{name} gross", use.headroom if (use := self.usage(name)) else 0.0) for name in (bot_id, DESK)]
        by_symbol = next((u.headroom for u in self.reckoning.usage if (u.rule, u.scope) == ("symbol", symbol)), None)
        return left + ([(f"desk in {symbol}", by_symbol)] if by_symbol is not None else [])


async def look_at_risk(center: UnifiedCommandCenter) -> RiskView:
    """As of now. Raises LedgerError where the ledger cannot say who may trade."""
    (accounts, unread), standings = await asyncio.gather(center.emergency.accounts.read(), center.trading_states.read())
    rows = rows_of(center.registry, datetime.now(UTC))
    totals = center.portfolio_manager.totals(rows)
    falls = await drawdowns(center)
    found = reckon(rows, totals, accounts, center.settings.limits)
    changed = await asyncio.to_thread(tightenings, center.ledger) if center.settings.limits.tighten else {}
    at, homes = datetime.now(UTC), center.emergency.accounts.homes()
    return RiskView(at, marked(rows, standings), totals, standings, found, falls, unread, changed, homes)


async def drawdowns(center: UnifiedCommandCenter) -> dict[str, float]:
    """Fall of equity from the highest of this run, a fraction ≥ 0, by bot and for 'desk'; missing where too little was
    recorded."""
    curves = await center.equity_curves()
    return {
        DESK if name == TOTAL else name: current_drawdown([point.equity for point in curve])
        for name, curve in curves.items()
        if len(curve) > 1 and all(point.equity > 0 for point in curve)
    }


def tightenings(ledger: SqlLedger) -> dict[str, tuple[float, str]]:
    """The newest change of each scope's limits that any process wrote: factor and why. Missing: they are as written."""
    newest = {event.source: event.payload for event in ledger.last(500, kinds=[LIMITS_CHANGED])}
    told = {scope: facts for scope, facts in newest.items() if facts.get("factor") != 1.0}
    return {scope: (float(str(facts.get("factor"))), plain(facts.get("why", ""))) for scope, facts in told.items()}
