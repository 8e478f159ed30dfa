"""The pre-trade gate as a service for bots that ask: limits in memory, room across processes in the ledger.

It fails closed, and two answers must both be yes. The gate of this process knows prices, positions and the joint risk;
the ledger's caps hold whatever other processes approve at the same moment. A halt, in the ledger or in this process
only, denies everything.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from workbench.domain.desk import DeskState
from workbench.domain.errors import LedgerError
from workbench.domain.halts import DESK, Standing
from workbench.domain.risk import Denied, Intent, RiskVerdict
from workbench.ledger.log import SqlLedger
from workbench.orchestration.plain_text import plain
from workbench.orchestration.trading_states import TradingStates, binding, scopes_over
from workbench.quant.gate import Gate
from workbench.quant.tally import FLAT, growth

Tags = Callable[[str], frozenset[str]]
REMEMBERED = 4096


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PreTrade:
    """`gate` is fed by its owner (quotes, snapshots, limits). `tags` tells a bot's tags, for halts of '@tag'."""

    def __init__(
        self,
        gate: Gate,
        ledger: SqlLedger,
        states: TradingStates | None = None,
        tags: Tags = lambda bot_id: frozenset(),
        now: Callable[[], datetime] = _utc_now,
    ):
        self.gate, self._ledger, self._tags, self._now = gate, ledger, tags, now
        self._states = states or TradingStates(ledger)
        self._denied: dict[str, Denied] = {}
        self._turn = (
            asyncio.Lock()
        )  # the gate is not for several tasks: states, verdict and reservation belong together

    async def share_caps(self) -> None:
        """Put the limits that all processes share into the ledger: gross of the desk, of each bot and of each symbol.
        (Net is never above gross, nor is a cluster or a venue.) Raises LedgerError."""
        desk, limits = self.gate.desk, self.gate.limits
        caps = {DESK: desk.gross_value} | {bot_id: limits[bot_id].gross_value for bot_id in limits}
        caps |= dict.fromkeys(self.gate.tally.lines, desk.symbol_value)
        await asyncio.to_thread(self._ledger.exposure.set_caps, caps)

    async def ask(self, intent: Intent) -> RiskVerdict:
        """The verdict, with what it allows reserved here and in the ledger. Never raises: no answer is a denial."""
        if intent.intent_id in self._denied:
            return self._denied[intent.intent_id]
        try:
            async with self._turn:
                return await self._ask(intent)
        except LedgerError as error:
            return Denied(intent.intent_id, "known", f"the ledger cannot say what is allowed: {plain(error)}")

    async def settle(self, intent_id: str, filled: float = 0.0, done: bool = False) -> None:
        """The venue's word on an order, as `Gate.settle`. Raises ValueRefused for an unknown one, LedgerError."""
        async with self._turn:
            self.gate.settle(intent_id, filled, done)
            if not done:
                return
            held = self.held()
            await asyncio.to_thread(self._ledger.exposure.give_back, intent_id)
            await asyncio.to_thread(self._ledger.exposure.reconcile, held)

    async def _ask(self, intent: Intent) -> RiskVerdict:
        standings = await self._states.read()
        self.gate.states = self._bound(intent, standings)
        cell = self.gate.tally.cells.get((intent.bot_id, intent.symbol), FLAT)
        verdict = self.gate.ask(intent, self._now())
        if isinstance(verdict, Denied):
            return verdict
        unit = self.gate.tally.lines[intent.symbol].unit
        added = growth(cell, intent.side, verdict.amount)[0] * unit
        refusal = await self._reserve(intent, added)
        if not refusal:
            return verdict
        self.gate.settle(intent.intent_id, 0.0, done=True)
        denied = Denied(intent.intent_id, "reserved", refusal)
        self._remember(denied)
        return denied

    async def _reserve(self, intent: Intent, added: float) -> str:
        """'' where there is room for it in every process's eyes, else why not."""
        if added <= 0:  # it can only reduce
            return ""
        values = {DESK: added, intent.bot_id: added, intent.symbol: added}
        try:
            full = await asyncio.to_thread(self._ledger.exposure.reserve, intent.intent_id, values)
        except LedgerError as error:
            return f"the room for it could not be reserved: {plain(error)}"
        return f"no room is left under the limit of {full}, orders of other processes included" if full else ""

    def _bound(self, intent: Intent, standings: Mapping[str, Standing]) -> dict[str, DeskState]:
        states = {scope: standing.state for scope, standing in standings.items() if not scope.startswith("@")}
        worst = binding(standings, scopes_over(intent.bot_id, self._tags(intent.bot_id)))
        return states | ({intent.bot_id: worst.state} if worst else {})

    def held(self) -> dict[str, float]:
        """What is held and no longer ordered, by scope: what the ledger counts beside the open reservations. A scope
        in which nothing is held any more is told as 0."""
        held = dict.fromkeys([DESK, *self.gate.limits, *self.gate.tally.lines], 0.0)
        for (bot_id, symbol), cell in self.gate.tally.cells.items():
            value = abs(cell.amount) * self.gate.tally.lines[symbol].unit
            for scope in (DESK, bot_id, symbol):
                held[scope] = held.get(scope, 0.0) + value
        return held

    def _remember(self, denied: Denied) -> None:
        self._denied[denied.intent_id] = denied
        if len(self._denied) > REMEMBERED:
            self._denied.pop(next(iter(self._denied)))
