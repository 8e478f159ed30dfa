"""Carries the desk's figures to a page: polls the feed, sends differences, sleeps while nobody looks."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from workbench.domain.desk import DashboardData
from workbench.owned_task import OwnedTask
from workbench.widgets.desk_mirror import DeskMirror
from workbench.widgets.desk_notices import EXAMINE
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)

Feed = Callable[[], Awaitable[DashboardData]]
Wake = Callable[[], Awaitable[object]]
Send = Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """every_s: the feed is asked at least this often. least_gap_s: under a stream of news never more often (4 Hz), but
    the first `burst` of them are shown at once.

    patience_s: a feed that takes longer counts as failed. lapse_s: without a sign from a page for so long, nobody
    looks, and the pump sleeps until one comes: a kernel that talks to nobody can then be ended as idle.
    """

    every_s: float = 1.0
    least_gap_s: float = 0.25
    burst: int = 4
    patience_s: float = 10.0
    lapse_s: float = 90.0


class Pace:
    """Spaces messages `gap_s` apart in the long run and lets up to `burst` through without waiting. Pure: `now` in."""

    def __init__(self, gap_s: float, burst: int):
        self._gap_s, self._slack_s = gap_s, gap_s * (burst - 1)
        self._due = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds to wait from `now` before the next message, which is then counted as sent."""
        self._due = max(self._due, now - self._slack_s) + self._gap_s
        return max(0.0, self._due - self._gap_s - now)


class DeskPump:
    """`wake`, where given, returns when something worth showing has happened; the feed is then asked at once."""

    def __init__(self, feed: Feed, send: Send, settings: PanelSettings, wake: Wake | None = None):
        self.mirror = DeskMirror()
        self._feed, self._send, self._settings, self._wake = feed, send, settings, wake
        self._pace = Pace(settings.least_gap_s, settings.burst)
        self._beat = asyncio.Event()
        self._beat_at = 0.0
        self._task = OwnedTask(self._run, "desk pump")

    @property
    def running(self) -> bool:
        return self._task.running

    @property
    def watched(self) -> bool:
        """A page has given a sign of life lately."""
        return asyncio.get_running_loop().time() - self._beat_at < self._settings.lapse_s

    def start(self) -> None:
        """Needs a running loop: the kernel's."""
        if not self.running:
            self.beat()
            self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    def beat(self) -> None:
        """A page is there."""
        self._beat_at = asyncio.get_running_loop().time()
        self._beat.set()

    async def _run(self) -> None:
        while True:
            if not self.watched:
                self._beat.clear()
                await self._beat.wait()
            self._send(await self._ask())
            await self._rest()

    async def _ask(self) -> Json:
        try:
            async with asyncio.timeout(self._settings.patience_s):
                return self.mirror.take(await self._feed())
        except TimeoutError:
            words = f"The desk has not answered for {self._settings.patience_s:.0f} s"
        except Exception as error:  # the page's supervisor: whatever failed is shown, and asked again
            log.warning("desk_feed_failed", error=f"{type(error).__name__}: {error}")
            words = f"The desk cannot be read: {error or type(error).__name__}"
        return self.mirror.fail(words, EXAMINE)

    async def _rest(self) -> None:
        """Until there is news or a poll is due, then as long as the pace asks: what comes meanwhile comes along."""
        wake = self._wake or asyncio.Event().wait
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.every_s):
                await wake()
        await asyncio.sleep(self._pace.delay(asyncio.get_running_loop().time()))
