"""What is at risk, what the limits leave, and how much one trade may be: /risk status, limits and size."""

import math

from workbench.commands.asked import Asked
from workbench.commands.formats import price
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.desk import DeskState
from workbench.domain.errors import BotError, CommandError
from workbench.domain.forecasts import Forecast, Plan
from workbench.domain.halts import DESK
from workbench.domain.portfolio import Money
from workbench.domain.risk_desk import RiskDesk
from workbench.orchestration.fan_out import Answered
from workbench.orchestration.plain_text import plain
from workbench.orchestration.risk_feed import RiskFeed
from workbench.orchestration.risk_view import RiskView, look_at_risk
from workbench.orchestration.trading_states import words_of
from workbench.quant.sizing import Opportunity, SizingRules, size
from workbench.settings import TriggerSettings

NORMAL_10_TO_90 = 2.5631  # the 10 % and 90 % quantiles of a normal lie this many standard deviations apart


async def risk_status(asked: Asked, line: Line) -> Reply:
    """State, exposure and drawdown, of the desk and of each bot."""
    view = await look_at_risk(asked.center)
    columns = (
        Column("scope", Shape.BOT),
        Column("state", Shape.STATE),
        Column("held", Shape.MONEY),
        Column("of its limit", Shape.SHARE),
        Column("drawdown", Shape.SHARE),
        Column("why"),
    )
    desk = await _feed(asked).look()
    names = [DESK, *(row.bot_id for row in view.rows if "status" in row.capabilities)]
    state = view.standings[DESK].state if DESK in view.standings else DeskState.ACTIVE
    shown = Table(columns, tuple(_status_row(view, name) for name in names))
    told = {*view.reckoning.blind.values(), *view.reckoning.unknown.values()}
    untold = [Text(f"unknown: {plain(why)}", Tone.WARNING) for why in desk.unknown if not any(w in why for w in told)]
    parts: tuple[Table | Text, ...] = (shown, *_figures(desk), *untold, *_words(view))
    return Reply(f"Risk: the desk is {state.value}", parts, as_of=asked.now, notes=line.notes)


async def risk_whatif(asked: Asked, line: Line) -> Reply:
    """The same figures, now and as if."""
    feed, change, of = _feed(asked), line.values["change"], line.values["of"]
    now = await feed.look()
    if change == "correlations":
        try:
            toward = float(of)
        except ValueError:
            toward = math.nan
        if not 0 <= toward <= 1:
            raise CommandError(
                f"correlations go toward 1 by 0 to 1, not by {of[:20]!r}; as in /risk whatif correlations 1"
            )
        choice, words = {"correlations": toward}, f"correlations {toward:.0%} toward 1"
    else:
        choice, words = {"halve": of}, f"{of} holds half"
    other = await feed.what_if(now, choice)
    columns = (Column("figure"), Column("now", Shape.MONEY), Column(words, Shape.MONEY))
    rows = tuple((name, a, b) for (name, a), (_, b) in zip(_sums(now), _sums(other), strict=True))
    untold = [Text(f"unknown: {plain(why)}", Tone.WARNING) for why in other.unknown]
    parts: tuple[Table | Text, ...] = (Table(columns, rows), *_shares_of(other), *untold)
    return Reply(f"What if {words}?", parts, as_of=asked.now, notes=line.notes)


def _feed(asked: Asked) -> RiskFeed:
    return RiskFeed(asked.center, getattr(asked.center.venue, "url", ""))


def _figures(desk: RiskDesk) -> list[Table | Text]:
    """Volatility and tail loss of the desk, and whose they are; nothing while nothing is held."""
    if not desk.gross:
        return []
    rows = tuple(_sums(desk))
    return [Table((Column("over one bar"), Column("money", Shape.MONEY)), rows, "Joint risk"), *_shares_of(desk)]


def _sums(desk: RiskDesk) -> list[tuple[str, Money | None]]:
    level = f"{desk.confidence:.1%}"
    figures = {
        "gross": desk.gross,
        "net": desk.net,
        "volatility": desk.volatility.bar * desk.equity,
        f"VaR {level}, of past bars": desk.var.historical_money,
        f"VaR {level}, normal": desk.var.parametric_money,
        f"CVaR {level}, of past bars": desk.cvar.historical_money,
        f"CVaR {level}, normal": desk.cvar.parametric_money,
    }
    return [(name, Money(v, desk.currency) if math.isfinite(v) else None) for name, v in figures.items()]


def _shares_of(desk: RiskDesk) -> list[Table]:
    """Who it comes from; shares sum to 1, a hedge is below 0."""
    columns = (Column("from"), Column("of volatility", Shape.SHARE), Column("of CVaR", Shape.SHARE))
    both = (("by bot", desk.contributions_by_bot), ("by market", desk.contributions_by_symbol))
    return [Table(columns, tuple((c.name, c.volatility, c.cvar) for c in found), name) for name, found in both if found]


def _status_row(view: RiskView, name: str) -> tuple:
    row = next((row for row in view.rows if row.bot_id == name), None)
    desk = view.standings.get(DESK)
    state = row.trading if row else desk.state if desk else DeskState.ACTIVE
    reason = row.trading_reason if row else desk.reason if desk else ""
    why = reason or view.reckoning.blind.get(name) or view.reckoning.unknown.get(name, "")
    use, currency = view.usage(name), _currency(view)
    held = Money(use.used, currency) if use else None
    share = use.used / use.cap if use and use.cap > 0 else None
    return (name, state.value, held, share, view.drawdowns.get(name), plain(why))


async def risk_limits(asked: Asked, line: Line) -> Reply:
    """Every limit with what is left of it, and what halts by itself."""
    view = await look_at_risk(asked.center)
    currency = _currency(view)
    columns = (
        Column("scope", Shape.BOT),
        Column("limit"),
        Column("held", Shape.MONEY),
        Column("at most", Shape.MONEY),
        Column("left", Shape.MONEY),
    )
    rows = tuple(
        (u.scope, u.rule, *(Money(value, currency) for value in (u.used, u.cap, u.headroom)))
        for u in sorted(view.reckoning.usage, key=lambda u: (u.scope != DESK, u.rule, u.scope))
    )
    limits = Table(columns, rows) if rows else Text("no limit can be told now", Tone.WARNING)
    tight = _tightened(view, asked.center.settings.limits.tighten)
    parts: tuple[Table | Text, ...] = (limits, *tight, _triggers(asked.center.settings.triggers), *_words(view))
    return Reply("Limits", parts, as_of=asked.now, notes=line.notes)


def _tightened(view: RiskView, on: bool) -> list[Table | Text]:
    """How far the limits of gated bots have shrunk, and why; they ask the desk before each order."""
    if not on:
        return [Text("limits do not tighten: limits.tighten is off", Tone.MUTED)]
    columns = (Column("scope", Shape.BOT), Column("limits ×", Shape.NUMBER), Column("why"))
    rows = tuple(
        (scope, factor, why)
        for scope, (factor, why) in sorted(view.tightened.items(), key=lambda one: (one[0] != DESK, one[0]))
    )
    return [Table(columns, rows, "Tightened for bots that ask")] if rows else []


def _triggers(on: TriggerSettings) -> Table:
    rows = (
        ("drawdown of the desk", on.drawdown, f"{on.desk_drawdown:.0%} below the highest of this run"),
        ("drawdown of a bot", on.drawdown, f"{on.bot_drawdown:.0%} below its highest of this run"),
        ("stale data", on.stale, f"{on.stale_s:,.0f} s without fresh data"),
        ("reconciliation", on.reconciliation, f"{on.reconciliation_looks} looks at which bot and venue differ"),
        ("repeated errors", on.errors, f"{on.errors_most} within {on.errors_window_s:,.0f} s"),
    )
    shown = tuple((name, "on" if active else "off", words) for name, active, words in rows)
    return Table((Column("halts by itself"), Column("switched"), Column("at")), shown, "Triggers")


async def risk_size(asked: Asked, line: Line) -> Reply:
    """How much of a bot's plan the rules and the limits allow, and which of them decides."""
    view = await look_at_risk(asked.center)
    told = await _planned(asked, line)
    row = next(row for row in view.rows if row.bot_id == told.bot_id)
    equity = row.status.equity if row.status else None
    if told.side == "flat" or told.entry is None:
        return Reply(f"{told.bot_id}: nothing to size", (Text(plain(told.reason, 1000)),), as_of=asked.now)
    quote = told.symbol.partition("/")[2]
    if equity is None or equity.currency != quote:
        have = "unknown" if equity is None else f"in {equity.currency}"
        raise BotError(f"{told.bot_id}'s equity is {have}; a plan quoted in {quote} cannot be sized against it")
    volatility = await _volatility(asked, line, told.bot_id)
    chance = Opportunity(equity.amount, told.entry, told.stop, volatility)
    room = [("state", 0.0)] if row.trading is not DeskState.ACTIVE else view.room(told.bot_id, told.symbol)
    found = size(chance, SizingRules(), room)
    table = Table(
        (Column("rule"), Column("allows", Shape.MONEY)), tuple((n, Money(v, quote)) for n, v in found.allowed)
    )
    at = f"at {price(told.entry)}, stop {price(told.stop) if told.stop else 'none'}"
    words = f"{found.amount:,.8g} {told.symbol.partition('/')[0]}, worth {found.value:,.2f} {quote}, {at}"
    parts: tuple[Table | Text, ...] = (
        Text(words),
        Text(f"{found.bound_by}: {found.reason}", Tone.MUTED),
        table,
        *_words(view),
    )
    return Reply(f"{told.bot_id}: size for {told.symbol} {told.timeframe}", parts, as_of=asked.now, notes=line.notes)


async def _planned(asked: Asked, line: Line) -> Plan:
    bot_id = line.values.get("bot") or asked.center.registry.pick("plan").bot_id
    args = {"symbol": line.values["symbol"], "timeframe": line.values["tf"]}
    answer = (await asked.center.execute_cross_bot_command("plan", args, bot_id)).answers[bot_id]
    if not isinstance(answer, Answered):
        raise BotError(f"{bot_id} has no plan: {answer.words}")
    return answer.value


async def _volatility(asked: Asked, line: Line, bot_id: str) -> float | None:
    """The standard deviation of the return over the bot's own forecast horizon; None where it does not forecast."""
    if "forecast" not in asked.center.registry.get(bot_id).capabilities:
        return None
    args = {"symbol": line.values["symbol"], "timeframe": line.values["tf"]}
    answer = (await asked.center.execute_cross_bot_command("forecast", args, bot_id)).answers[bot_id]
    fan: Forecast | None = answer.value if isinstance(answer, Answered) else None
    if fan is None or fan.levels[0] > 0.1 or fan.levels[-1] < 0.9:
        return None
    low, high = fan.quantile(0.1), fan.quantile(0.9)
    return math.log(high / low) / NORMAL_10_TO_90 if 0 < low < high else None


def _words(view: RiskView) -> tuple[Text, ...]:
    """What holds bots back, and what is not known."""
    held = [Text(plain(words_of(standing)), Tone.WARNING) for _, standing in sorted(view.standings.items())]
    unread = [Text(f"positions are the bots' own word: {plain(view.unread)}", Tone.WARNING)] if view.unread else []
    unknown = view.totals.unknown
    return (*held, *unread, *([Text(f"no limit of the desk: {plain(unknown)}", Tone.WARNING)] if unknown else []))


def _currency(view: RiskView) -> str:
    known = [row.status.equity.currency for row in view.rows if row.status and row.status.equity]
    return view.totals.equity.currency if view.totals.equity else known[0] if known else "?"
