"""A live chart as a still picture with its caption, for a chat."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from workbench.domain.forecasts import Forecast
from workbench.domain.market import FormingCandle, Timeframe
from workbench.visual.chart_spec import ChartSpec, Panel, Span, TradeMark
from workbench.visual.trade_rows import trade_mark

BARS = 90
COLUMNS = ["open", "high", "low", "close", "volume"]


def draw(view: dict[str, Any], theme: str = "dark") -> tuple[bytes, str]:
    """(PNG for a phone, caption) of a `LiveChartRenderer.snapshot`. Raises ValueRefused without a closed bar."""
    from workbench.visual.advanced_renderer import AdvancedRenderer  # vl-convert costs what a live page need not pay

    return AdvancedRenderer(picture(view, theme).for_phone()).png(2.0), caption(view)


def caption(view: dict[str, Any]) -> str:
    """One line: market, price, when (UTC), and what is wrong if something is."""
    newest = view["forming"] or (view["bars"] or [None])[-1]
    if newest is None:
        return f"{view['symbol']} {view['timeframe']}: no bar yet"
    state = (view["status"] or {}).get("state", "stale")
    said = "" if state in ("live", "quiet") else f", {state}"
    chip = (view["mode"] or {}).get("words", "")
    at = _moment(newest[0])
    return (
        f"{view['symbol']} {view['timeframe']}  {newest[4]:,.8g}  bar of {at:%Y-%m-%d %H:%M} UTC{said}  {chip}".rstrip()
    )


def picture(view: dict[str, Any], theme: str = "dark") -> ChartSpec:
    """What it shows: the newest bars, the forming one paler, the fan, the regimes, the trades of those bars."""
    symbol, timeframe = view["symbol"], Timeframe.parse(view["timeframe"])
    trades = _trades(view)
    panel = Panel(
        symbol,
        timeframe,
        _candles(view["bars"][-BARS:]),
        fans=_fans(symbol, timeframe, view["overlay"]),
        ribbon=tuple(
            Span(_moment(since), _moment(until) + timeframe.step, name)
            for since, until, name, _ in view["ribbon"] or ()
        ),
        trades=trades,
        marks=tuple(mark for trade in trades for mark in trade.waits),
        forming=_forming(symbol, timeframe, view["forming"]),
    )
    return ChartSpec((panel,), theme=theme, bars=BARS)


def _trades(view: dict[str, Any]) -> tuple[TradeMark, ...]:
    """Those that were left within the bars shown, and those that are open."""
    since = view["bars"][-BARS:][0][0] if view["bars"] else 0
    finished = [row for row in view.get("trades", ()) if row["out"][0] >= since]
    return tuple(trade_mark(row) for row in (*finished, *(view.get("trading") or {}).get("open", ())))


def _candles(rows: list[list[float]]) -> pd.DataFrame:
    index = pd.DatetimeIndex(pd.to_datetime([row[0] for row in rows], unit="ms", utc=True), name="opened_at")
    return pd.DataFrame([row[1:] for row in rows], index, COLUMNS)


def _forming(symbol: str, timeframe: Timeframe, row: list[float] | None) -> FormingCandle | None:
    if row is None:
        return None
    opened, (o, high, low, close, volume) = _moment(row[0]), row[1:]
    return FormingCandle(symbol, timeframe, opened, o, high, low, close, volume, as_of=opened)


def _fans(symbol: str, timeframe: Timeframe, overlay: dict[str, Any] | None) -> tuple[Forecast, ...]:
    """The forecast that an overlay shows: its fan's last step is what was forecast."""
    if not overlay:
        return ()
    levels, values = tuple(overlay["levels"]), tuple(overlay["fan"][-1])
    seen = _moment(overlay["seen"])
    return (Forecast(overlay["by"], symbol, timeframe, overlay["horizon"], levels, values, overlay["ref"], seen),)


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
