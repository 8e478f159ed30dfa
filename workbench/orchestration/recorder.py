"""What the desk writes down: each bot's status and equity, and what changed since the last look, as events."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from workbench.bots.protocol import plain as as_json
from workbench.domain.commands import Lease
from workbench.domain.desk import BotRow, MarketClock, Totals
from workbench.domain.events import NewEvent
from workbench.domain.portfolio import BotStatus, EquityPoint
from workbench.ledger.log import SqlLedger
from workbench.orchestration.changes import Changes
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.fan_out import Answered, FanOut, fan_out
from workbench.orchestration.glance import rows_of

log = structlog.get_logger(__name__)
TRADES_S = 3.0
TOTAL = "total"


class Recorder:
    """Looks at every bot, then writes. The lease holder calls `step` again and again; a slow bot costs it nothing.

    Equity is stamped with the venue's clock and kept by run, so that curves share their times and runs never join.
    """

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger):
        self._center, self._ledger = center, ledger
        self._changes = Changes()

    async def step(self, lease: Lease) -> None:
        """One look and one writing. Raises LeaseLost where `lease` is old: events carry it."""
        await self._center.look()
        registry, market = self._center.registry, self._center.registry.market
        rows = rows_of(registry, datetime.now(UTC))
        heard = [row for row in rows if row.status and row.health.live]
        totals = self._center.portfolio_manager.totals(rows)
        statuses = {row.bot_id: as_json(row.status) for row in heard}
        points = equity_points(heard, totals, market)
        run_id = market.run_id if market else ""
        events = self._changes.notice(rows, run_id) + await self._trades(heard, run_id)
        await asyncio.to_thread(self._write, lease, statuses, run_id, points, events)

    def _write(
        self,
        lease: Lease,
        statuses: dict[str, Any],
        run_id: str,
        points: dict[str, EquityPoint],
        events: Sequence[NewEvent],
    ) -> None:
        if events:
            self._ledger.append_fenced(lease, events)
        self._ledger.tables.record_statuses(statuses)
        if run_id:
            self._ledger.tables.record_equity(run_id, points)

    async def _trades(self, heard: Sequence[BotRow], run_id: str) -> list[NewEvent]:
        """Trades closed since the last look, asked only of bots whose count has risen."""
        able = set(self._center.registry.capability_map()["trades"])
        counts = {row.bot_id: row.status.trade_count for row in heard if row.status and row.bot_id in able}
        wanted = {bot_id: new for bot_id, count in counts.items() if (new := self._changes.new_trades(bot_id, count))}
        answers = await fan_out(
            {bot_id: self._ask_trades(bot_id, new) for bot_id, new in wanted.items()}, FanOut(TRADES_S)
        )
        events = []
        for bot_id, answer in answers.items():
            if isinstance(answer, Answered):
                events += self._changes.trades_closed(bot_id, counts[bot_id], answer.value, run_id)
            else:
                log.info("trades_not_told", bot=bot_id, reason=answer.words)
        return events

    def _ask_trades(self, bot_id: str, count: int):
        member = self._center.registry.get(bot_id)
        return lambda: member.ask("trades", limit=min(max(count, 1), 1000))


def equity_points(heard: Sequence[BotRow], totals: Totals, market: MarketClock | None) -> dict[str, EquityPoint]:
    """A point for each bot that told its equity now, and for the total where it is known; none without a clock."""
    if market is None:
        return {}
    at = market.market_time
    points = {row.bot_id: _point(at, row.status) for row in heard if row.status and row.status.equity}
    known = {bot_id: point for bot_id, point in points.items() if point}
    if totals.equity:
        known[TOTAL] = EquityPoint(at, totals.equity.amount, totals.equity.currency)
    return known


def _point(at: datetime, status: BotStatus) -> EquityPoint | None:
    return EquityPoint(at, status.equity.amount, status.equity.currency) if status.equity else None
