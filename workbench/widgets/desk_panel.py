"""The desk on a page: state, bots, equity, positions and events, live, in JupyterLab and Voila alike."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.widgets.desk_pump import DeskPump, Feed, PanelSettings, Wake
from workbench.widgets.tokens import css_variables

STATIC = Path(__file__).parent / "static"


def _stylesheet() -> str:
    parts = (STATIC / "vendor" / "uPlot.min.css", STATIC / "desk_panel.css")
    return "\n".join([css_variables(".wb"), *(part.read_text(encoding="utf-8") for part in parts)])


class DeskPanel(anywidget.AnyWidget):
    """Shows what `feed` (async () -> DashboardData) tells. `start` needs the kernel's running loop.

    `snapshot` is read from the live buffer whenever a page asks for the widget's state, so a reload restores it;
    in between only differences travel.
    """

    _esm = STATIC / "desk_panel.bundle.js"
    _css = _stylesheet()

    snapshot = traitlets.Dict().tag(sync=True, to_json=lambda _, panel: panel.pump.mirror.snapshot())

    def __init__(self, feed: Feed, settings: PanelSettings | None = None, wake: Wake | None = None):
        self.pump = DeskPump(feed, self.send, settings or PanelSettings(), wake)
        super().__init__()
        self.on_msg(self._hear)

    def start(self) -> None:
        self.pump.start()

    async def stop(self) -> None:
        """End the polling; the page keeps the last figures, which turn stale."""
        await self.pump.stop()

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A page says that it is there ('beat'), or also which message it has seen last ('hello')."""
        if not isinstance(content, dict):
            return
        self.pump.beat()
        if content.get("kind") == "hello" and content.get("seq") != self.pump.mirror.seq:
            self.send(self.pump.mirror.snapshot())
