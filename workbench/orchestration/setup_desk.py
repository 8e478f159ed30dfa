"""The desk's eye on tracked setups: at every closed bar of theirs it looks what has become of them, and tells it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from workbench.domain.errors import LedgerError, WorkbenchError
from workbench.ledger.log import SqlLedger
from workbench.ledger.setup_log import SetupLog, SetupRecord
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain
from workbench.orchestration.rounds import Rounds

log = structlog.get_logger(__name__)
LOOK_S = 2.0
MOST_BARS = 5000


class SetupDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` ends; `step` is one look.

    What a setup has become follows from its bars alone, and each change is recorded once whoever tells it: a look that
    is missed, or made twice, loses and doubles nothing.
    """

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger):
        self._center, self._log = center, SetupLog(ledger)
        self._rounds = Rounds(self.step, LOOK_S, "setups_not_told", "setup_round_failed")
        self._seen: dict[tuple[str, str], datetime] = {}

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> int:
        """Look at every open setup with a new closed bar; returns how many changes were told. Raises LedgerError."""
        records = [record for record in await asyncio.to_thread(self._log.records) if not record.over]
        clock = await self._center.read_clock() if records else None
        if clock is None:
            return 0
        told = 0
        for record in records:
            setup = record.setup
            key, bar = (setup.board.user, setup.setup_id), setup.board.timeframe.open_of(clock.market_time)
            if self._seen.get(key) != bar:
                told += await self._look(record, clock.market_time)
                self._seen[key] = bar
        return told

    async def _look(self, record: SetupRecord, now: datetime) -> int:
        from workbench.market.exchange import open_exchange  # ccxt and numba are for those who track something
        from workbench.market.history import recent_candles
        from workbench.quant.setup_replay import bars_since, facts_of, replayed

        setup, board = record.setup, record.setup.board
        url = getattr(self._center.venue, "url", None)
        exchange = open_exchange("binance" if url else self._center.settings.exchange.source, url=url)
        try:
            bars = min(bars_since(setup, now), MOST_BARS)
            tables, _ = await recent_candles(exchange, [board.symbol], str(board.timeframe), bars)
            changes: Sequence = await asyncio.to_thread(replayed, setup, tables[board.symbol])
        except LedgerError:
            raise
        except WorkbenchError as error:  # a market that is silent costs the other setups nothing
            log.info("setup_not_looked_at", setup=setup.setup_id, reason=plain(str(error), 200))
            return 0
        finally:
            await exchange.close()
        return sum([await asyncio.to_thread(self._log.change, setup, *facts_of(change)) for change in changes])
