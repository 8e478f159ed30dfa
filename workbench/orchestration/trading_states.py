"""Who may trade now: the latched states of the ledger, and of halts that only this process knows. Fails closed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from workbench.domain.desk import DeskState
from workbench.domain.halts import DESK, Standing
from workbench.ledger.log import SqlLedger

SEVERITY: Mapping[DeskState, int] = {state: rank for rank, state in enumerate(DeskState)}
Scopes = Callable[[], Iterable[str]]


def scopes_over(bot_id: str, tags: Iterable[str] = (), symbol: str = "") -> tuple[str, ...]:
    """Every scope whose state binds this bot (in this symbol): its own, its tags', the desk's."""
    return (DESK, bot_id, *(f"@{tag}" for tag in sorted(tags)), *([symbol] if symbol else []))


def binding(standings: Mapping[str, Standing], scopes: Iterable[str]) -> Standing | None:
    """The most severe state among `scopes`; None where all are ACTIVE. Pure."""
    found = [standings[scope] for scope in scopes if scope in standings]
    return max(found, key=lambda standing: SEVERITY[standing.state], default=None)


class TradingStates:
    """`undurable` names the scopes that this process has halted and the ledger could not record."""

    def __init__(self, ledger: SqlLedger, undurable: Scopes = tuple):
        self._ledger, self._undurable = ledger, undurable

    async def read(self) -> dict[str, Standing]:
        """Every scope that is not ACTIVE. Raises LedgerError where nobody can say: then nothing may grow."""
        known = await asyncio.to_thread(self._ledger.states.all)
        return known | {scope: _memory(scope) for scope in self._undurable()}


def _memory(scope: str) -> Standing:
    words = "halted in this process; the ledger could not record it"
    return Standing(scope, DeskState.HALTED, words, "emergency stop", datetime.now(UTC))


def words_of(standing: Standing) -> str:
    """'desk is halted by ada: typed /halt; release it first: /release desk'."""
    end = f"; release it first: /release {standing.scope}" if standing.state is DeskState.HALTED else ""
    by = f" by {standing.set_by}" if standing.set_by else ""
    return f"{standing.scope} is {standing.state.value}{by}: {standing.reason}{end}"
