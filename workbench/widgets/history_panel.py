"""A candle table of any length on a page: as many candles as have room, finer ones as it is zoomed."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from workbench.domain.candles import COLUMNS, as_candles
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.visual.chart_spec import TradeMark
from workbench.visual.decimation import in_sight
from workbench.visual.trade_history import TradeHistory
from workbench.widgets.candle_panel import STATIC, stylesheet

MOST = 4000  # candles in sight; no screen is wider


class HistoryPanel(anywidget.AnyWidget):
    """Shows `candles` (a candle table, closed bars; a million are no trouble). Wheel, drag, double click: as on a live
    chart. What is merged keeps its high and low, and the headline says how many bars a candle holds.

    trades : of bots on this market, thousands are no trouble either (`workbench.visual.desk_trades` has them): those in
    sight are drawn one by one, and where they are too many counted by place, which the page says.

    The page asks for what is in sight, and gets it as bytes; the rest stays here. Raises CandleError or ValueRefused.
    """

    _esm = STATIC / "candle_panel.bundle.js"
    _css = stylesheet()

    history = traitlets.Dict().tag(sync=True)
    trading: traitlets.Dict = traitlets.Dict(allow_none=True).tag(sync=True)
    height = traitlets.Int(460).tag(sync=True)
    theme = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, candles: pd.DataFrame, symbol: str, timeframe: str, trades: Sequence[TradeMark] = (), **traits: Any
    ):
        self.candles, self.timeframe = as_candles(candles, symbol), Timeframe.parse(timeframe)
        if not len(self.candles):
            raise ValueRefused(f"{symbol} {timeframe} has no bar to show; load some candles first")
        opened = self.candles.index.as_unit("ms").asi8
        span = {"from": int(opened[0]), "to": int(opened[-1]) + self.timeframe.milliseconds}
        about = {"symbol": symbol, "timeframe": timeframe, "step": self.timeframe.milliseconds, "bars": len(opened)}
        self._trades = TradeHistory(trades)
        super().__init__(history=about | span, trading=self._trades.legend or {}, **traits)
        self.on_msg(self._hear)

    def look(
        self, since_ms: float, until_ms: float, most: int, hidden: Set[str] = frozenset()
    ) -> tuple[dict[str, Any], bytes]:
        """What is in sight between two moments as at most `most` candles, and as much on either side.

        (JSON with step, the milliseconds of a candle, `merged`, its bars, and the trades of bots that are not hidden;
        rows of opened_ms, open, high, low, close, volume as little-endian doubles).
        """
        shown, count = in_sight(self.candles, self.timeframe, since_ms, until_ms, most)
        rows = np.column_stack([shown.index.as_unit("ms").asi8, shown[list(COLUMNS)].to_numpy()]).astype("<f8")
        wide = until_ms - since_ms
        seen = self._trades.look(since_ms - wide, until_ms + wide, hidden)
        return {"step": count * self.timeframe.milliseconds, "merged": count, **seen}, rows.tobytes()

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if not isinstance(content, Mapping) or content.get("kind") != "look":
            return
        since, until, most = (_number(content.get(name)) for name in ("from", "to", "most"))
        if not np.isfinite(since + until + most):
            return  # no page of ours says that
        names = content.get("hidden")
        hidden = frozenset(str(name) for name in names[:500]) if isinstance(names, list) else frozenset()
        about, rows = self.look(since, max(since, until), int(np.clip(most, 50, MOST)), hidden)
        self.send({"kind": "bars", "ask": content.get("ask"), **about}, [rows])


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
