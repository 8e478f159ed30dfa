"""What bots think of a market: /forecast, /plan, /analyze, and the same asked of several: /cross."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.commands.asked import Asked
from workbench.commands.formats import moment, price, zone_name
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import BotError
from workbench.domain.forecasts import Analysis, Forecast, Plan
from workbench.orchestration.consensus import Consensus
from workbench.orchestration.fan_out import Answer, Answered
from workbench.orchestration.plain_text import plain as one_line
from workbench.orchestration.questions import CrossBotResult

INTERVAL = 0.8  # the middle interval that sentences speak of


async def forecast(asked: Asked, line: Line) -> Reply:
    """One bot's fan."""
    fan: Forecast = await _one(asked, line, "forecast")
    rows = tuple((p, v, v / fan.reference - 1) for p, v in zip(fan.levels, fan.values, strict=True))
    columns = (Column("probability below", Shape.SHARE), Column("price", Shape.PRICE), Column("change", Shape.PERCENT))
    title = f"{fan.bot_id}: {fan.symbol} {fan.timeframe}, {horizon_words(fan)} ahead"
    parts = (Text(fan_words(fan)), Table(columns, rows))
    return Reply(title, parts, as_of=asked.now, notes=_notes(asked, line, fan.seen_at))


async def plan(asked: Asked, line: Line) -> Reply:
    """What one bot would do."""
    told: Plan = await _one(asked, line, "plan")
    parts = (Text(one_line(told.reason, 1000)), Table(_PLAN_COLUMNS[:-1], (_plan_row(told.bot_id, told)[:-1],)))
    title = f"{told.bot_id}: plan for {told.symbol} {told.timeframe}"
    return Reply(title, parts, as_of=asked.now, notes=_notes(asked, line, told.seen_at))


async def analyze(asked: Asked, line: Line) -> Reply:
    """How one bot reads a market."""
    told: Analysis = await _one(asked, line, "analyze")
    rows = tuple((one_line(name, 60), value) for name, value in told.indicators.items())
    parts: list[Text | Table] = [Text(one_line(told.summary, 1000))]
    parts += [Table((Column("indicator"), Column("value", Shape.NUMBER)), rows)] if rows else []
    title = f"{told.bot_id}: {told.symbol} {told.timeframe}"
    return Reply(title, tuple(parts), as_of=asked.now, notes=_notes(asked, line, told.seen_at))


async def cross_forecast(asked: Asked, line: Line) -> Reply:
    """Every bot's fan and the collective one."""
    result = await _several(asked, line, "forecast")
    consensus = result.consensus or Consensus(None)
    rows = [_fan_row(bot_id, answer, consensus) for bot_id, answer in result.answers.items()]
    if consensus.forecast:
        rows.append(("together", *_fan_figures(consensus.forecast), 1.0, None, consensus.note))
        parts: tuple = (Text(f"Together: {fan_words(consensus.forecast)}"), Table(_FAN_COLUMNS, tuple(rows)))
    else:
        parts = (Text("No collective forecast: nobody may speak.", Tone.WARNING), Table(_FAN_COLUMNS, tuple(rows)))
    ahead = f", {horizon_words(consensus.forecast)} ahead" if consensus.forecast else ""
    return _crossed(f"Forecasts of {line.values['symbol']} {line.values['tf']}{ahead}", parts, asked, line, result)


async def cross_plan(asked: Asked, line: Line) -> Reply:
    """What each bot would do."""
    result = await _several(asked, line, "plan")
    rows = tuple(_plan_row(bot_id, a.value, a.words) for bot_id, a in result.answers.items())
    plans = [answer.value for answer in result.answers.values() if isinstance(answer, Answered)]
    long = sum(told.side == "long" for told in plans)
    together = await _together(asked, line, result)
    parts = (Text(f"{long} of {len(plans)} would be long"), *together, Table(_PLAN_COLUMNS, rows))
    return _crossed(f"Plans for {line.values['symbol']} {line.values['tf']}", parts, asked, line, result)


async def _together(asked: Asked, line: Line, result: CrossBotResult) -> tuple[Text, ...]:
    """What the plans come to by the desk's policy, which is written down where they conflict."""
    from workbench.orchestration.conflict_desk import sentence, settle_plans

    settled = await settle_plans(asked.center, line.values["symbol"], line.values["tf"], result.answers)
    if not settled.opinions:
        return ()
    return (
        Text(f"Together: {one_line(sentence(settled), 600)}", Tone.WARNING if settled.decided.conflict else Tone.PLAIN),
    )


async def cross_analyze(asked: Asked, line: Line) -> Reply:
    """How each bot reads a market."""
    result = await _several(asked, line, "analyze")
    rows = tuple(
        (bot_id, one_line(answer.value.summary, 400) if isinstance(answer, Answered) else None, _note(answer))
        for bot_id, answer in result.answers.items()
    )
    table = Table((Column("bot", Shape.BOT), Column("reading"), Column("note")), rows)
    return _crossed(f"{line.values['symbol']} {line.values['tf']}", (table,), asked, line, result)


async def _one(asked: Asked, line: Line, command: str) -> Any:
    """The answer of the bot named, or of the least busy healthy one. Raises BotError where it has none."""
    registry = asked.center.registry
    bot_id = line.values.get("bot") or registry.pick(command).bot_id
    result = await asked.center.execute_cross_bot_command(command, _args(line), bot_id)
    answer = result.answers[bot_id]
    if not isinstance(answer, Answered):
        raise BotError(answer.words if bot_id in answer.words else f"{bot_id}: {answer.words}")
    return answer.value


async def _several(asked: Asked, line: Line, command: str) -> CrossBotResult:
    return await asked.center.execute_cross_bot_command(command, _args(line), line.values.get("targets"))


def _notes(asked: Asked, line: Line, seen_at: datetime | None) -> tuple[str, ...]:
    """What was read otherwise than typed, and how far the bot had seen: in market time, which a replay sets."""
    if seen_at is None:
        return line.notes
    zone = asked.viewer.zone
    return (*line.notes, f"from bars closed by {moment(seen_at, zone)} {zone_name(zone)}, market time")


def _args(line: Line) -> Mapping[str, Any]:
    values = line.values
    args = {"symbol": values["symbol"], "timeframe": values["tf"]}
    return {**args, "horizon": values["horizon"]} if "horizon" in values else args


def _crossed(title: str, parts: tuple, asked: Asked, line: Line, result: CrossBotResult) -> Reply:
    if not result.answers:
        raise BotError("no bot is known; start the desk with: workbench up")
    answered = [answer for answer in result.answers.values() if answer.ok]
    if answered:
        return Reply(title, parts, as_of=asked.now, notes=line.notes)
    first = next(iter(result.answers.values()))
    return Reply(title, parts, False, f"no bot has answered; {first.bot_id}: {first.words}", notes=line.notes)


_FAN_COLUMNS = (
    Column("bot", Shape.BOT),
    Column("low", Shape.PRICE),
    Column("median", Shape.PRICE),
    Column("high", Shape.PRICE),
    Column("change", Shape.PERCENT),
    Column("within", Shape.SHARE),
    Column("weight", Shape.SHARE),
    Column("answered in", Shape.LATENCY),
    Column("note"),
)
_PLAN_COLUMNS = (
    Column("bot", Shape.BOT),
    Column("side"),
    Column("entry", Shape.PRICE),
    Column("stop", Shape.PRICE),
    Column("targets"),
    Column("size", Shape.SIZE),
    Column("note"),
)


def _fan_row(bot_id: str, answer: Answer, consensus: Consensus) -> tuple:
    weight = consensus.weights.get(bot_id, 0.0)
    note = consensus.why.get(bot_id) or consensus.left_out.get(bot_id, "")
    figures = _fan_figures(answer.value) if isinstance(answer, Answered) else (None,) * 5
    return (bot_id, *figures, weight, answer.latency_ms, note)


def _fan_figures(fan: Forecast) -> tuple[float, float, float, float, float]:
    """Low, median, high of the middle interval; change of the median against the last close; the interval's part."""
    low, high = middle_interval(fan)
    median = fan.quantile(0.5)
    return fan.quantile(low), median, fan.quantile(high), median / fan.reference - 1, high - low


def middle_interval(fan: Forecast) -> tuple[float, float]:
    """The levels of the 80 % interval, or of the widest that the fan covers without extrapolation."""
    low, high = (1 - INTERVAL) / 2, (1 + INTERVAL) / 2
    return max(low, fan.levels[0]), min(high, fan.levels[-1])


def fan_words(fan: Forecast) -> str:
    """'24 h, 80 %: 61,200.00 – 63,900.00, median 62,480.00'."""
    low, high = middle_interval(fan)
    span = f"{price(fan.quantile(low))} – {price(fan.quantile(high))}"
    return f"{horizon_words(fan)}, {100 * (high - low):.0f} %: {span}, median {price(fan.quantile(0.5))}"


def horizon_words(fan: Forecast) -> str:
    """How far the fan looks ahead: '90 min', '24 h', '3 d'."""
    seconds = fan.horizon * fan.timeframe.seconds
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds % unit_s == 0 and (unit != "d" or seconds > 2 * 86400):
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"


def _plan_row(bot_id: str, told: Plan | None, words: str = "") -> tuple:
    if told is None:
        return (bot_id, None, None, None, None, None, words)
    targets = " ".join(price(target) for target in told.targets) or None
    return (bot_id, one_line(told.side, 20), told.entry, told.stop, targets, told.size, one_line(told.reason, 200))


def _note(answer: Answer) -> str:
    return "" if answer.ok else answer.words
