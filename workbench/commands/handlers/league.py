"""Who forecasts how well: /league."""

import asyncio
from typing import Any

from workbench.commands.asked import Asked
from workbench.commands.reply import Chart, Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.ledger.forecast_sums import Filter
from workbench.orchestration.intelligence_sharing import League
from workbench.quant.league import ENOUGH, LeagueRow

LINES = 60
COLUMNS = (
    Column("bot", Shape.BOT),
    Column("scored", Shape.COUNT),
    Column("skill", Shape.PERCENT),
    Column("CRPS, σ", Shape.NUMBER),
    Column("in 50 %", Shape.SHARE),
    Column("in 80 %", Shape.SHARE),
    Column("in 90 %", Shape.SHARE),
    Column("QLIKE", Shape.NUMBER),
    Column("volatility skill", Shape.PERCENT),
    Column("against the best"),
    Column("not scored", Shape.COUNT),
)
HOW = (
    "skill: 1 − CRPS ÷ that of the naive forecast (today's price, the moves of the last weeks); σ: the desk's plain "
    "guess of the move. Against the best: mean difference of CRPS, its p-value by Diebold–Mariano over days, how many."
)


async def league(asked: Asked, line: Line) -> Reply:
    """Bots by skill, each group of market and horizon apart, with reliability drawn where one group is asked for."""
    center, values = asked.center, line.values
    center.intelligence.seen(center.registry.market or await center.read_clock())
    by = _divided(line)
    ahead_s = values["horizon"] * _seconds(values["tf"]) if "horizon" in values and "tf" in values else None
    wanted = Filter(symbol=values.get("symbol"), timeframe=values.get("tf"), ahead_s=ahead_s)
    found = await center.intelligence.league(by, wanted)
    notes = (*line.notes, *([f"{found.waiting:,} forecasts wait for their outcome"] if found.waiting else []))
    if not found.rows:
        return Reply("League", (Text(_nothing(found), Tone.MUTED),), as_of=asked.now, notes=notes)
    parts: list[Part] = [_verdict(found)]
    parts += [_table(by, found.rows[:LINES])]
    if len(found.rows) > LINES:
        parts += [Text(f"{len(found.rows) - LINES} more lines; name a market, or a bar length", Tone.MUTED)]
    if len({(row.symbol, row.ahead_s, row.regime) for row in found.rows}) == 1:
        parts += await asyncio.to_thread(_pictures, found.rows)
    return Reply(_title(values), (*parts, Text(HOW, Tone.MUTED)), as_of=asked.now, notes=notes)


def _divided(line: Line) -> tuple[str, ...]:
    """Always by bot and horizon: scores of different horizons say nothing of each other."""
    chosen = line.values.get("by", "")
    extra = {"": (), "symbol": ("symbol",), "regime": ("regime",), "month": ("month",), "all": ("symbol", "regime")}
    return tuple(dict.fromkeys(("bot", "horizon", *extra[chosen])))


def _seconds(timeframe: str) -> int:
    from workbench.domain.market import Timeframe

    return Timeframe.parse(timeframe).seconds


def _title(values: Any) -> str:
    about = " ".join(str(values[name]) for name in ("symbol", "tf") if name in values)
    return f"League of {about}" if about else "League"


def _nothing(found: League) -> str:
    if found.waiting:
        return f"Nothing has been scored yet; {found.waiting:,} forecasts wait for their outcome."
    return "Nothing has been scored yet. The desk asks the bots at every closed bar: start it with workbench up."


def _verdict(found: League) -> Text:
    """The answer first: who leads, and whether that may be chance."""
    total = sum(row.scored for row in found.rows)
    leaders = [row for row in found.rows if row.best]
    if not leaders:
        return Text(f"{total:,} scored; nobody has {ENOUGH} yet, so nobody leads.", Tone.MUTED)
    words = "; ".join(_leads(row, found.rows) for row in leaders[:4])
    return Text(f"{total:,} scored. {words}.")


def _leads(best: LeagueRow, rows: tuple[LeagueRow, ...]) -> str:
    rivals = [row for row in rows if _group(row) == _group(best) and row.versus and row.bot_id != best.bot_id]
    doubtful = [row.bot_id for row in rivals if row.versus and (row.versus.p_value or 1.0) > 0.05]
    chance = f", not yet told apart from {', '.join(doubtful)}" if doubtful else ""
    where = " ".join(part for part in (best.symbol, ahead(best.ahead_s), best.regime) if part)
    return f"{where}: {best.bot_id} leads{chance}"


def _group(row: LeagueRow) -> tuple:
    return row.symbol, row.ahead_s, row.regime, row.month


def _table(by: tuple[str, ...], rows: tuple[LeagueRow, ...]) -> Table:
    keys = [name for name in ("symbol", "horizon", "regime", "month") if name in by]
    names = {"symbol": "market", "horizon": "ahead", "regime": "regime", "month": "month"}
    columns = (*(Column(names[name]) for name in keys), *COLUMNS)
    return Table(columns, tuple((*(_key(row, name) for name in keys), *_figures(row)) for row in rows))


def _key(row: LeagueRow, name: str) -> str:
    told = {"symbol": row.symbol, "horizon": ahead(row.ahead_s), "regime": row.regime}
    return f"{row.month // 100}-{row.month % 100:02d}" if name == "month" else told[name]


def _figures(row: LeagueRow) -> tuple:
    inside = [row.coverage.get(probability) for probability in (0.5, 0.8, 0.9)]
    lost = row.unscored + row.late
    return (
        row.bot_id,
        row.scored,
        row.skill,
        row.crps,
        *inside,
        row.qlike,
        row.qlike_skill,
        _versus(row),
        lost or None,
    )


def _versus(row: LeagueRow) -> str:
    if row.best:
        return "the best"
    if row.versus is None:
        return ""
    if row.versus.p_value is None:
        return f"too few days to tell ({row.versus.days})"
    return f"{row.versus.difference:+.3f}, p = {row.versus.p_value:.2g}, {row.versus.days} days".replace("-", "−")


def _pictures(rows: tuple[LeagueRow, ...]) -> list[Part]:
    from workbench.visual.league_charts import LEAST, pit_histogram, reliability
    from workbench.visual.picture import spec_of

    told = [row for row in rows if row.scored >= LEAST and row.bot_id]
    if not told:
        return []
    return [
        Chart(spec_of(reliability(told)), "reliability: share of outcomes below each stated probability"),
        Chart(spec_of(pit_histogram(told)), "where outcomes fell in each fan"),
    ]


def ahead(seconds: int) -> str:
    """'4 h', '90 min', '3 d'."""
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % unit_s == 0 and (unit != "d" or seconds > 2 * 86_400):
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"
