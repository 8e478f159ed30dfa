"""Readers of what is shared: one follower of the ledger for all readers of a process, a bounded buffer for each.

The follower never waits for a reader. A reader whose buffer is full loses the buffer, not the news: it is told from
where to where it is behind, and reads that from the ledger before it hears what is live again.
"""

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from workbench.domain.events import Event
from workbench.ledger.accepted_patterns import SHARING_CHANGED
from workbench.ledger.log import SqlLedger
from workbench.ledger.tail import Tail
from workbench.orchestration.sync_topics import TOPIC_OF, TOPICS, Consents, Shared, shared, visible

log = structlog.get_logger(__name__)
PAGE = 500
BUFFER = 1000


@dataclass(frozen=True, slots=True)
class Behind:
    """What a reader must read again: everything after `after`, at least up to `upto`. `times`: how often it fell."""

    after: int
    upto: int
    times: int


class Subscription:
    """An async iterator over `Shared` things, in order, without gaps or repeats. One consumer.

    `seq`: the last number it has dealt with; subscribing after it later misses nothing. `behind`: None, or what it has
    to read again because it was slow.
    """

    def __init__(self, hub: "Hub", topics: Sequence[str], after: int, viewer: str, buffer: int):
        self.seq, self.topics, self._viewer = after, tuple(topics), viewer
        self._hub, self._limit = hub, buffer
        self._kinds = tuple(kind for topic in topics for kind in TOPICS[topic])
        self._page: deque[Event] = deque()
        self._live: deque[Event] | None = None  # None: what is new is not kept, the ledger has it
        self._catching_up, self._falls = True, 0
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._closed = False

    @property
    def behind(self) -> Behind | None:
        return Behind(self.seq, self._hub.seq, self._falls) if self._falls and self._catching_up else None

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Shared:
        await self._hub.join(self)
        while not self._closed:
            event = self._next()
            if event is None:
                await self._wait_for_more()
                continue
            self.seq = event.seq
            item = shared(event)
            if visible(item, event, self._hub.consents, self._viewer):
                return item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the iteration; what waits for the next thing ends too."""
        self._closed = True
        self._news.set()
        await self._hub.leave(self)

    def offer(self, event: Event) -> None:
        """News from the follower; returns at once."""
        if self._live is None or event.kind not in self._kinds:
            return
        if len(self._live) >= self._limit:
            self._live, self._catching_up, self._falls = None, True, self._falls + 1
            log.warning("subscriber_behind", after=self.seq, upto=event.seq, topics=self.topics)
        else:
            self._live.append(event)
        self._news.set()

    def fail(self, error: Exception | None) -> None:
        """The follower has ended."""
        self._error, self._closed = error, error is None or self._closed
        self._news.set()

    def begin_again(self) -> None:
        """Another follower has begun: what came between the two is in the ledger."""
        self._error, self._live, self._catching_up = None, None, True

    def _next(self) -> Event | None:
        while self._page:
            event = self._page.popleft()
            if event.seq > self.seq:
                return event
        while self._live and not self._catching_up:
            event = self._live.popleft()
            if event.seq > self.seq:  # kept beside a page that held it too
                return event
        return None

    async def _wait_for_more(self) -> None:
        if self._catching_up:
            await self._read_page()
        elif self._error:
            raise self._error
        else:
            self._news.clear()
            if not self._live:
                await self._news.wait()

    async def _read_page(self) -> None:
        """News is kept from before the reading on, so that nothing falls between the page and the buffer."""
        if self._live is None:
            self._live = deque()
        page = await asyncio.to_thread(self._hub.ledger.read, self.seq, PAGE, self._kinds)
        self._page.extend(page)
        if len(page) < PAGE and self._live is not None:
            self._catching_up = False
        elif not page:  # it fell again while reading: let others run before the next try
            await asyncio.sleep(0)


class Hub:
    """Follows the ledger once for all subscriptions of this process. `consents` is kept current on the way."""

    def __init__(self, ledger: SqlLedger):
        self.ledger, self.consents, self.seq = ledger, Consents(), 0
        self._readers: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._tail: Tail | None = None
        self._task: asyncio.Task | None = None
        self._turn = asyncio.Lock()

    async def join(self, reader: Subscription) -> None:
        """Have `reader` hear of news; starts following where nobody did."""
        if reader in self._readers and self._task and not self._task.done():
            return
        async with self._turn:
            if self._task is None or self._task.done():
                self.seq = await asyncio.to_thread(self.ledger.head)
                await self.refresh()
                self._tail = self.ledger.tail(self.seq, (*TOPIC_OF, SHARING_CHANGED))
                self._task = asyncio.create_task(self._follow(self._tail))
                for each in tuple(self._readers):
                    each.begin_again()
            self._readers.add(reader)
            reader.begin_again()

    async def leave(self, reader: Subscription) -> None:
        self._readers.discard(reader)
        if not self._readers:
            await self.stop()

    async def stop(self) -> None:
        """End following, and every subscription with it."""
        async with self._turn:
            if self._task and self._tail:
                self._tail.stop()
                self._task.cancel()
                await asyncio.wait([self._task])
            self._task = self._tail = None
        for reader in tuple(self._readers):
            reader.fail(None)

    async def refresh(self) -> Consents:
        """Consents as the ledger has them now."""
        while page := await asyncio.to_thread(self.ledger.read, self.consents.seq, PAGE, [SHARING_CHANGED]):
            for event in page:
                self.consents.heard(event)
        return self.consents

    async def _follow(self, tail: Tail) -> None:
        error: Exception | None = None
        try:
            async for event in tail:
                self.seq = event.seq
                if event.kind == SHARING_CHANGED:
                    self.consents.heard(event)
                    continue
                for reader in tuple(self._readers):
                    reader.offer(event)
        except Exception as fault:  # handed to every reader, which raises it
            error = fault
        for reader in tuple(self._readers):
            with contextlib.suppress(RuntimeError):
                reader.fail(error)
