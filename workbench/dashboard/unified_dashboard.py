"""The desk's first page, for a notebook cell and for Voila alike."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import structlog

from workbench.dashboard.viewer import KEY_VARIABLE, ROLE_VARIABLE, VARIABLE
from workbench.domain.desk import DashboardData
from workbench.orchestration.event_words import SHOWN
from workbench.owned_task import OwnedTask
from workbench.widgets.ask_hand import AskPage
from workbench.widgets.choice_hand import Choices
from workbench.widgets.desk_panel import DeskPanel
from workbench.widgets.desk_pump import PanelSettings
from workbench.widgets.halt_hand import Asks
from workbench.widgets.page_pump import Page
from workbench.widgets.tab_hand import WidgetTab

log = structlog.get_logger(__name__)
WAKING = (*SHOWN, "command.submitted", "lease.acquired", "lease.released")
"""Events for which a page is drawn at once; whatever else changed comes with the next poll."""


class Center(Protocol):
    """What the dashboard needs of a command center."""

    async def get_unified_dashboard_data(self) -> DashboardData: ...


class Tailing(Protocol):
    """A ledger whose newest events can be waited for."""

    def tail(self, after: int | None = None, kinds: Sequence[str] | None = None) -> AsyncIterator[Any]: ...


class UnifiedDashboard:
    """Owns the page's polling: `show` begins it, `stop` ends it; without a page's heartbeat it sleeps by itself.

    ledger : where given, a new event is shown at once instead of at the next poll.
    pages : the tabs behind the first, in order (`dashboard.pages.pages_of(desk)` makes those of this product).
    dispatcher : where given, the halt button works, and so do `asks`: the tabs that ask in the one grammar.
    widgets : tabs that hold a chart of their own (`dashboard.widget_tabs`).
    choices : where the viewer's layout, theme and zone are kept (`ledger.page_choices(current_user())`).
    """

    def __init__(
        self,
        center: Center,
        ledger: Tailing | None = None,
        settings: PanelSettings | None = None,
        pages: Sequence[Page] = (),
        dispatcher: Asks | None = None,
        asks: Sequence[AskPage] = (),
        widgets: Sequence[WidgetTab] = (),
        choices: Choices | None = None,
    ):
        self._news = _News(ledger) if ledger is not None else None
        wake = self._news.wait if self._news else None
        self.panel = DeskPanel(
            center.get_unified_dashboard_data, settings, wake, pages, dispatcher, asks, widgets, choices
        )

    def show(self, opens_at: str = "") -> DeskPanel:
        """The widget, live: make it a cell's last value, or `display` it. `opens_at`: the tab it begins with."""
        if opens_at:
            self.panel.opens_at = opens_at
        self.start()
        return self.panel

    def start(self) -> None:
        """Needs a running loop, which a notebook's kernel has."""
        if self._news:
            self._news.start()
        self.panel.start()

    async def stop(self) -> None:
        """End the polling. The page keeps its last figures, which turn stale in plain sight."""
        await self.panel.stop()
        if self._news:
            await self._news.stop()


class _News:
    """Follows the ledger; `wait` returns when something for a person's eyes was appended since the last wait.

    What programs tell each other at every bar would use up the pace that news have.
    """

    def __init__(self, ledger: Tailing):
        self._ledger = ledger
        self._happened = asyncio.Event()
        self._task = OwnedTask(self._follow, "dashboard news")  # without it the page is as right, only later: it polls

    async def wait(self) -> None:
        await self._happened.wait()
        self._happened.clear()

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def _follow(self) -> None:
        tail = self._ledger.tail(kinds=WAKING)
        try:
            async for _ in tail:
                self._happened.set()
        finally:
            if hasattr(tail, "aclose"):
                await tail.aclose()


def wait_for_viewer() -> str:
    """In a kernel that Voila has heated in advance: block here until a viewer comes; elsewhere return at once.

    Put it after the imports, which are then paid before anybody waits, and before the first figure is read. Returns
    the query string of the viewer's address, empty where there is none.
    """
    if os.environ.get("VOILA_PREHEAT") != "True":
        return os.environ.get("QUERY_STRING", "")
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    port, base = os.environ.get("VOILA_APP_PORT", "8866"), os.environ.get("VOILA_SERVER_URL", "/")
    address = f"ws://127.0.0.1:{port}{base}voila/query/{os.environ.get('VOILA_KERNEL_ID')}"
    shown = {"Authorization": f"Bearer {os.environ.get(KEY_VARIABLE, '')}"}
    try:
        with connect(address, open_timeout=30, proxy=None, max_size=2**20, additional_headers=shown) as line:
            said = json.loads(line.recv())
    except (OSError, WebSocketException, TimeoutError, ValueError) as error:
        log.warning("viewer_not_awaited", error=f"{type(error).__name__}: {error}")
        return ""
    for name in (VARIABLE, ROLE_VARIABLE):
        os.environ[name] = str(said.get(name, ""))
    return str(said.get("QUERY_STRING", ""))
