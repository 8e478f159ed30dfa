"""The desk's ear on what is told of markets: where the regime or the forecast changes, it says so, once."""

import asyncio
from contextlib import aclosing

import structlog

from workbench.domain.errors import LedgerError
from workbench.ledger.log import SqlLedger
from workbench.orchestration.outlook_watch import FORECAST_TOLD, REGIME_TOLD, OutlookWatch
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
HEARD = (REGIME_TOLD, FORECAST_TOLD)
REMEMBERED = 500  # newest words, of all markets, with which a term of office begins: what was told of them is not again
AGAIN_S = 2.0


class OutlookDesk:
    """Owned by the desk, for one term of office: follows the ledger from its start."""

    def __init__(self, ledger: SqlLedger):
        self._ledger, self._watch = ledger, OutlookWatch()
        self._heard: int | None = None
        self._task = OwnedTask(self._follow, "outlook changes")

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except LedgerError as error:  # away or full: taken up again after what was heard last
                log.warning("outlook_not_heard", error=str(error))
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        if self._heard is None:
            known = await asyncio.to_thread(self._ledger.last, REMEMBERED, HEARD)
            self._heard = known[0].seq - 1 if known else 0
        async with aclosing(self._ledger.tail(self._heard, HEARD)) as tail:
            async for event in tail:
                if change := self._watch.feed(event):
                    await asyncio.to_thread(self._ledger.append, [change])
                self._heard = event.seq
