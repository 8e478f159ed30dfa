"""What there is and how it is: /help, /bots, /status, /events, /risk."""

from workbench.commands.asked import Asked
from workbench.commands.catalogue import CATALOGUE, find
from workbench.commands.grammar import parse
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Known, Line, Spec
from workbench.domain.desk import BotRow, MarketClock, Totals
from workbench.domain.errors import BotError
from workbench.domain.portfolio import Money
from workbench.orchestration.event_words import SHOWN, sentence
from workbench.orchestration.glance import rows_of
from workbench.orchestration.portfolio_manager import PortfolioManager
from workbench.orchestration.risk_coordinator import WORDS

EVENTS = 20


async def help_(asked: Asked, line: Line) -> Reply:
    """All commands, or one with its arguments."""
    words = tuple(
        str(line.values[name]).casefold().removeprefix("/") for name in ("command", "more") if name in line.values
    )
    found = find(words)
    if not found:
        parse("/" + " ".join(words), CATALOGUE, Known())  # raises with the near match
    if len(found) == 1:
        return _of_one(found[0])
    table = Table(
        (Column("command"), Column("what it does"), Column("changes something")),
        tuple((spec.usage, spec.help, "yes" if spec.effect else "") for spec in found),
    )
    return Reply("Commands", (table, Text("Values with spaces go in quotes.", Tone.MUTED)), as_of=asked.now)


def _of_one(spec: Spec) -> Reply:
    rows = tuple((f"--{p.name}" if p.option else p.name, p.help, "yes" if p.needed else "no") for p in spec.parameters)
    parts = (
        Text(f"{spec.help}{'. It changes something.' if spec.effect else ''}"),
        Table((Column("argument"), Column("what"), Column("needed")), rows),
        Text(f"for example: {spec.example}", Tone.MUTED),
    )
    return Reply(spec.usage, parts if rows else (parts[0],))


async def bots(asked: Asked, line: Line) -> Reply:
    """Health and abilities of every bot."""
    registry = asked.center.registry
    columns = (
        Column("bot", Shape.BOT),
        Column("health", Shape.STATE),
        Column("state", Shape.STATE),
        Column("data age", Shape.AGE),
        Column("answers in", Shape.LATENCY),
        Column("bars"),
        Column("tags"),
        Column("does"),
        Column("note"),
    )
    rows = []
    for row in rows_of(registry, asked.now):
        member = registry.get(row.bot_id)
        health = row.health
        does = ", ".join(name for name in ("forecast", "plan", "analyze", "tune") if name in row.capabilities)
        state = row.status.state.value if row.status else None
        bars = str(member.timeframe()) if member.about else None
        tags = " ".join(f"@{tag}" for tag in row.tags)
        note = "; ".join(words for words in (health.reason, "" if not member.gated else "asks before orders") if words)
        rows.append((row.bot_id, health.word, state, health.data_age_s, health.latency_ms, bars, tags, does, note))
    problems = tuple(Text(words, Tone.WARNING) for words in registry.problems)
    if not rows:
        return Reply("Bots", (Text(NO_BOTS, Tone.WARNING), *problems), as_of=asked.now)
    healthy = sum(row[1] == "healthy" for row in rows)
    title = f"{len(rows)} bots, {healthy} healthy" if len(rows) > 1 else f"1 bot, {healthy} healthy"
    return Reply(title, (Table(columns, tuple(rows)), *problems), as_of=asked.now)


NO_BOTS = "No bot is known. Start the desk with: workbench up; or name your own under [[bots]] in workbench.toml"


async def status(asked: Asked, line: Line) -> Reply:
    """Money by bot and in total, and open positions."""
    registry = asked.center.registry
    wanted = set(registry.resolve(line.values.get("targets")))
    rows = tuple(row for row in rows_of(registry, asked.now) if row.bot_id in wanted)
    if not rows:
        return Reply("Status", (Text(NO_BOTS, Tone.WARNING),), as_of=asked.now)
    totals = asked.center.portfolio_manager.totals(rows)
    parts = [_money_table(rows, totals), _positions(rows)]
    parts += [Text(f"no total: {totals.unknown}", Tone.WARNING)] if totals.unknown else []
    return Reply(f"Status {chip(registry.market)}".strip(), tuple(parts), as_of=asked.now)


def _money_table(rows: tuple[BotRow, ...], totals: Totals) -> Table:
    columns = (
        Column("bot", Shape.BOT),
        Column("health", Shape.STATE),
        Column("state", Shape.STATE),
        Column("equity", Shape.MONEY),
        Column("P&L", Shape.CHANGE),
        Column("day", Shape.CHANGE),
        Column("open", Shape.COUNT),
        Column("trades", Shape.COUNT),
        Column("data age", Shape.AGE),
    )
    lines = [_money_row(row) for row in rows]
    why = {(at, "equity"): row.health.reason for at, row in enumerate(rows) if lines[at][3] is None}
    if len(rows) > 1:
        lines.append(("total", "", "", totals.equity, totals.pnl, totals.day_pnl, *_counts(rows), None))
        why |= {(len(rows), name): totals.unknown for name in ("equity", "P&L", "day") if totals.unknown}
    return Table(columns, tuple(lines), why=why)


def _money_row(row: BotRow) -> tuple:
    told, health = row.status, row.health
    if told is None:
        return (row.bot_id, health.word, None, None, None, None, None, None, health.data_age_s)
    figures = (told.equity, told.pnl, told.day_pnl, len(told.positions), told.trade_count)
    return (row.bot_id, health.word, told.state.value, *figures, health.data_age_s)


def _counts(rows: tuple[BotRow, ...]) -> tuple[int | None, int | None]:
    """Open positions and trades in total; unknown where one bot is."""
    if any(row.status is None or not row.health.live for row in rows):
        return None, None
    told = [row.status for row in rows if row.status]
    return sum(len(status.positions) for status in told), sum(status.trade_count for status in told)


def _positions(rows: tuple[BotRow, ...]) -> Table | Text:
    columns = (
        Column("bot", Shape.BOT),
        Column("market"),
        Column("size", Shape.SIZE),
        Column("entry", Shape.PRICE),
        Column("now", Shape.PRICE),
        Column("P&L", Shape.CHANGE),
        Column("stop", Shape.PRICE),
        Column("opened", Shape.TIME),
    )
    lines = tuple(
        (
            *(row.bot_id, position.symbol, position.amount, position.entry_price, position.mark_price),
            Money(position.unrealised, position.symbol.partition("/")[2] or "?"),
            *(position.stop, position.opened_at),
        )
        for row in rows
        if row.status
        for position in row.status.positions
    )
    return Table(columns, lines, "Open positions") if lines else Text("no open positions", Tone.MUTED)


def chip(market: MarketClock | None) -> str:
    """How real the money is: 'REPLAY ×900', 'PAPER', 'LIVE'; nothing where the venue does not say."""
    if market is None:
        return ""
    words = market.mode.value.upper()
    speed = f" ×{market.speed:g}" if market.mode.value == "replay" else ""
    return f"{words}{speed}{' paused' if market.paused else ' ended' if market.ended else ''}"


async def events(asked: Asked, line: Line) -> Reply:
    """What happened last, newest first."""
    found = await asked.center.cross_bot_memory.events(line.values.get("count", EVENTS), SHOWN)
    if not found:
        return Reply("Events", (Text("nothing has happened yet", Tone.MUTED),), as_of=asked.now)
    rows = tuple(
        ((asked.now - event.at).total_seconds(), event.at, event.payload.get("bot_id") or "desk", sentence(event))
        for event in found
    )
    columns = (Column("ago", Shape.AGE), Column("at", Shape.TIME), Column("bot", Shape.BOT), Column("what"))
    return Reply("Events", (Table(columns, rows),), as_of=asked.now)


async def risk(asked: Asked, line: Line) -> Reply:
    """Budgets by bot."""
    center = asked.center
    exposure = line.values.get("exposure")
    total: Money | float | None = exposure if exposure is not None else _worth(center.portfolio_manager, asked)
    if total is None:
        raise BotError("the bots' total worth is not known now; say what to share out, as in: /risk 20,000")
    stress = line.values.get("stress", 0.0)
    shared = await center.coordinate_risk_distribution(total, line.values.get("method", "equal_risk"), stress)
    columns = (
        Column("bot", Shape.BOT),
        Column("budget", Shape.MONEY),
        Column("share", Shape.SHARE),
        Column("volatility a year", Shape.SHARE),
        Column("why"),
    )
    rows = tuple((b.bot_id, b.amount, b.share, b.volatility, b.reason) for b in shared.budgets)
    parts: list[Table | Text] = [Table(columns, rows)]
    if shared.withheld.amount > 0.005:
        parts.append(Text(f"withheld: {shared.withheld.amount:,.2f} {shared.withheld.currency}", Tone.WARNING))
    parts += [Text(note, Tone.MUTED) for note in shared.notes]
    title = f"Risk budgets of {shared.total.amount:,.2f} {shared.total.currency} by {WORDS[shared.method]}"
    return Reply(title, tuple(parts), as_of=asked.now)


def _worth(portfolio: PortfolioManager, asked: Asked) -> Money | None:
    return portfolio.totals(rows_of(asked.center.registry, asked.now)).equity
