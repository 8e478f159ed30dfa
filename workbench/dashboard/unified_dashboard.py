"""The desk's first page, for a notebook cell and for Voila alike."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Protocol

from workbench.domain.desk import DashboardData
from workbench.widgets.desk_panel import DeskPanel
from workbench.widgets.desk_pump import PanelSettings


class Center(Protocol):
    """What the dashboard needs of a command center."""

    async def get_unified_dashboard_data(self) -> DashboardData: ...


class Tailing(Protocol):
    """A ledger whose newest events can be waited for."""

    def tail(self, after: int | None = None, kinds: Any = None) -> AsyncIterator[Any]: ...


class UnifiedDashboard:
    """Owns the page's polling: `show` begins it, `stop` ends it; without a page's heartbeat it sleeps by itself.

    ledger : where given, a new event is shown at once instead of at the next poll.
    """

    def __init__(self, center: Center, ledger: Tailing | None = None, settings: PanelSettings | None = None):
        self._events = _NextEvent(ledger) if ledger is not None else None
        wake = self._events.wait if self._events else None
        self.panel = DeskPanel(center.get_unified_dashboard_data, settings, wake)

    def show(self) -> DeskPanel:
        """The widget, live: make it a cell's last value, or `display` it."""
        self.start()
        return self.panel

    def start(self) -> None:
        """Needs a running loop, which a notebook's kernel has."""
        self.panel.start()

    async def stop(self) -> None:
        await self.panel.stop()
        if self._events:
            await self._events.close()


class _NextEvent:
    """Waits for the ledger's next event without losing its place, and forgets the crowd that came with it."""

    def __init__(self, ledger: Tailing):
        self._ledger = ledger
        self._tail: AsyncIterator[Any] | None = None

    async def wait(self) -> None:
        self._tail = self._tail or self._ledger.tail()
        try:
            await anext(self._tail)
        except BaseException:
            await self.close()  # a cancelled generator is spent
            raise

    async def close(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None and hasattr(tail, "aclose"):
            with contextlib.suppress(RuntimeError):
                await tail.aclose()
