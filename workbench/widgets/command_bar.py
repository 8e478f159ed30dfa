"""The command bar in a notebook: one line with completion and history, asked as in a terminal, answered below it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.widgets.ask_hand import Answers, AskHand, AskPage
from workbench.widgets.export_hand import ExportHand
from workbench.widgets.tokens import css_variables

STATIC = Path(__file__).parent / "static"
SHEETS = ("desk_panel.css", "ask.css", "bar.css")
PAGE = "bar"


def _stylesheet() -> str:
    return "\n".join([css_variables(".wb"), *((STATIC / name).read_text(encoding="utf-8") for name in SHEETS)])


class CommandBar(anywidget.AnyWidget):
    """Asks through `dispatcher`, and shows what comes. suggested : lines offered as buttons. Needs the kernel's loop.

    What was asked before is remembered by the browser; nothing of it is in the widget's state.
    """

    _esm = STATIC / "command_bar.bundle.js"
    _css = _stylesheet()

    theme = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)

    def __init__(self, dispatcher: Answers, suggested: Sequence[str] = (), **traits: Any):
        self.hand = AskHand(dispatcher, self.send, [AskPage(PAGE, "Ask", lambda known: suggested)])
        self.files = ExportHand(self.send)
        super().__init__(**traits)
        self.on_msg(self._hear)

    async def stop(self) -> None:
        """Give up what is being asked."""
        await self.hand.stop()

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict):
            (self.files if content.get("kind") == "export" else self.hand).hear(content)
