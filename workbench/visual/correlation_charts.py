"""Altair charts of correlations: heatmap, rolling line with its interval, scatter."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from workbench.visual.multi_asset_correlation import MultiAssetCorrelation
from workbench.visual.tokens import themed

alt.data_transformers.disable_max_rows()
GREATEST_LABELLED = 14  # above so many assets a number in each cell cannot be read


def heatmap(matrix: pd.DataFrame, order: list[str] | None = None, theme: str = "dark") -> Any:
    """Every pair as a coloured cell, red −1 … green 1, with its number while there is room; unknown pairs are empty."""
    colours = themed(theme)
    names = order or list(matrix)
    long = matrix.rename_axis(index="one", columns="other").stack().rename("r").reset_index()
    side = max(180, min(620, 46 * len(names)))
    base = alt.Chart(long).encode(
        alt.X("one:N", sort=names, title=None, axis=alt.Axis(labelAngle=-45)),
        alt.Y("other:N", sort=names, title=None),
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=[colours.down, colours.raised, colours.up])
    cells = base.mark_rect().encode(
        alt.Color("r:Q", scale=scale, title="correlation"),
        tooltip=[alt.Tooltip("one:N"), alt.Tooltip("other:N"), alt.Tooltip("r:Q", format="+.3f", title="correlation")],
    )
    layers = [cells]
    if len(names) <= GREATEST_LABELLED:
        layers.append(base.mark_text(fontSize=11, color=colours.text).encode(alt.Text("r:Q", format="+.2f")))
    return alt.layer(*layers).properties(width=side, height=side)


def rolling_line(path: pd.DataFrame, title: str, theme: str = "dark") -> Any:
    """A pair's rolling correlation with its 90 % interval. path : `MultiAssetCorrelation.path`."""
    colours = themed(theme)
    rows = path.rename_axis("time").reset_index()
    x = alt.X("time:T", title=None, scale=alt.Scale(type="utc"))
    y = alt.Scale(domain=[-1, 1])
    band = alt.Chart(rows).mark_area(opacity=0.25, color=colours.accent)
    line = alt.Chart(rows).mark_line(color=colours.accent, strokeWidth=1.5)
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=colours.line).encode(alt.Y("y:Q"))
    return alt.layer(
        zero,
        band.encode(x, alt.Y("low:Q", scale=y, title="correlation"), alt.Y2("high:Q")),
        line.encode(x, alt.Y("correlation:Q", scale=y)),
    ).properties(width=620, height=180, title=title)


def scatter(assets: MultiAssetCorrelation, one: str, other: str, theme: str = "dark") -> Any:
    """Returns of two markets bar by bar over the last window, with the line of least squares."""
    colours = themed(theme)
    rows = (100 * assets.returns[[one, other]]).iloc[-assets.window :].dropna().set_axis(["one", "other"], axis=1)
    points = alt.Chart(rows).mark_circle(size=14, opacity=0.5, color=colours.accent)
    return alt.layer(
        points.encode(
            alt.X("one:Q", title=f"{one}, % a bar"),
            alt.Y("other:Q", title=f"{other}, % a bar"),
            tooltip=[alt.Tooltip("one:Q", format="+.2f"), alt.Tooltip("other:Q", format="+.2f")],
        ),
        alt.Chart(rows)
        .transform_regression("one", "other")
        .mark_line(color=colours.warning)
        .encode(alt.X("one:Q"), alt.Y("other:Q")),
    ).properties(width=280, height=280)


def ordered(assets: MultiAssetCorrelation) -> list[str]:
    """The symbols, those that move together beside each other."""
    return [assets.symbols[i] for i in np.asarray(assets.clusters().order)]


def changes_table(assets: MultiAssetCorrelation) -> pd.DataFrame:
    """Pairs whose correlation changed, all pairs together held to 5 %; empty where there is no evidence of any."""
    rows = [
        (one, other, assets.returns.index[change.at], change.before, change.after, change.p_value)
        for one, other, change in assets.changes()
    ]
    return pd.DataFrame(rows, columns=["one", "other", "around", "before", "since", "p"])


def leads_table(assets: MultiAssetCorrelation, greatest_lag: int = 6) -> pd.DataFrame:
    """Who moves first, all pairs and lags together held to 5 %; empty where there is no evidence of any."""
    rows = [
        (assets.symbols[lead.leader], assets.symbols[lead.follower], lead.lag, lead.correlation, lead.p_value)
        for lead in assets.leads(greatest_lag)
    ]
    return pd.DataFrame(rows, columns=["leader", "follower", "bars later", "correlation", "p"])


def prediction_heatmap(assets: MultiAssetCorrelation, theme: str = "dark") -> Any:
    """Out of sample: the share of squared error that the row's past saves in forecasting the column, in percent.

    Cells that help beyond doubt (p ≤ 5 %, all pairs together) carry a star.
    """
    found, names, colours = assets.cross_prediction(), list(assets.symbols), themed(theme)
    rows = pd.DataFrame(
        [
            (a, b, 100 * found.gain[i, j], f"{100 * found.gain[i, j]:+.2f}{'*' if found.p_value[i, j] <= 0.05 else ''}")
            for i, a in enumerate(names)
            for j, b in enumerate(names)
            if i != j
        ],
        columns=["past of", "forecast of", "gain", "shown"],
    )
    reach = max(1.0, float(rows["gain"].abs().max()))
    scale = alt.Scale(domain=[-reach, 0, reach], range=[colours.down, colours.raised, colours.up])
    base = alt.Chart(rows).encode(alt.X("forecast of:N", sort=names), alt.Y("past of:N", sort=names))
    side = max(180, min(620, 62 * len(names)))
    return alt.layer(
        base.mark_rect().encode(alt.Color("gain:Q", scale=scale, title="error saved, %")),
        base.mark_text(fontSize=11, color=colours.text).encode(alt.Text("shown:N")),
    ).properties(width=side, height=side, title=f"{found.n_forecasts:,} forecasts out of sample")
