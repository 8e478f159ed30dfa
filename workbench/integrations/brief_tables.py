"""A brief's tables and its one chart. Names are text; – is unknown, never 0."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from workbench.domain.desk import BotRow
from workbench.integrations.brief import Brief
from workbench.integrations.brief_words import money, profit, share, worst_fall
from workbench.orchestration.event_words import sentence
from workbench.orchestration.plain_text import plain
from workbench.visual.phone_form import LETTERS, PLOT

UNKNOWN = "–"
SHOWN = 25


class Said(str):
    """Words that a cell shows as they are, where a table would be empty."""

    def __repr__(self) -> str:
        return str(self)


def _table(rows: Sequence[tuple], names: list[str], empty: str) -> pd.DataFrame | Said:
    """The first column labels the rows. `empty`: what an empty table means."""
    return pd.DataFrame(rows, columns=names).set_index(names[0]).rename_axis(None) if rows else Said(empty)


def bots_table(brief: Brief) -> pd.DataFrame | Said:
    """Every bot: what it did in the period, what it earned, how far it fell, what it holds."""
    rows = [_bot(brief, row) for row in brief.data.bots]
    names = ["bot", "health", "may", "equity", "P&L", "worst fall", "opened", "closed", "holds"]
    return _table(rows, names, "No bot is known here.")


def _bot(brief: Brief, row: BotRow) -> tuple[Any, ...]:
    mine = [event for event in brief.trades if event.source == row.bot_id]
    earned, equity = profit(brief, row.bot_id), row.status.equity if row.status else None
    held = ", ".join(f"{p.amount:,.6g} {p.symbol}" for p in row.status.positions) if row.status else UNKNOWN
    return (
        row.bot_id,
        row.health.word,
        row.trading.value,
        money(equity),
        money(earned, signed=True),
        share(worst_fall(brief, row.bot_id)),
        sum(event.kind == "TradeOpened" for event in mine),
        sum(event.kind == "TradeClosed" for event in mine),
        plain(held, 120) or "nothing",
    )


def happened_table(brief: Brief) -> pd.DataFrame | Said:
    """What else happened, newest first: halts, limits, health, commands, runs."""
    rows = [(f"{event.at:%d %b %H:%M:%S}", plain(event.source, 40), sentence(event)) for event in brief.happened]
    return _table(rows[:SHOWN], ["at, UTC", "by", "what"], "Nothing else happened.")


def league_table(brief: Brief) -> pd.DataFrame | Said:
    """Who forecasts how well, by horizon: skill against the naive forecast, share of outcomes within 80 %."""
    rows = [
        (
            plain(row.bot_id, 64),
            f"{row.ahead_s / 3600:g} h",
            row.scored,
            _signed(row.skill),
            share(row.coverage.get(0.8)),
        )
        for row in (brief.league.rows if brief.league else ())
    ]
    return _table(rows, ["bot", "ahead", "scored", "skill", "in 80 %"], "No forecast has been scored yet.")


def regimes_table(brief: Brief) -> pd.DataFrame | Said:
    """Each market's regime: probability of turbulence as bots and model see it together, and since when it holds."""
    rows = [
        (
            symbol,
            view.together.regime if view.together else UNKNOWN,
            share(view.together.turbulent if view.together else None),
            f"{view.held_since:%Y-%m-%d %H:%M}" if view.reading.regime else UNKNOWN,
        )
        for symbol, view in brief.regimes.items()
    ]
    return _table(rows, ["market", "regime", "turbulent", "held since, UTC"], "No regime is known.")


def correlations_table(brief: Brief) -> pd.DataFrame | Said:
    """Pairs whose correlation changed, all pairs together held to 5 %; empty where there is no evidence of any."""
    if brief.changes is None:
        return Said("Whether correlations changed is not known.")
    if brief.changes.empty:
        return Said(f"No correlation changed beyond doubt among {brief.markets} markets.")
    return brief.changes.round(3).set_index("one").rename_axis(None)


def patterns_table(brief: Brief) -> pd.DataFrame | Said:
    """Patterns that people taught the lab, recognised in the period, newest first, and what became of them."""
    rows = [
        (
            plain(one.recognition.pattern, 60),
            f"{one.recognition.symbol} {one.recognition.timeframe}",
            f"{one.seen_at:%d %b %H:%M}",
            share(one.recognition.probability),
            one.outcome.value,
            _signed(one.gain),
            plain(one.user_id, 40),
        )
        for one in reversed(brief.patterns)
    ]
    names = ["pattern", "market", "seen, UTC", "probability", "became", "gain", "of"]
    return _table(rows[:SHOWN], names, "No pattern was recognised in this period.")


def headroom_table(brief: Brief) -> pd.DataFrame | Said:
    """Every limit with what is left of it, the fullest first."""
    limits = brief.risk.limits if brief.risk else ()
    known = sorted(limits, key=lambda row: -(row.used / row.cap) if row.cap > 0 and math.isfinite(row.used) else 0.0)
    rows = [
        (row.scope, row.name, _number(row.used), _number(row.cap), _number(row.headroom), plain(row.why))
        for row in known
    ]
    return _table(
        rows, ["scope", "limit", "used", "cap", "left", "tightened because"], "What is left of the limits is not known."
    )


def runs_table(brief: Brief) -> pd.DataFrame | Said:
    """Scheduled runs of the period."""
    rows = [
        (run.job, f"{run.due:%d %b %H:%M}", run.state.value, plain(run.fault or run.words))
        for run in brief.runs
        if run.ended_at
    ]
    return _table(rows, ["job", "due, UTC", "how", "why"], "No scheduled run ended in this period.")


def profit_chart(brief: Brief, theme: str = "dark") -> Any:
    """Profit in the period by bot, on the venue's clock; the total is the thick line. Words where nothing is known.

    As narrow as a phone that gets it with the message, where its letters must be read."""
    import altair as alt

    from workbench.visual.tokens import bot_colour, themed

    curves = {name: points for name, points in brief.curves.items() if len(points) > 1}
    if not curves:
        return Said("No equity was recorded in this period, so there is nothing to draw.")
    colours, names = themed(theme), sorted(curves, key=lambda name: (name == "total", name))
    rows = [(name, p.at, p.equity - curves[name][0].equity) for name in names for p in _thinned(curves[name])]
    shades = [colours.text if name == "total" else getattr(bot_colour(name), theme) for name in names]
    currency = next(iter(curves.values()))[-1].currency
    table = pd.DataFrame(rows, columns=["bot", "at", "profit"])
    legend = alt.Legend(orient="bottom", columns=3, labelFontSize=LETTERS)
    return (
        alt.Chart(table)
        .mark_line()
        .encode(
            alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%d %b %H:%M", tickCount=4)),
            alt.Y("profit:Q", title=f"profit, {currency}"),
            alt.Color("bot:N", sort=names, scale=alt.Scale(domain=names, range=shades), title=None, legend=legend),
            strokeWidth=alt.when(alt.datum.bot == "total").then(alt.value(2.5)).otherwise(alt.value(1.2)),
        )
        .properties(width=PLOT, height=260, title=f"Profit of the last {brief.hours:g} h, market time UTC")
        .configure_axis(labelFontSize=LETTERS, titleFontSize=LETTERS)
    )


def _thinned(points: Sequence[Any], most: int = 400) -> list[Any]:
    step = max(1, len(points) // most)
    return [*points[::step], points[-1]]


def _signed(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:+.1%}"


def _number(value: float) -> str:
    return f"{value:,.2f}" if math.isfinite(value) else UNKNOWN
