"""The trades that the desk wrote down: read once, then only what is newer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from workbench.domain.events import Event
from workbench.domain.portfolio import Trade
from workbench.ledger.log import SqlLedger
from workbench.ledger.trade_entries import TRADE_CLOSED, TRADE_OPENED

log = structlog.get_logger(__name__)
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class LoggedTrade:
    """`run_id`: the replay or paper session it was made in."""

    bot_id: str
    run_id: str
    trade: Trade


class TradeLog:
    """`read` catches up; `of` and `targets` answer from memory. One thread at a time."""

    def __init__(self, ledger: SqlLedger):
        self.newest_run = ""
        self._ledger, self._after = ledger, 0
        self._known: dict[tuple[str, str], list[LoggedTrade]] = {}
        self._aims: dict[tuple[str, str, datetime], tuple[float, ...]] = {}

    def read(self) -> int:
        """Take in what was written since the last call; returns how many. Blocking; raises LedgerError."""
        count = 0
        while batch := self._ledger.read(self._after, _BATCH, (TRADE_OPENED, TRADE_CLOSED)):
            self._after = batch[-1].seq
            for event in batch:
                try:
                    self._take(event)
                    count += 1
                except (KeyError, TypeError, ValueError) as error:  # of another program's making: the others stay good
                    log.warning("trade_not_readable", event_id=event.event_id, error=f"{type(error).__name__}: {error}")
        return count

    def of(self, symbol: str, run_id: str) -> list[LoggedTrade]:
        """The trades of one market in one run, in the order in which they were closed."""
        return sorted(self._known.get((run_id, symbol), ()), key=lambda one: (one.trade.closed_at, one.bot_id))

    def targets(self, bot_id: str, symbol: str, opened_at: datetime) -> tuple[float, ...]:
        """What a bot aimed at when it opened a trade, which it may have forgotten since; empty where nobody knows."""
        return self._aims.get((bot_id, symbol, opened_at), ())

    def _take(self, event: Event) -> None:
        said = event.payload
        self.newest_run = str(said.get("run_id", ""))
        if event.kind == TRADE_OPENED:
            key = str(said["bot_id"]), str(said["symbol"]), datetime.fromisoformat(str(said["opened_at"]))
            self._aims[key] = tuple(float(price) for price in said.get("targets", ()))
            return
        logged = _logged(said)
        self._aims.pop((logged.bot_id, logged.trade.symbol, logged.trade.opened_at), None)
        self._known.setdefault((logged.run_id, logged.trade.symbol), []).append(logged)


def _logged(said: Mapping[str, Any]) -> LoggedTrade:
    opened, closed = (datetime.fromisoformat(str(said[name])) for name in ("opened_at", "closed_at"))
    amount, entry, left, pnl, fees = (
        float(said[name]) for name in ("amount", "entry_price", "exit_price", "pnl", "fees")
    )
    trade = Trade(str(said["symbol"]), amount, entry, left, opened, closed, pnl, fees, str(said.get("reason", "")))
    return LoggedTrade(str(said["bot_id"]), str(said.get("run_id", "")), trade)
