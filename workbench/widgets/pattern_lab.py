"""The pattern lab on a page, in JupyterLab and Voila alike: brush a window, name it, find it everywhere.

The chart is TradingView's Lightweight Charts (Apache-2.0, see static/vendor); nothing is loaded from anywhere.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.visual.lab_session import LabSession
from workbench.widgets import desk_wire as wire
from workbench.widgets import lab_wire
from workbench.widgets.export_hand import ExportHand
from workbench.widgets.lab_hand import LabHand
from workbench.widgets.tokens import css_variables

STATIC = Path(__file__).parent / "static"


def _stylesheet() -> str:
    return css_variables(".wb") + "\n" + (STATIC / "lab.css").read_text(encoding="utf-8")


class PatternLab(anywidget.AnyWidget):
    """Shows the lab of one person. Needs the kernel's running loop.

    opens : (symbol, timeframe) of the chart to begin with. A page that opens asks for the labels as they are in the
    ledger now; none of them is kept in the widget's state, which a saved notebook would carry along. refuses : why that
    person may not label or train, '' where that is allowed.
    """

    _esm = STATIC / "pattern_lab.bundle.js"
    _css = _stylesheet()

    markets = traitlets.Dict().tag(sync=True)
    opens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    user = traitlets.Unicode().tag(sync=True)
    about = traitlets.Unicode().tag(sync=True)
    usual = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(420).tag(sync=True)
    theme = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)

    def __init__(self, session: LabSession, opens: tuple[str, str] | None = None, refuses: str = "", **traits: Any):
        self.session = session
        self.hand, self.files = LabHand(session, self.send, refuses), ExportHand(self.send)
        charts = session.charts
        markets = {wire.clean(name, wire.NAME_CHARS): list(lengths) for name, lengths in charts.markets.items()}
        super().__init__(
            markets=markets,
            opens=list(opens or charts.first),
            user=wire.clean(session.user_id, wire.NAME_CHARS),
            about=wire.clean(charts.source),
            usual=lab_wire.rule(lab_wire.rule_in(None)),
            **traits,
        )
        self.on_msg(self._hear)

    async def stop(self) -> None:
        """Wait for what is under way. Labels are in the ledger; there is nothing else to end."""
        await self.hand.stop()

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict):
            (self.files if content.get("kind") == "export" else self.hand).hear(content)
