"""Altair charts of how well forecasts were: reliability, where outcomes fell, skill over time."""

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from workbench.quant.league import LeagueRow, Skill
from workbench.visual.tokens import bot_colour, themed

LEAST = 40  # outcomes below which a share says nothing yet
EDGE = 1.64  # 90 % of what chance does to a share


def reliability(rows: Sequence[LeagueRow], theme: str = "dark") -> Any:
    """Share of outcomes at or below each probability that a bot stated: on the diagonal where it means what it says.

    The band holds nine of ten bots that do, were their outcomes independent; those of long horizons overlap.
    """
    points = [point for row in rows for point in _reliability(row)]
    frame = pd.DataFrame(points, columns=["bot", "said", "was", "outcomes"])
    colours = themed(theme)
    fewest = min((sum(row.pit) for row in rows if sum(row.pit) >= LEAST), default=0)
    said = np.linspace(0, 1, 41)
    width = EDGE * np.sqrt(said * (1 - said) / fewest) if fewest else np.zeros_like(said)
    band = pd.DataFrame({"said": said, "low": np.clip(said - width, 0, 1), "high": np.clip(said + width, 0, 1)})
    x = alt.X("said:Q", title="probability stated", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("was:Q", title="outcomes at or below", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(frame).encode(x, y, _colour(frame["bot"], theme), tooltip=list(frame))
    return alt.layer(
        alt.Chart(band)
        .mark_area(opacity=0.2, color=colours.muted)
        .encode(x, alt.Y("low:Q", title=None), alt.Y2("high:Q")),
        alt.Chart(band).mark_line(color=colours.line).encode(x, alt.Y("said:Q", title=None)),
        base.mark_line(strokeWidth=1.5),
        base.mark_circle(size=28),
    ).properties(width=320, height=320, title="Reliability")


def pit_histogram(rows: Sequence[LeagueRow], theme: str = "dark") -> Any:
    """Where outcomes fell within each bot's fan: flat where it is right, high at both ends where it is too sure."""
    table = [
        (row.bot_id, (number + 0.5) / len(row.pit), len(row.pit) * count / sum(row.pit))
        for row in rows
        if sum(row.pit) >= LEAST
        for number, count in enumerate(row.pit)
    ]
    frame = pd.DataFrame(table, columns=["bot", "place", "density"])
    even = alt.Chart(pd.DataFrame({"y": [1.0]})).mark_rule(color=themed(theme).muted, strokeDash=[4, 3]).encode(y="y:Q")
    x = alt.X("place:Q", title="place in the fan", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    bars = (
        alt.Chart(frame)
        .mark_bar(width=5)
        .encode(x, alt.Y("density:Q", title="1 is even"), _colour(frame["bot"], theme))
    )
    return (
        alt.layer(bars, even, data=frame)
        .properties(width=140, height=120)
        .facet(alt.Facet("bot:N", title=None), columns=4)
        .properties(title="Where outcomes fell (PIT)")
    )


def skill_over_time(course: Iterable[Skill], theme: str = "dark") -> Any:
    """Skill against the naive forecast over a moving window: above 0 beats it. course : `quant.league.course`."""
    frame = pd.DataFrame([(s.bot_id, pd.Timestamp(s.day), s.skill, s.scored) for s in course])
    frame = (
        frame.set_axis(["bot", "day", "skill", "forecasts"], axis=1)
        if len(frame)
        else pd.DataFrame(columns=["bot", "day", "skill", "forecasts"])
    )
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=themed(theme).line).encode(alt.Y("y:Q"))
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc"))
    y = alt.Y("skill:Q", title="skill against naive", axis=alt.Axis(format="+.0%"))
    lines = alt.Chart(frame).mark_line(strokeWidth=1.5).encode(x, y, _colour(frame["bot"], theme), tooltip=list(frame))
    return alt.layer(zero, lines).properties(width=620, height=220, title="Skill over time")


def _reliability(row: LeagueRow) -> list[tuple[str, float, float, int]]:
    total = sum(row.pit)
    if total < LEAST:
        return []
    shares = np.cumsum(row.pit) / total
    return [(row.bot_id, (n + 1) / len(row.pit), float(shares[n]), total) for n in range(len(row.pit) - 1)]


def _colour(bots: pd.Series, theme: str) -> Any:
    names = sorted(set(bots))
    colours = [getattr(bot_colour(name), theme) for name in names]
    return alt.Color("bot:N", title=None, scale=alt.Scale(domain=names, range=colours))


def league_frame(rows: Sequence[LeagueRow]) -> pd.DataFrame:
    """League rows as a table to read: shares and skills in per cent, unknown empty."""
    lines = [
        {
            "market": row.symbol,
            "regime": row.regime,
            "bot": row.bot_id,
            "scored": row.scored,
            "skill %": _percent(row.skill),
            "CRPS, σ": row.crps,
            **{f"in {100 * p:.0f} %": _percent(row.coverage.get(p)) for p in (0.5, 0.8, 0.9)},
            "QLIKE": row.qlike,
            "volatility skill %": _percent(row.qlike_skill),
            "behind the best": row.versus.difference if row.versus else None,
            "p": row.versus.p_value if row.versus else None,
            "days": row.versus.days if row.versus else None,
        }
        for row in rows
    ]
    frame = pd.DataFrame(lines)
    return frame.loc[:, [name for name in frame if frame[name].notna().any() and (frame[name] != "").any()]].round(3)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
