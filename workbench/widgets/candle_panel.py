"""A live chart on a page, in JupyterLab and Voila alike: candles as they form, forecast, regimes, and drawing on it.

The chart is TradingView's Lightweight Charts (Apache-2.0, see static/vendor); nothing is loaded from anywhere.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.domain.drawings import Board, Drawing, to_json
from workbench.visual.live_stream import LiveStream
from workbench.visual.tokens import REGIMES
from workbench.widgets.drawing_hand import DrawingHand, Shelf
from workbench.widgets.tokens import css_variables

STATIC = Path(__file__).parent / "static"
TINTS = {name: asdict(tint) for name, tint in REGIMES.items()}


def stylesheet() -> str:
    """The chart's own, with the tokens it names."""
    return css_variables(".wb") + "\n" + (STATIC / "candles.css").read_text(encoding="utf-8")


class CandlePanel(anywidget.AnyWidget):
    """Shows a `LiveStream`. Needs the kernel's running loop.

    shelf : where drawings are kept; without one the chart cannot be drawn on. user : whose drawings these are.
    refuses : why that user may not draw, '' where that is allowed; what others drew is shown all the same.
    `drawings` is a tuple of what stands on the chart (`workbench.domain.drawings.Drawing`): observe it, or read it.

    A page that loads asks for the widget's state and gets the chart as it is now; in between only differences travel.
    """

    _esm = STATIC / "candle_panel.bundle.js"
    _css = stylesheet()

    snapshot = traitlets.Dict().tag(sync=True, to_json=lambda _, panel: panel.stream.renderer.snapshot())
    shown: traitlets.List = traitlets.List().tag(
        sync=True, to_json=lambda _, panel: [to_json(one) for one in panel.drawings]
    )
    tints = traitlets.Dict(TINTS).tag(sync=True)
    user = traitlets.Unicode("you").tag(sync=True)
    draws = traitlets.Bool(False).tag(sync=True)
    height = traitlets.Int(460).tag(sync=True)
    theme = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)
    drawings = traitlets.Tuple()

    def __init__(
        self, stream: LiveStream, shelf: Shelf | None = None, user: str = "you", refuses: str = "", **traits: Any
    ):
        self.stream = stream
        board = Board(user, stream.key.symbol, stream.key.timeframe)
        self.hand = DrawingHand(shelf, board, self.send, self._drawn, refuses) if shelf else None
        super().__init__(user=user, draws=shelf is not None and not refuses, **traits)
        self.viewer = stream.attach(self.send)
        self.on_msg(self._hear)

    async def start(self) -> "CandlePanel":
        """Read the drawings that stand on this chart."""
        if self.hand:
            await self.hand.refresh()
            self.send_state("shown")  # a tab's page has the widget's state already, from before they were read
        return self

    async def stop(self) -> None:
        """Take the chart off its stream. The page keeps the last picture, which turns stale."""
        self.stream.detach(self.viewer)
        if self.hand:
            await self.hand.stop()

    def _drawn(self, drawings: tuple[Drawing, ...]) -> None:
        self.drawings = drawings

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A page says what it shows ('hello', 'drew', 'beat', 'bye') or what was drawn on it."""
        if not isinstance(content, dict):
            return
        if content.get("kind") in ("draw", "undo", "redo"):
            if self.hand:
                self.hand.hear(content)
        else:
            self.viewer.hear(content)
