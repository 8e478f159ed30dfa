"""A live chart as a still picture with its caption, for a chat."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from workbench.visual.tokens import themed

BARS = 90
COLUMNS = ["at", "open", "high", "low", "close", "volume"]


def draw(view: dict[str, Any], theme: str = "dark") -> tuple[bytes, str]:
    """(PNG ×2, caption) of a `LiveChartRenderer.snapshot`: the newest bars, the forming one paler, and the fan."""
    from workbench.visual.picture import png  # Altair and vl-convert cost seconds that a live page need not pay

    return png(picture(view, theme), theme, scale=2.0), caption(view)


def caption(view: dict[str, Any]) -> str:
    """One line: market, price, when (UTC), and what is wrong if something is."""
    newest = view["forming"] or (view["bars"] or [None])[-1]
    if newest is None:
        return f"{view['symbol']} {view['timeframe']}: no bar yet"
    at = datetime.fromtimestamp(newest[0] / 1000, UTC)
    state = (view["status"] or {}).get("state", "stale")
    said = "" if state in ("live", "quiet") else f", {state}"
    chip = (view["mode"] or {}).get("words", "")
    return (
        f"{view['symbol']} {view['timeframe']}  {newest[4]:,.8g}  bar of {at:%Y-%m-%d %H:%M} UTC{said}  {chip}".rstrip()
    )


def picture(view: dict[str, Any], theme: str = "dark") -> Any:
    """The Altair chart."""
    import altair as alt

    colours = themed(theme)
    forming = [view["forming"]] if view["forming"] else []
    rows = pd.DataFrame([*view["bars"][-BARS:], *forming], columns=COLUMNS)
    rows["open_now"] = [False] * (len(rows) - len(forming)) + [True] * len(forming)
    rows["rose"] = rows["close"] >= rows["open"]
    rows["at"] = pd.to_datetime(rows["at"], unit="ms", utc=True)
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"))
    hue = alt.Color("rose:N", legend=None, scale=alt.Scale(domain=[True, False], range=[colours.up, colours.down]))
    faint = alt.Opacity("open_now:N", legend=None, scale=alt.Scale(domain=[False, True], range=[1, 0.55]))
    y = alt.Scale(zero=False, nice=False)
    base = alt.Chart(rows)
    layers = [
        base.mark_rule().encode(x, alt.Y("low:Q", scale=y, title=None), alt.Y2("high:Q"), hue, faint),
        base.mark_bar(size=5).encode(x, alt.Y("open:Q", scale=y), alt.Y2("close:Q"), hue, faint),
    ]
    overlay = view["overlay"]
    if overlay:
        layers = [*_fan(alt, overlay, colours), *layers]
    title = f"{view['symbol']} {view['timeframe']}"
    volume = base.mark_bar(size=5).encode(x, alt.Y("volume:Q", title=None, axis=None), hue, faint)
    prices = alt.layer(*layers).properties(width=820, height=360, title=title)
    return alt.vconcat(prices, volume.properties(width=820, height=60), spacing=4).resolve_scale(x="shared")


def _fan(alt: Any, overlay: dict[str, Any], colours: Any) -> list[Any]:
    names = [f"q{i}" for i in range(len(overlay["levels"]))]
    rows = pd.DataFrame(overlay["fan"], columns=names)
    rows["at"] = pd.to_datetime(
        [overlay["seen"] + step * overlay["step"] for step in overlay["steps"]], unit="ms", utc=True
    )
    base = alt.Chart(rows)
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"))
    y = alt.Scale(zero=False, nice=False)
    bands = [
        base.mark_area(opacity=0.16, color=colours.accent).encode(x, alt.Y(f"{low}:Q", scale=y), alt.Y2(f"{high}:Q"))
        for low, high in zip(names[: len(names) // 2], names[::-1], strict=False)
    ]
    middle = base.mark_line(color=colours.accent, strokeWidth=1.2, strokeDash=[4, 3])
    return [*bands, middle.encode(x, alt.Y(f"{names[len(names) // 2]}:Q", scale=y))]
