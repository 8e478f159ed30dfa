"""A market's price, the probability that it was turbulent as told at the time, and where it changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from workbench.visual.tokens import themed


def regime_chart(
    path: pd.DataFrame, changes: Sequence[datetime], title: str, theme: str = "dark", enter: float = 0.7
) -> Any:
    """path : index UTC close times; columns close, turbulent (probability, NaN unknown). changes : likely times of
    change, marked on both panels. enter : the probability at which a regime takes over, drawn as a line."""
    colours = themed(theme)
    rows = path.rename_axis("time").reset_index()
    x = alt.X("time:T", title=None, scale=alt.Scale(type="utc"))
    marks = alt.Chart(pd.DataFrame({"time": pd.DatetimeIndex(list(changes), tz="UTC")})).mark_rule(
        color=colours.warning, strokeDash=[4, 3]
    )
    price = alt.Chart(rows).mark_line(color=colours.text, strokeWidth=1.2)
    share = alt.Chart(rows).mark_area(color=colours.down, opacity=0.5, line={"color": colours.down})
    level = alt.Chart(pd.DataFrame({"y": [enter]})).mark_rule(color=colours.line).encode(alt.Y("y:Q"))
    upper = alt.layer(
        price.encode(x, alt.Y("close:Q", title="price", scale=alt.Scale(zero=False))), marks.encode(x)
    ).properties(width=620, height=180, title=title)
    lower = alt.layer(
        level,
        share.encode(x, alt.Y("turbulent:Q", title="turbulent", scale=alt.Scale(domain=[0, 1]))),
        marks.encode(x),
    ).properties(width=620, height=90)
    return alt.vconcat(upper, lower, spacing=8).resolve_scale(x="shared")
