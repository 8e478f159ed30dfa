"""Following the log from a running loop: a thread waits for commits and reads, the loop only receives."""

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

import structlog

from workbench.domain.errors import LedgerError
from workbench.domain.events import Event
from workbench.ledger.store import Watch

log = structlog.get_logger(__name__)
BATCH = 500
GIVE_UP_S = 60.0
_RETRY_S = 0.25

Open = Callable[[], Watch]
Convert = Callable[[tuple], Event]
Deliver = Callable[[list[Event] | Exception], None]


class Tail:
    """An async iterator over events, in order, without gaps or repeats. One consumer; it ends when closed.

    At most two batches lie between the disk and the consumer: a slow one holds up its own tail and nobody else.
    """

    def __init__(self, watch: Open, convert: Convert, after: int):
        self._start = (watch, convert, after)
        self._events: deque[Event] = deque()
        self._batches: asyncio.Queue[list[Event] | Exception] = asyncio.Queue()
        self._pump: _Pump | None = None
        self._closed = False

    def __aiter__(self) -> "Tail":
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            pump = self._pump or self._begin()
            batch = await self._batches.get()
            pump.taken()
            if isinstance(batch, Exception):
                self._closed = True
                raise batch
            self._events.extend(batch)
        return self._events.popleft()

    async def aclose(self) -> None:
        self.stop()

    def stop(self) -> None:
        """End the iteration; safe from any thread, and twice."""
        self._closed = True
        if self._pump:
            self._pump.stop()

    def _begin(self) -> "_Pump":
        loop, here = asyncio.get_running_loop(), weakref.ref(self)

        def deliver(batch: list[Event] | Exception) -> None:
            tail = here()  # the thread must not keep a forgotten tail alive
            if tail is not None and not loop.is_closed():
                loop.call_soon_threadsafe(tail._batches.put_nowait, batch)

        self._pump = _Pump(*self._start, deliver)
        weakref.finalize(self, self._pump.stop)
        self._pump.start()
        return self._pump


class _Pump(threading.Thread):
    """Reads on its own thread, so that neither a slow disk nor a far database holds up the loop."""

    def __init__(self, watch: Open, convert: Convert, after: int, deliver: Deliver):
        super().__init__(name="ledger tail", daemon=True)
        self._open, self._convert, self._after, self._deliver = watch, convert, after, deliver
        self._watch: Watch | None = None
        self._silent_since: float | None = None
        self._room = threading.Semaphore(2)
        self._ended = threading.Event()

    def taken(self) -> None:
        self._room.release()

    def stop(self) -> None:
        self._ended.set()
        self._room.release()
        if watch := self._watch:  # None: not yet open, and then the thread looks at _ended before it waits
            watch.interrupt()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except LedgerError as error:
                if not self._may_retry(error):
                    self._deliver(error)
                    return
            except Exception as error:  # the consumer must hear of it: a thread that dies alone is silence
                self._deliver(error)
                return
        self._deliver([])

    def _follow(self) -> None:
        """Read and wait until stopped; the watch is opened first, so nothing falls between a read and its wait."""
        self._watch = watch = self._open()
        try:
            while not self._ended.is_set():
                rows = watch.read(self._after)
                self._silent_since = None
                self._hand_over(rows)
                if len(rows) < BATCH:  # what is committed from here on wakes the wait
                    watch.wait()
        finally:
            self._watch = None
            watch.close()

    def _hand_over(self, rows: list[tuple]) -> None:
        if rows:
            self._room.acquire()
            batch = [self._convert(row) for row in rows]
            self._after = batch[-1].seq
            self._deliver(batch)

    def _may_retry(self, error: LedgerError) -> bool:
        """Pause before reading again, which is always allowed. False where nothing was read for GIVE_UP_S."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            log.warning("ledger tail interrupted", error=str(error), after=self._after)
        self._ended.wait(_RETRY_S)
        return time.monotonic() - self._silent_since < GIVE_UP_S
