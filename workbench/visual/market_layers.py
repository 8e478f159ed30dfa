"""What the market and the bots put on a sheet: candles, volume, overlays, fans, regimes, patterns, trades."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workbench.visual import overlays
from workbench.visual.chart_spec import Average, HigherCandles, HigherLevels, Line, Overlay, Panel
from workbench.visual.decimation import kept
from workbench.visual.fan_reading import cone, read
from workbench.visual.sheet import Sheet
from workbench.visual.sheet_frame import Row
from workbench.visual.tokens import REGIMES, Theme, bot_colour

BAND, INNER = (0.1, 0.9), (0.25, 0.75)
VOLUME_SHARE, INSET = 0.18, 0.14
Sides = tuple[np.ndarray, np.ndarray]
_LINES = ("#e5a50a", "#b392f0", "#39c5cf", "#f778ba", "#a5d86e", "#8c9eff")
_LINES_LIGHT = ("#9a6b00", "#7c4dcc", "#0e7c86", "#bf3989", "#5a8a1c", "#4051b5")


def ms(moment: pd.Timestamp) -> float:
    return pd.Timestamp(moment).timestamp() * 1000


def put_candles(sheet: Sheet, shown: pd.DataFrame, step_ms: float, volume: bool) -> None:
    """shown : the candles drawn, one each `step_ms`. A bar spans its time: the left edge is its open."""
    theme, frame = sheet.frame.theme, sheet.frame
    opened = shown.index.as_unit("ms").asi8
    o, h, low, c, v = (shown[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    hair = 0.8 / frame.height * (frame.high - frame.low)
    bottom, top = np.minimum(o, c), np.maximum(o, c)
    top = np.maximum(top, bottom + hair)
    tall = np.minimum(v / max(float(np.quantile(v, 0.995)), 1e-12), 1.0) * VOLUME_SHARE * frame.height
    draw = _put_boxes if frame.moving else _put_columns
    for ink, of in ((theme.up, c >= o), (theme.down, c < o)):
        times = opened[of]
        draw(sheet, "wicks", times, (low[of], h[of]), ink, step_ms)
        draw(sheet, "bodies", times, (bottom[of], top[of]), ink, step_ms)
        if volume:
            draw(sheet, "volume", times, (frame.height - tall[of], np.full(of.sum(), frame.height)), ink, step_ms)


def put_forming(sheet: Sheet, panel: Panel) -> None:
    """The bar that is not closed yet, paler than those that are."""
    bar = panel.forming
    if bar is None:
        return
    theme, step = sheet.frame.theme, panel.timeframe.milliseconds
    ink, opened = theme.up if bar.close >= bar.open else theme.down, ms(pd.Timestamp(bar.opened_at))
    middle, hair = opened + step / 2, 0.8 / sheet.frame.height * (sheet.frame.high - sheet.frame.low)
    bottom, top = min(bar.open, bar.close), max(bar.open, bar.close)
    sheet.stroke(middle, bar.low, middle, bar.high, ink + "88", 1)
    sheet.box(opened + INSET * step, bottom, opened + (1 - INSET) * step, max(top, bottom + hair), ink, ink, 0.25)


def _put_boxes(sheet: Sheet, layer: str, opened: np.ndarray, sides: Sides, ink: str, step_ms: float) -> None:
    """As boxes in time, which grow when the chart is zoomed."""
    inset = INSET * step_ms
    rows = zip(opened.tolist(), sides[0].tolist(), sides[1].tolist(), strict=True)
    if layer == "wicks":
        sheet.put(layer, ({"t": t + step_ms / 2, "p": a, "p2": b, "c": ink} for t, a, b in rows))
        return
    keys = ("y", "y2", "fill") if layer == "volume" else ("p", "p2", "c")
    base = {"o": 0.3} if layer == "volume" else {}
    for t, a, b in rows:
        sheet.put(layer, [{**base, "t": t + inset, "t2": t + step_ms - inset, keys[0]: a, keys[1]: b, keys[2]: ink}])


def _put_columns(sheet: Sheet, layer: str, opened: np.ndarray, sides: Sides, ink: str, step_ms: float) -> None:
    """As strokes of one path: quick to print."""
    frame = sheet.frame
    wide = (1 - 2 * INSET) * step_ms / (frame.end - frame.start) * frame.width
    style = {"id": f"{layer}{ink}", "c": ink, "w": round(max(1.0, min(wide, 1.0 if layer == "wicks" else wide)), 2)}
    target = "volume_columns" if layer == "volume" else "columns"
    rows: list[Row] = []
    for t, a, b in zip((opened + step_ms / 2).tolist(), sides[0].tolist(), sides[1].tolist(), strict=True):
        rows += [{"t": t, "p": a, **style}, {"t": t, "p": b, **style}, {"t": t, "p": None, **style}]
    sheet.put(target, rows)


def legend(panel: Panel, theme: Theme) -> list[tuple[str, str]]:
    """(name, ink) of each overlay, and of each forecast with its error so far."""
    inks = _LINES if theme.name == "dark" else _LINES_LIGHT
    found = [(name_of(overlay, panel), _ink(overlay, i, inks, theme)) for i, overlay in enumerate(panel.overlays)]
    closes = _closes(panel)
    for forecast in panel.fans:
        words = f"{forecast.bot_id}, {forecast.horizon} bars: {read(forecast, closes).words}"
        found.append((words, getattr(bot_colour(forecast.bot_id), theme.name)))
    return found


def name_of(overlay: Overlay, panel: Panel) -> str:
    match overlay:
        case HigherCandles(timeframe):
            return f"{timeframe} candles"
        case HigherLevels(timeframe):
            return f"{timeframe} high and low"
        case Average(bars, timeframe, exponential):
            of = f" of {timeframe}" if timeframe and timeframe != panel.timeframe else ""
            return f"{'EMA' if exponential else 'SMA'} {bars}{of}"
    return overlay.name


def put_overlays(sheet: Sheet, panel: Panel) -> None:
    theme = sheet.frame.theme
    inks = _LINES if theme.name == "dark" else _LINES_LIGHT
    for number, overlay in enumerate(panel.overlays):
        ink, key = _ink(overlay, number, inks, theme), f"overlay{number}"
        match overlay:
            case HigherCandles():
                _put_higher_candles(sheet, panel, overlay)
            case HigherLevels(timeframe):
                table = overlays.higher_levels(panel.candles, panel.timeframe, timeframe)
                for side in ("high", "low"):
                    _put_series(sheet, "stairs", table[side], key + side, ink + "aa", 1.0, panel.end)
            case Average():
                values = overlays.average(panel.candles, panel.timeframe, overlay)
                longer = overlay.timeframe is not None and overlay.timeframe != panel.timeframe
                _put_series(sheet, "stairs" if longer else "paths", values, key, ink, 1.5, panel.end)
            case _:
                _put_series(sheet, "paths", overlay.values, key, ink, 1.5, panel.end)


def _ink(overlay: Overlay, number: int, inks: tuple[str, ...], theme: Theme) -> str:
    if isinstance(overlay, HigherCandles | HigherLevels):
        return theme.muted
    if isinstance(overlay, Line) and overlay.by:
        return getattr(bot_colour(overlay.by), theme.name)
    return inks[number % len(inks)]


def _closes(panel: Panel) -> pd.Series:
    """Closes by the time at which they were known."""
    step = pd.Timedelta(milliseconds=panel.timeframe.milliseconds)
    return panel.candles["close"].set_axis(panel.candles.index + step)


def _put_series(
    sheet: Sheet, layer: str, values: pd.Series, key: str, ink: str, width: float, end: pd.Timestamp
) -> None:
    """The part of a series that is in the frame, with the value that holds at its left edge; extremes are kept."""
    times = values.index.as_unit("ms").asi8
    first = max(0, int(np.searchsorted(times, sheet.frame.start, side="right")) - 1)
    times, prices = times[first:], values.to_numpy()[first:]
    rows = kept(prices, 2 * sheet.frame.width)
    points = [
        {"t": int(times[i]), "p": None if np.isnan(prices[i]) else float(prices[i]), "id": key, "c": ink, "w": width}
        for i in rows
    ]
    if layer == "stairs" and points:
        points.append({**points[-1], "t": ms(end)})
    sheet.put(layer, points)


def _put_higher_candles(sheet: Sheet, panel: Panel, overlay: HigherCandles) -> None:
    table = overlays.higher_candles(panel.candles, panel.timeframe, overlay.timeframe)
    theme, step = sheet.frame.theme, overlay.timeframe.milliseconds
    for opened, bar in zip(table.index.as_unit("ms").asi8.tolist(), table.itertuples(), strict=True):
        if opened + step <= sheet.frame.start:
            continue
        ink = theme.up if bar.close >= bar.open else theme.down
        sheet.box(opened + 0.03 * step, bar.open, opened + 0.97 * step, bar.close, ink, ink + "55", 0.06)
        middle = opened + step / 2
        for a, b in ((bar.low, min(bar.open, bar.close)), (max(bar.open, bar.close), bar.high)):
            sheet.stroke(middle, a, middle, b, ink + "55", 1)


def put_fans(sheet: Sheet, panel: Panel) -> None:
    """Each forecast as a cone with its middle, and a dot where the market stands in it."""
    closes = _closes(panel)
    for number, forecast in enumerate(panel.fans):
        ink, key = _by(sheet, forecast.bot_id), f"fan{number}"
        table = cone(forecast, (*BAND, *INNER, 0.5))
        times = table["t"].tolist()
        for (low, high), opacity in ((BAND, 0.16), (INNER, 0.2)):
            pairs = zip(times, table[f"q{low:g}"], table[f"q{high:g}"], strict=True)
            style = {"id": f"{key} {low}", "c": ink, "o": opacity}
            sheet.put("areas", ({"t": t, "p": a, "p2": b, **style} for t, a, b in pairs))
        middle = zip(times, table["q0.5"], strict=True)
        sheet.put("paths", ({"t": t, "p": p, "id": key, "c": ink, "w": 1.6} for t, p in middle))
        reading = read(forecast, closes)
        if reading.price is not None:
            at = forecast.seen_at + reading.elapsed * (forecast.matures_at - forecast.seen_at)
            _sign(sheet, ms(at), reading.price, ink, "circle", 42)


def _sign(sheet: Sheet, t: float, price: float, ink: str, shape: str, size: float) -> None:
    frame = sheet.frame
    if frame.start <= t <= frame.end and frame.low <= price <= frame.high:
        sheet.put("signs", [{"t": t, "p": price, "c": ink, "shape": shape, "size": size}])


def put_ribbon(sheet: Sheet, panel: Panel) -> None:
    """Regimes as a strip along the top, named where there is room."""
    frame, tall = sheet.frame, sheet.frame.line_px
    per_ms = frame.width / (frame.end - frame.start)
    for span in panel.ribbon:
        since, until = max(ms(span.since), frame.start), min(ms(span.until), frame.end)
        if until <= since:
            continue
        tint = getattr(REGIMES.get(span.name, REGIMES["unknown"]), frame.theme.name)
        sheet.put("ribbon", [{"t": since, "t2": until, "y": 0, "y2": tall, "fill": tint, "o": 1}])
        if (until - since) * per_ms > len(span.name) * frame.letters * 0.62 + 10:
            sheet.put("ribbon_words", [{"t": since, "text": span.name, "c": frame.theme.muted}])


def put_patterns(sheet: Sheet, panel: Panel) -> None:
    ink, theme = sheet.frame.theme.warning, sheet.frame.theme
    for mark in panel.patterns:
        sheet.box(ms(mark.since), mark.low, ms(mark.until), mark.high, ink, ink, 0.09)
        words = f"{mark.name} · {mark.words}" if mark.words else mark.name
        sheet.words(ms(mark.since), mark.high, words, theme.warning_text, dy=-sheet.frame.line_px / 2 - 2)


def put_trades(sheet: Sheet, panel: Panel) -> None:
    """▲ bought, ▼ sold: a short goes in with the one and out with the other. Joined in the colour of the outcome."""
    theme = sheet.frame.theme
    for trade in panel.trades:
        ink, entered = _by(sheet, trade.by) if trade.by else theme.accent, ms(trade.entered_at)
        way_in, way_out = ("triangle-down", "triangle-up") if trade.short else ("triangle-up", "triangle-down")
        if trade.left_at is not None and trade.exit_price is not None:
            moved = trade.exit_price - trade.entry_price
            won = trade.pnl if trade.pnl is not None else -moved if trade.short else moved
            result, left = theme.up if won >= 0 else theme.down, ms(trade.left_at)
            sheet.stroke(entered, trade.entry_price, left, trade.exit_price, result, 1.6, "dotted")
            _sign(sheet, left, trade.exit_price, result, way_out, 90)
        _sign(sheet, entered, trade.entry_price, ink, way_in, 90)


def put_marks(sheet: Sheet, panel: Panel, form: str) -> None:
    """Stops, targets and entries as lines with their price at the edge."""
    theme, frame = sheet.frame.theme, sheet.frame
    inks = {"stop": theme.down_text, "target": theme.up_text, "entry": theme.accent_text}
    for mark in panel.marks:
        since = ms(mark.since) if mark.since else frame.start
        until = ms(mark.until) if mark.until else frame.end
        sheet.stroke(since, mark.price, until, mark.price, inks[mark.kind], 1.2, "dashed")
        sheet.tag(mark.price, format(mark.price, form), inks[mark.kind], f"{mark.kind} {mark.by}".strip())


def _by(sheet: Sheet, bot_id: str) -> str:
    return getattr(bot_colour(bot_id), sheet.frame.theme.name)


def extent(panel: Panel, shown: pd.DataFrame) -> tuple[float, float]:
    """Prices that the plot must hold: the candles, and of the rest what is not too far from them."""
    low, high = float(shown["low"].min()), float(shown["high"].max())
    reach = 0.5 * (high - low) or 0.01 * high
    near = [v for v in _others(panel, shown) if low - reach <= v <= high + reach]
    return min([low, *near]), max([high, *near])


def _others(panel: Panel, shown: pd.DataFrame) -> Iterator[float]:
    start = shown.index[0]
    yield from (panel.forming.low, panel.forming.high) if panel.forming else ()
    for forecast in panel.fans:
        if forecast.matures_at > start:
            yield from (forecast.quantile(level) for level in BAND)
    yield from (mark.price for mark in panel.marks)
    for pattern in panel.patterns:
        if pattern.until > start:
            yield from (pattern.low, pattern.high)
    for drawing in panel.drawings:
        yield from (handle.price for handle in drawing.handles if handle.at is None or handle.at >= start)
