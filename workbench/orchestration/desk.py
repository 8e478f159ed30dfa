"""The desk: the process that holds the lease, carries commands out and writes down what the bots do."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from workbench.domain.commands import Lease
from workbench.domain.errors import LeaseLost, LedgerError
from workbench.domain.events import NewEvent
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.effects import LEASE, TTL, process_name
from workbench.orchestration.event_words import DESK_STARTED, DESK_STOPPED
from workbench.orchestration.executor import Executor
from workbench.orchestration.forecast_desk import ForecastDesk
from workbench.orchestration.learning_desk import LearningDesk
from workbench.orchestration.outlook_desk import OutlookDesk
from workbench.orchestration.recorder import Recorder
from workbench.orchestration.setup_desk import SetupDesk
from workbench.orchestration.supervisor import Supervisor, supervise
from workbench.orchestration.training_desk import TrainingDesk
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
TRY_S = 0.5


class DeskRound(Protocol):
    """What the desk does at every bar, besides carrying commands out."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


class Desk:
    """One of any number of desks on a ledger: it acts while it holds the lease and stands by while another does.

    It stops acting by its own clock before its lease can pass to another, and then stands by again. more : further
    rounds, made anew for each term of office.
    """

    def __init__(
        self,
        center: UnifiedCommandCenter,
        ledger: SqlLedger,
        holder: str = "",
        ttl: timedelta = TTL,
        more: Callable[[], Sequence[DeskRound]] = tuple,
    ):
        self.center, self._ledger = center, ledger
        self._holder, self._ttl, self._more = holder or process_name(), ttl, more
        self._keeper: LeaseKeeper | None = None
        self._task = OwnedTask(self._stand_by, "desk")

    @property
    def lease(self) -> Lease | None:
        """The lease, while this desk may act."""
        return self._keeper.lease if self._keeper and self._keeper.held else None

    async def start(self) -> None:
        """Stand by, and act as soon as the lease is free. Returns at once."""
        await self.center.start()
        self.center.emergency.start()  # also while standing by: a halt waits for no lease
        self._task.start()

    async def stop(self) -> None:
        """Finish what is under way, hand the lease back and stop looking at the bots."""
        await self._task.stop()
        await self.center.stop()

    async def _stand_by(self) -> None:
        while True:
            try:
                await self._act_once()
            except LedgerError as error:  # the ledger is away or full: nobody can act; try until it is back
                log.warning("desk_cannot_act", error=str(error))
            except Exception:  # the supervisor of the desk: whatever broke is told, and the desk goes on
                log.exception("desk_broke")
            await asyncio.sleep(TRY_S)

    async def _act_once(self) -> None:
        """One term of office: from getting the lease to losing it. Returns at once while another holds it."""
        lost = asyncio.Event()
        keeper = LeaseKeeper(self._ledger, LEASE, self._holder, self._ttl, lambda reason: lost.set())
        if await keeper.start() is None:
            return
        self._keeper = keeper
        executor = Executor(self.center.registry, self._ledger, keeper, self.center.settings.deadline_s)
        acting = asyncio.create_task(executor.run())
        recording = asyncio.create_task(self._record(keeper))
        watching = asyncio.create_task(self._supervise(keeper))
        rounds: list[DeskRound] = [
            *(ForecastDesk(self.center), LearningDesk(self.center)),
            *(SetupDesk(self.center, self._ledger), TrainingDesk(self.center, self._ledger)),
            OutlookDesk(self._ledger),
            *self._more(),
        ]
        for one in rounds:
            one.start()
        try:
            await self._tell(keeper, DESK_STARTED, "the desk acts")
            await lost.wait()
        except asyncio.CancelledError:
            await executor.finish()
            recording.cancel()
            await self._tell(keeper, DESK_STOPPED, "the desk has stopped")
            raise
        finally:
            acting.cancel()
            recording.cancel()
            watching.cancel()
            await asyncio.wait([acting, recording, watching])
            for one in rounds:
                await one.stop()
            await keeper.stop()

    async def _record(self, keeper: LeaseKeeper) -> None:
        recorder = Recorder(self.center, self._ledger)
        loop, every_s = asyncio.get_running_loop(), self.center.settings.record_every_s
        while keeper.held:
            began = loop.time()
            try:
                await recorder.step(keeper.lease)
            except LeaseLost:
                return
            except Exception:  # the supervisor of recording: a fault in one look must not end all looks
                log.exception("recording_failed")
            await asyncio.sleep(max(every_s - (loop.time() - began), 0.05))

    async def _supervise(self, keeper: LeaseKeeper) -> None:
        every_s = self.center.settings.limits.check_every_s
        await supervise(Supervisor(self.center, self._ledger), every_s, lambda: keeper.held)

    async def _tell(self, keeper: LeaseKeeper, kind: str, words: str) -> None:
        lease = keeper.lease
        facts = {"words": words, "holder": lease.holder, "token": lease.token, "host": socket.gethostname()}
        event = NewEvent(kind, "desk", facts, f"{kind}:{lease.name}:{lease.token}", datetime.now(UTC))
        with contextlib.suppress(LeaseLost):
            await asyncio.to_thread(self._ledger.append_fenced, lease, [event])
