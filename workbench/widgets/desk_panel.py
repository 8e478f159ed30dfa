"""The desk on a page: state, bots, equity, positions and events, live, in JupyterLab and Voila alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.commands.permitted import permits
from workbench.widgets import desk_wire as wire
from workbench.widgets.ask_hand import AskHand, AskPage
from workbench.widgets.choice_hand import ChoiceHand, Choices
from workbench.widgets.desk_pump import DeskPump, Feed, PanelSettings, Wake
from workbench.widgets.export_hand import ExportHand
from workbench.widgets.halt_hand import Asks, HaltHand
from workbench.widgets.page_pump import Page, PagePump
from workbench.widgets.tab_hand import TabHand, WidgetTab
from workbench.widgets.tokens import css_variables

FIRST = "overview"
SHEETS = ("desk_panel.css", "risk.css", "halt.css", "ask.css")
STATIC = Path(__file__).parent / "static"


def _stylesheet() -> str:
    parts = (STATIC / "vendor" / "uPlot.min.css", *(STATIC / name for name in SHEETS))
    return "\n".join([css_variables(".wb"), *(part.read_text(encoding="utf-8") for part in parts)])


class DeskPanel(anywidget.AnyWidget):
    """Shows what `feed` (async () -> DashboardData) tells. `start` needs the kernel's running loop.

    pages : what stands behind the first tab, in order, and what that tab shows besides (a page of its name); each is
    asked only while it is open.
    dispatcher : where given, the halt button halts through it; else it says what to type instead. What its viewer may
    not do is not offered, and its own gate refuses it.
    widgets : tabs that hold another widget each, made when one is opened.
    asks : tabs behind those that ask in the one grammar, through the same dispatcher.
    choices : where given, what the viewer chooses of the page's look is kept there, else in the browser.

    `snapshot` is read from the live buffer whenever a page asks for the widget's state, so a reload restores it;
    in between only differences travel.
    """

    _esm = STATIC / "desk_panel.bundle.js"
    _css = _stylesheet()

    snapshot = traitlets.Dict().tag(sync=True, to_json=lambda _, panel: panel.pump.mirror.snapshot())
    pages = traitlets.List(traitlets.Unicode(), [FIRST]).tag(sync=True)
    opens_at = traitlets.Unicode("").tag(sync=True)
    halts = traitlets.Bool(False).tag(sync=True)
    asks = traitlets.List(traitlets.Dict()).tag(sync=True)
    widgets = traitlets.List(traitlets.Dict()).tag(sync=True)
    person: traitlets.Dict = traitlets.Dict(None, allow_none=True).tag(sync=True)
    remembered = traitlets.Dict(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        feed: Feed,
        settings: PanelSettings | None = None,
        wake: Wake | None = None,
        pages: Sequence[Page] = (),
        dispatcher: Asks | None = None,
        asks: Sequence[AskPage] = (),
        widgets: Sequence[WidgetTab] = (),
        choices: Choices | None = None,
    ):
        self.pump = DeskPump(feed, self.send, settings or PanelSettings(), wake)
        self.behind = PagePump(pages, self.send)
        self.hand = HaltHand(dispatcher, self.send) if dispatcher else None
        self.asking = AskHand(dispatcher, self.send, asks) if dispatcher else None
        tabs = self.asking.tabs if self.asking else []
        self.held = TabHand(widgets, self.send)
        self.files = ExportHand(self.send)
        self.choices = ChoiceHand(choices) if choices else None
        super().__init__(
            pages=list(dict.fromkeys([FIRST, *self.behind.names])),
            halts=dispatcher is not None,
            asks=tabs,
            widgets=self.held.tabs,
            person=_person(dispatcher.viewer) if dispatcher else None,
            remembered=choices.all() if choices else None,
        )
        self.on_msg(self._hear)

    def start(self) -> None:
        self.pump.start()

    async def stop(self) -> None:
        """End the polling; the page keeps the last figures, which turn stale. A halt under way goes on."""
        if self.asking:
            await self.asking.stop()
        await self.held.stop()
        await self.behind.stop()
        await self.pump.stop()

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A page says that it is there ('beat'), which message it has seen last ('hello'), which tab it looks at
        ('look', 'choose'), that somebody halts or releases, what is asked in the grammar, taken along or remembered."""
        if not isinstance(content, dict):
            return
        self.pump.beat()
        kind = content.get("kind")
        if kind == "hello" and content.get("seq") != self.pump.mirror.seq:
            self.send(self.pump.mirror.snapshot())
        elif kind in ("beat", "look", "choose"):
            self.behind.hear(content)
        elif kind in ("halt", "release") and self.hand:
            self.hand.hear(content)
        elif kind == "open":
            self.held.hear(content)
        elif kind == "export":
            self.files.hear(content)
        elif kind == "remember" and self.choices:
            self.choices.hear(content)
        elif kind in ("ask", "complete", "lines", "give_up") and self.asking:
            self.asking.hear(content)


def _person(viewer: Any) -> dict[str, Any]:
    """Who looks, and which of the page's buttons are for that role."""
    may = [word for word in ("halt", "release") if permits(viewer.role, word)]
    return {"name": wire.clean(viewer.name, wire.NAME_CHARS), "role": str(viewer.role), "may": may}
