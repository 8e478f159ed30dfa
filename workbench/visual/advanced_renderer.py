"""One description of a chart, shown everywhere: in a notebook, as a picture, as a page that needs nothing else."""

import json
from functools import cache
from html import escape
from typing import Any

import pandas as pd

from workbench.visual import market_layers as market
from workbench.visual.chart_spec import ChartSpec, Panel
from workbench.visual.decimation import merged
from workbench.visual.drawn_layers import put_drawings
from workbench.visual.sheet import Sheet
from workbench.visual.sheet_frame import TAG_WIDTH, Frame, Row, flowed, wide
from workbench.visual.sheet_layers import time_axis
from workbench.visual.tokens import altair_theme, themed

LEAST_PIXELS = 2.4  # a candle needs for body and gap; where there are more, they are merged
RIGHT_SHARE = 0.03


class AdvancedRenderer:
    """What `spec` describes. The Vega-Lite specification has all data inside and loads nothing."""

    def __init__(self, spec: ChartSpec):
        self.spec = spec
        self._theme = themed(spec.theme, spec.pair)

    def vega_lite(self, moving: bool = False) -> dict[str, Any]:
        """The specification. moving: with zoom, pan and tooltips, for a screen; without them for a picture."""
        datasets: dict[str, list[Row]] = {}
        plots = [self._plot(at, datasets, moving) for at in range(len(self.spec.panels))]
        made = {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "config": self._config(),
            "datasets": datasets,
            "padding": {"left": 8, "right": 8, "top": 8, "bottom": 8},
        }
        if self.spec.title:
            size = self.spec.letters + 4
            made["title"] = {"text": self.spec.title, "fontSize": size, "offset": 10}
        if len(plots) == 1 and not self.spec.title:
            return made | plots[0]
        return made | {"vconcat": plots, "spacing": 6, "resolve": {"scale": {"x": "shared"}}}

    def chart(self) -> Any:
        """An Altair chart for a notebook, that zooms, pans and tells the bar under the pointer."""
        import altair as alt

        spec = self.vega_lite(moving=True)
        datasets = spec.pop("datasets")  # Altair would turn every row into an object of its own: ten seconds
        kind = alt.VConcatChart if "vconcat" in spec else alt.LayerChart
        chart = kind.from_dict(spec, validate=False)
        chart.datasets = datasets
        return chart

    def png(self, scale: float = 1.0) -> bytes:
        from workbench.visual import picture

        return picture.png(self.vega_lite(), self.spec.theme, scale)

    def svg(self) -> str:
        from workbench.visual import picture

        return picture.svg(self.vega_lite(), self.spec.theme)

    def html(self) -> str:
        """One page with everything inside: no network, no other file. Making the first takes some seconds."""
        title = escape(self.spec.title or " · ".join(panel.symbol for panel in self.spec.panels))
        chart = json.dumps(self.vega_lite(moving=True)).replace("<", "\\u003c").replace("\u2028", "\\u2028")
        ground = self._theme.ground
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>body{{margin:0;padding:16px;background:{ground}}}.vega-embed{{max-width:100%}}"
            f"details{{display:none}}</style></head><body><div id='chart'></div><script>{_bundle()}</script>"
            f"<script type='application/json' id='spec'>{chart}</script>"
            "<script>vegaEmbed('#chart',JSON.parse(document.getElementById('spec').textContent),"
            "{actions:false,renderer:'canvas'})</script></body></html>"
        )

    def _config(self) -> dict[str, Any]:
        config = altair_theme(self.spec.theme, self.spec.pair)["config"]
        letters = self.spec.letters
        config["axis"] = config["axis"] | {"labelFontSize": letters, "gridOpacity": 0.35, "labelPadding": 6}
        config["title"] = config["title"] | {"fontSize": letters + 2, "subtitleFontSize": letters, "anchor": "start"}
        config["view"] = {"stroke": self._theme.line}
        config["aria"] = False
        return config

    def _plot(self, at: int, datasets: dict[str, list[Row]], moving: bool) -> dict[str, Any]:
        panel = self.spec.panels[at]
        candles = self._window(panel)
        frame_width = self.spec.width - TAG_WIDTH - 24
        shown, count = merged(candles, panel.timeframe, max(20, int(frame_width / LEAST_PIXELS)))
        frame = self._frame(panel, shown, frame_width, moving)
        sheet = Sheet(frame, f"p{at}")
        self._draw(sheet, panel, shown, count)
        last = at == len(self.spec.panels) - 1
        layers = [_axes(frame, sheet.name, datasets, last, moving), *sheet.layers(datasets)]
        if moving:
            layers.append(_pointer(frame, sheet.name, shown, datasets))
        title = _headline(panel, candles, count, self.spec)
        return {"layer": layers, "width": frame.width, "height": frame.height, "title": title}

    def _window(self, panel: Panel) -> pd.DataFrame:
        """The panel's bars that are shown: the newest of the first panel's, and what the others have since then."""
        first = self.spec.panels[0]
        if not self.spec.bars:
            return panel.candles
        since = first.candles.index[-min(self.spec.bars, len(first.candles))]
        shown = panel.candles.loc[since:]
        return shown if len(shown) else panel.candles.iloc[-1:]

    def _frame(self, panel: Panel, shown: pd.DataFrame, width: int, moving: bool) -> Frame:
        start, end = self._span()
        low, high = market.extent(panel, shown)
        span = (high - low) or 0.02 * high
        lines = self._legend_lines(panel, width) + bool(panel.ribbon)
        top, bottom = (
            0.04 + lines * (self.spec.letters + 5) / panel.height,
            0.05 + (0.75 * market.VOLUME_SHARE if panel.volume else 0.0),
        )
        whole = span / (1 - top - bottom)
        return Frame(
            width,
            panel.height,
            start,
            end,
            low - bottom * whole,
            high + top * whole,
            self._theme,
            self.spec.letters,
            moving,
        )

    def _span(self) -> tuple[float, float]:
        """One time axis for all panels: from the first bar shown to the newest close, and as far as a fan reaches."""
        windows = [self._window(panel) for panel in self.spec.panels]
        start = min(market.ms(window.index[0]) for window in windows)
        newest = max(market.ms(panel.end) for panel in self.spec.panels)
        ends = [market.ms(forecast.matures_at) for panel in self.spec.panels for forecast in panel.fans]
        end = max([newest, *ends])
        return start, end + RIGHT_SHARE * (end - start)

    def _legend_lines(self, panel: Panel, width: int) -> int:
        texts = [text for text, _ in market.legend(panel, self._theme)]
        return 1 + max((line for _, line in flowed(texts, width, self.spec.letters)), default=-1)

    def _draw(self, sheet: Sheet, panel: Panel, shown: pd.DataFrame, count: int) -> None:
        form = f",.{sheet.frame.digits}f"
        market.put_ribbon(sheet, panel)
        market.put_overlays(sheet, panel)
        market.put_fans(sheet, panel)
        market.put_candles(sheet, shown, count * panel.timeframe.milliseconds, panel.volume)
        market.put_forming(sheet, panel)
        market.put_patterns(sheet, panel)
        market.put_marks(sheet, panel, form)
        put_drawings(sheet, panel, form)
        market.put_trades(sheet, panel)
        self._put_legend(sheet, panel)
        newest, last = panel.forming or shown.iloc[-1], panel.price
        ink = self._theme.up if newest.close >= newest.open else self._theme.down
        sheet.stroke(sheet.frame.start, last, sheet.frame.end, last, ink, 0.8, "dotted")
        sheet.tag(last, format(last, form), ink)

    def _put_legend(self, sheet: Sheet, panel: Panel) -> None:
        lines, frame = market.legend(panel, self._theme), sheet.frame
        top = frame.line_px + 5 if panel.ribbon else 5
        places = flowed([text for text, _ in lines], frame.width, frame.letters)
        rows = zip(lines, places, strict=True)
        sheet.put("legend", ({"x": x, "y": top + n * frame.line_px, "text": t, "c": c} for (t, c), (x, n) in rows))


def _axes(frame: Frame, name: str, datasets: dict[str, list[Row]], last: bool, moving: bool) -> dict[str, Any]:
    """An invisible layer that settles both scales and their axes; the others take them over."""
    datasets[f"{name}_frame"] = [{"t": frame.start, "p": frame.low}, {"t": frame.end, "p": frame.high}]
    x = {"field": "t", "type": "temporal", "axis": time_axis(frame, last)}
    x["scale"] = {"type": "utc", "domain": [frame.start, frame.end], "nice": False}
    y = {"field": "p", "type": "quantitative", "axis": _price_axis(frame)}
    y["scale"] = {"domain": [frame.low, frame.high], "nice": False, "zero": False}
    layer = {
        "data": {"name": f"{name}_frame"},
        "mark": {"type": "point", "opacity": 0, "size": 0},
        "encoding": {"x": x, "y": y},
    }
    if moving:
        select = {"type": "interval", "encodings": ["x", "y"]}
        layer["params"] = [{"name": f"{name}_zoom", "select": select, "bind": "scales"}]
    return layer


def _price_axis(frame: Frame) -> dict[str, Any]:
    return {
        "orient": "right",
        "title": None,
        "format": f",.{frame.axis_digits}f",
        "tickCount": max(3, frame.height // (4 * frame.letters)),
        "domain": False,
        "ticks": False,
        "minExtent": TAG_WIDTH,
        "maxExtent": TAG_WIDTH,
    }


def _pointer(frame: Frame, name: str, shown: pd.DataFrame, datasets: dict[str, list[Row]]) -> dict[str, Any]:
    """Invisible boxes as high as the plot that tell the bar under the pointer."""
    step = (frame.end - frame.start) / max(1, len(shown))
    columns = ("open", "high", "low", "close", "volume")
    opened = shown.index.as_unit("ms").asi8.tolist()
    table = zip(opened, *(shown[column].tolist() for column in columns), strict=True)
    datasets[f"{name}_bars"] = [
        {"t": row[0], "t2": row[0] + step, **dict(zip(columns, row[1:], strict=True))} for row in table
    ]
    told = [{"field": "t", "type": "temporal", "title": "opened (UTC)", "format": "%Y-%m-%d %H:%M"}]
    form = f",.{frame.digits}f"
    told += [{"field": column, "type": "quantitative", "format": form} for column in columns[:4]]
    told += [{"field": "volume", "type": "quantitative", "format": ",.4~g"}]
    encoding = {"x": {"field": "t", "type": "temporal"}, "x2": {"field": "t2"}, "tooltip": told}
    mark = {"type": "rect", "opacity": 0, "clip": True}
    return {"data": {"name": f"{name}_bars"}, "mark": mark, "encoding": encoding}


def _headline(panel: Panel, candles: pd.DataFrame, count: int, spec: ChartSpec) -> dict[str, Any]:
    """The market, its newest bar and its change over what is shown, in as many lines as the width asks for."""
    bar, digits = candles.iloc[-1], 2 if candles["close"].iloc[-1] >= 100 else 4
    parts = [" ".join(f"{name[0].upper()} {bar[name]:,.{digits}f}" for name in ("open", "high", "low", "close"))]
    change = 100 * (bar["close"] / candles["open"].iloc[0] - 1)
    parts.append(f"{change:+,.2f} % over {len(candles):,} bars".replace("-", "−"))
    parts += [f"{count:,} bars a candle"] if count > 1 else []
    parts.append(f"closed {panel.end:%Y-%m-%d %H:%M} UTC")
    lines = [parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]} · {part}"
        if wide(longer, spec.letters) <= spec.width - 16:
            lines[-1] = longer
        else:
            lines.append(part)
    place = {"anchor": "start", "frame": "group"}
    return {"text": f"{panel.symbol} · {panel.timeframe}", "subtitle": lines, **place}


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, out of the installed package."""
    import vl_convert

    script = vl_convert.javascript_bundle(vl_version="v6.4")  # type: ignore[call-arg]
    return script.replace("</script", "<\\/script")
