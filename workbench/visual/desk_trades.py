"""The trades of a market's bots as the desk knows them: finished ones from its log, open ones from what bots say.

    trades = await DeskTrades(desk.ledger, desk.center).look("BTC/USD")
    Panel(..., trades=(*trades.finished, *trades.open), marks=trades.marks)     # the same in a picture

Live charts, pictures and notebooks take them from here.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from workbench.bots.protocol import status_from
from workbench.domain.errors import WorkbenchError
from workbench.domain.portfolio import BotStatus, Position
from workbench.ledger.log import SqlLedger
from workbench.ledger.trade_log import LoggedTrade, TradeLog
from workbench.visual.chart_spec import MarketTrades, TradeMark

log = structlog.get_logger(__name__)
FORGOTTEN = timedelta(minutes=10)
"""A bot that was not heard of for so long is no longer said to hold anything."""
_CLOCK_S = 5.0


class DeskTrades:
    """center : whose clock says which run is on; without one it is the newest that the log has trades of.

    Trades of other runs are left out: they share their market times with this one's.
    """

    def __init__(self, ledger: SqlLedger, center: Any | None = None):
        self._ledger, self._center = ledger, center
        self._log = TradeLog(ledger)
        self._turn = asyncio.Lock()
        self._run_id: str | None = None
        self._asked_s = float("-inf")

    async def look(self, symbol: str) -> MarketTrades:
        """Of one market, now. Raises LedgerError."""
        async with self._turn:
            await self._ask_run()
            return await asyncio.to_thread(self._read, symbol, datetime.now(UTC))

    async def _ask_run(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._center is None or now - self._asked_s < _CLOCK_S:
            return
        self._asked_s = now
        clock = await self._center.read_clock()
        self._run_id = clock.run_id if clock else self._run_id

    def _read(self, symbol: str, now: datetime) -> MarketTrades:
        self._log.read()
        run_id = self._log.newest_run if self._run_id is None else self._run_id
        finished = tuple(_finished(one) for one in self._log.of(symbol, run_id))
        return MarketTrades(finished, tuple(self._open(symbol, now)))

    def _open(self, symbol: str, now: datetime) -> list[TradeMark]:
        found = []
        for bot_id, payload in self._ledger.tables.statuses().items():
            try:
                status = status_from(payload)
            except WorkbenchError as error:
                log.warning("status_not_readable", bot=bot_id, error=str(error))
                continue
            if now - status.as_of < FORGOTTEN:
                held = [position for position in status.positions if position.symbol == symbol]
                found += [self._held(bot_id, status, position) for position in held]
        return sorted(found, key=lambda mark: (mark.entered_at, mark.by))

    def _held(self, bot_id: str, status: BotStatus, held: Position) -> TradeMark:
        return TradeMark(
            held.opened_at,
            held.entry_price,
            by=bot_id,
            amount=held.amount,
            stop=held.stop,
            targets=held.targets or self._log.targets(bot_id, held.symbol, held.opened_at),
            told_at=status.as_of,
        )


def _finished(logged: LoggedTrade) -> TradeMark:
    trade = logged.trade
    return TradeMark(
        trade.opened_at,
        trade.entry_price,
        trade.closed_at,
        trade.exit_price,
        trade.pnl,
        logged.bot_id,
        trade.amount,
        trade.fees,
        trade.reason,
    )
