"""The desk on one screen: /dashboard. In Telegram the message goes on editing itself."""

from workbench.commands.asked import Asked
from workbench.commands.formats import change, money
from workbench.commands.handlers.overview import NO_BOTS, chip
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.desk import BotRow, DashboardData, DeskState
from workbench.orchestration.event_words import sentence

EVENTS = 3


async def dashboard(asked: Asked, line: Line) -> Reply:
    """Totals, every bot with its health and money, and what happened last."""
    data = await asked.center.get_unified_dashboard_data()
    parts: list[Text | Table] = [Text(_total(data)), *_warnings(data)]
    if not data.bots:
        return Reply("Dashboard", (Text(NO_BOTS, Tone.WARNING), *parts[1:]), as_of=data.as_of)
    columns = (
        Column("bot", Shape.BOT),
        Column("health", Shape.STATE),
        Column("equity", Shape.MONEY),
        Column("P&L", Shape.CHANGE),
        Column("open", Shape.COUNT),
        Column("mode", Shape.STATE),
    )
    parts.append(Table(columns, tuple(_row(row) for row in data.bots)))
    if data.events:
        rows = tuple((event.at, sentence(event)) for event in data.events[:EVENTS])
        parts.append(Table((Column("at", Shape.TIME), Column("what")), rows, "Lately"))
    return Reply(f"Dashboard {chip(data.market)}".strip(), tuple(parts), as_of=data.as_of)


def _total(data: DashboardData) -> str:
    total = data.total
    if total.equity is None:
        return f"no total: {total.unknown}"
    words = [f"equity {money(total.equity)}"]
    words += [f"P&L {change(total.pnl)}"] if total.pnl else []
    words += [f"today {change(total.day_pnl)}"] if total.day_pnl else []
    return ", ".join(words)


def _warnings(data: DashboardData) -> list[Text]:
    warned = [] if data.desk else [Text("no desk runs: nobody carries commands out", Tone.WARNING)]
    warned += [] if data.market else [Text("the venue does not answer", Tone.WARNING)]
    if data.state is not DeskState.ACTIVE:
        warned.append(Text(f"the desk is {data.state.value}", Tone.BAD))
    return warned


def _row(row: BotRow) -> tuple:
    told = row.status
    if told is None:
        return (row.bot_id, row.health.word, None, None, None, None)
    return (row.bot_id, row.health.word, told.equity, told.pnl, len(told.positions), told.mode.value)
