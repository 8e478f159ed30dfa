"""One step again and again, in a task that somebody owns."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from workbench.domain.errors import LedgerError
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)


class Rounds:
    """`step` every `every_s` seconds. away, failed : what the log calls a ledger that did not answer, and a fault."""

    def __init__(self, step: Callable[[], Awaitable[object]], every_s: float, away: str, failed: str):
        self._step, self._every_s, self._away, self._failed = step, every_s, away, failed
        self._task = OwnedTask(self._watch, failed)

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def _watch(self) -> None:
        while True:
            try:
                await self._step()
            except LedgerError as error:  # away or full: tried again at the next look
                log.warning(self._away, error=str(error))
            except Exception:  # the supervisor of this task: a fault in one look must not end all looks
                log.exception(self._failed)
            await asyncio.sleep(self._every_s)
