"""The desk's eye on bots that do not ask: reconciled every few seconds, reduced on a breach, halted on a trigger."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from workbench.domain.desk import BotRow, DeskState
from workbench.domain.errors import WorkbenchError
from workbench.domain.halts import DESK, Standing
from workbench.domain.portfolio import BotState
from workbench.ledger.log import SqlLedger
from workbench.orchestration.breaches import Reckoning, reckon
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.glance import TOTAL, marked, rows_of
from workbench.orchestration.member import Member
from workbench.orchestration.plain_text import reason
from workbench.orchestration.questions import Asking
from workbench.orchestration.triggers import Sight, Triggers, Trip

log = structlog.get_logger(__name__)
BY = "supervisor"
LOOKS = 2  # a breach is acted on when two looks in a row show it: between two orders a figure may be a moment old


class Supervisor:
    """The holder of the desk's lease calls `step` again and again. What it does is in the ledger, so the next holder
    goes on from there."""

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger):
        self._center, self._ledger = center, ledger
        self._triggers: Triggers | None = None
        self._seen: dict[str, int] = {}
        self._seen_running: dict[str, int] = {}
        self._acting: set[asyncio.Task] = set()
        self._busy: set[str] = set()
        self.reckoning = Reckoning((), {}, {})

    async def step(self) -> None:
        """One look and what follows from it. Raises LedgerError."""
        center = self._center
        await center.look(1.0)
        rows = rows_of(center.registry, datetime.now(UTC))
        totals = center.portfolio_manager.totals(rows)
        accounts, unread = await center.emergency.accounts.read()
        run_id = center.registry.market.run_id if center.registry.market else ""
        triggers = self._triggers = self._triggers or await self._remembered(run_id, [row.bot_id for row in rows])
        watched = unread if center.emergency.accounts.known else ""
        standings = await center.trading_states.read()
        sight = Sight(datetime.now(UTC), rows, totals, accounts, watched, run_id)
        for trip in triggers.feed(sight):
            self._halt(trip, standings)
        self._keep_halted(rows, standings)
        self._keep_out_of(standings)
        self.reckoning = reckon(rows, totals, accounts, center.settings.limits)
        await self._reduce(standings)

    async def stop(self) -> None:
        for task in list(self._acting):
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)

    async def _remembered(self, run_id: str, bots: Sequence[str]) -> Triggers:
        """Peaks of this run as recorded: a desk that starts again must not forget how high the equity was."""
        peaks: dict[str, float] = {}
        for name in [*bots, TOTAL] if run_id else []:
            points = await asyncio.to_thread(self._ledger.tables.equity, run_id, name)
            if points:
                peaks[DESK if name == TOTAL else name] = max(point.equity for point in points)
        return Triggers(self._center.settings.triggers, run_id, peaks)

    def _halt(self, trip: Trip, standings: dict[str, Standing]) -> None:
        held = {scope for scope, standing in standings.items() if standing.state is DeskState.HALTED}
        if trip.scope in held or DESK in held or trip.scope in self._busy:
            return
        target = "all" if trip.scope == DESK else trip.scope
        log.error("trigger_tripped", scope=trip.scope, rule=trip.rule, reason=trip.reason)
        self._do(trip.scope, self._center.emergency.halt(target, trip.reason, f"trigger: {trip.rule}"))

    def _keep_halted(self, rows: Sequence[BotRow], standings: dict[str, Standing]) -> None:
        """A latch outlives its halt's watch: a bot that runs under it (restarted, or come since) is halted anew."""
        for row in marked(tuple(rows), standings):
            runs = row.health.live and row.status and (row.status.state is BotState.RUNNING or row.status.positions)
            if row.trading is not DeskState.HALTED or not runs or "halt" not in row.capabilities:
                continue
            self._seen_running[row.bot_id] = self._seen_running.get(row.bot_id, 0) + 1
            if self._seen_running[row.bot_id] >= LOOKS and row.bot_id not in self._busy:
                self._seen_running.pop(row.bot_id)
                why = f"{row.bot_id} runs although it is halted: {row.trading_reason}"
                self._do(row.bot_id, self._center.emergency.halt(row.bot_id, why, BY))

    def _keep_out_of(self, standings: dict[str, Standing]) -> None:
        """A symbol that a person holds back: supervised bots that have it, and still may buy, are paused."""
        for scope, standing in standings.items():
            if "/" in scope and standing.set_by != BY:
                self._pause(scope, running_only=True)

    async def _reduce(self, standings: dict[str, Standing]) -> None:
        breaches = self.reckoning.breaches
        self._seen = {scope: self._seen.get(scope, 0) + 1 for scope in breaches}
        for scope, words in breaches.items():
            if self._seen[scope] >= LOOKS and scope not in standings:
                await asyncio.to_thread(self._ledger.states.tighten, scope, DeskState.REDUCING, words, BY)
                self._pause(scope)
        ours = {scope for scope, standing in standings.items() if standing.set_by == BY}
        for scope in ours - breaches.keys():
            await asyncio.to_thread(self._ledger.states.ease, scope, BY)

    def _pause(self, scope: str, running_only: bool = False) -> None:
        """Supervised bots cannot be refused an order; they are told to open nothing more. Gated ones are refused."""
        members = self._center.registry.members.values()
        bound = [m for m in members if scope in (DESK, m.bot_id) or scope in _holds(m)]
        wanted = [m.bot_id for m in bound if "pause" in m.capabilities and not m.gated]
        if running_only:
            wanted = [bot_id for bot_id in wanted if _runs(self._center.registry.members[bot_id])]
        if wanted and scope not in self._busy:
            how = Asking(self._center.settings.deadline_s)
            self._do(scope, self._center.execute_cross_bot_command("pause", {}, wanted, how=how))

    def _do(self, scope: str, work: Coroutine[Any, Any, object]) -> None:
        self._busy.add(scope)
        task = asyncio.create_task(work)
        self._acting.add(task)
        task.add_done_callback(lambda done: self._done(scope, done))

    def _done(self, scope: str, task: asyncio.Task) -> None:
        self._acting.discard(task)
        self._busy.discard(scope)
        if not task.cancelled() and (error := task.exception()):
            log.error("supervisor_could_not_act", scope=scope, error=reason(error))


def _runs(member: Member) -> bool:
    status = member.pulse.status
    return status is not None and status.state is BotState.RUNNING


def _holds(member: Member) -> set[str]:
    status = member.pulse.status
    return {position.symbol for position in status.positions} if status else set()


async def supervise(supervisor: Supervisor, every_s: float, held: Callable[[], bool]) -> None:
    """Step until `held()` no longer says that we act."""
    loop = asyncio.get_running_loop()
    try:
        while held():
            began = loop.time()
            try:
                await supervisor.step()
            except WorkbenchError as error:
                log.warning("supervisor_cannot_look", error=str(error))
            except Exception:  # the supervisor's own supervisor: a fault of one look must not end all looks
                log.exception("supervisor_failed")
            await asyncio.sleep(max(every_s - (loop.time() - began), 0.05))
    finally:
        await supervisor.stop()
