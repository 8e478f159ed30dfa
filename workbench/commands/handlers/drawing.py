"""Drawing in words: /draw."""

import asyncio
from collections.abc import Callable
from typing import cast

import numpy as np

from workbench.commands.asked import Asked
from workbench.commands.formats import price, share
from workbench.commands.handlers.charted import TIMEFRAME, author, band, hand_on, picture
from workbench.commands.reply import Choice, Choices, Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.drawings import Anchor, Drawing, Level, Note, TrendLine, Zone
from workbench.domain.drawings import Shape as Drawn
from workbench.domain.events import NewEvent
from workbench.ledger.log import SqlLedger
from workbench.orchestration.plain_text import plain
from workbench.quant.swings import PriceLevel
from workbench.quant.zones import usual_hold
from workbench.visual.interactive_charts import FOUND, InteractiveCharts

UNDO_ASKED = "DrawingUndoAsked"


async def draw_sr(asked: Asked, line: Line) -> Reply:
    """Find support and resistance, draw them, and ask which to keep."""
    charts, _ = await hand_on(asked, line)
    found = await asyncio.to_thread(lambda: charts.levels(draw=True))
    if not found:
        return _reply(asked, line, charts, [Text("No two swings met at one price; a longer bar length shows more.")])
    last = float(charts.candles["close"].iloc[-1])
    symbol, timeframe = charts.board.symbol, charts.board.timeframe
    usual = await asyncio.to_thread(_usual, charts, found)
    words = Text(f"Drawn; the next search replaces what you do not keep. All away: /draw undo {symbol} {timeframe}.")
    chance = "" if usual is None else f"Bands of this width anywhere in these bars held {share(usual)} of their visits."
    parts = [
        words,
        *([Text(chance, Tone.MUTED)] if chance else []),
        _levels(found, last),
        *_left_to_choose(charts),
        *await picture(charts, f"{symbol} {timeframe} with support and resistance"),
    ]
    return _reply(asked, line, charts, parts)


def _left_to_choose(charts: InteractiveCharts) -> list[Part]:
    """Found levels that are neither kept nor dropped."""
    board = charts.board

    def choice(verb: str, drawing: Drawing) -> Choice:
        name = drawing.drawing_id
        return Choice(f"{verb} {name}", f"/draw {verb.lower()} {board.symbol} {name} {board.timeframe}")

    rows = tuple((choice("Keep", one), choice("Drop", one)) for one in charts.found)
    lines = [f"{one.drawing_id}  {places(one)}  {plain(one.text, 120)}" for one in charts.found]
    return [Choices("\n".join(("Keep or drop each:", *lines)), rows)] if rows else []


def _usual(charts: InteractiveCharts, found: list[tuple[str, PriceLevel]]) -> float | None:
    """What holding means by chance for bands as wide as these."""
    ratio = float(np.median([level.high / level.low for _, level in found]))
    high, low, close = (charts.candles[name].to_numpy() for name in ("high", "low", "close"))
    return usual_hold(high, low, close, ratio)


def _levels(found: list[tuple[str, PriceLevel]], last: float) -> Table:
    columns = (
        Column("id"),
        Column("side"),
        Column("from", Shape.PRICE),
        Column("to", Shape.PRICE),
        Column("away", Shape.PERCENT),
        Column("touches", Shape.COUNT),
        Column("held"),
        Column("strength", Shape.SHARE),
        Column("90 %, low", Shape.SHARE),
        Column("high", Shape.SHARE),
        Column("volume", Shape.NUMBER),
    )
    rows, why = [], {}
    for number, (drawing_id, level) in enumerate(found):
        low, high = level.interval or (None, None)
        held = f"{level.held} of {level.tested}"
        figures = (level.touches, held, level.strength, low, high, level.volume)
        rows.append((drawing_id, level.side(last), level.low, level.high, level.price / last - 1, *figures))
        if level.interval is None:
            why[number, "strength"] = "not tested since its second touch was known"
    return Table(columns, tuple(rows), "Swings that met; volume beside the median bar", why)


async def draw_level(asked: Asked, line: Line) -> Reply:
    """A price."""
    return await _drawn(asked, line, lambda: Level(line.values["price"]))


async def draw_zone(asked: Asked, line: Line) -> Reply:
    """A band of prices."""
    return await _drawn(asked, line, lambda: Zone(*band(line.values["zone"])))


async def draw_line(asked: Asked, line: Line) -> Reply:
    """A line through two points, on to the right."""
    said = line.values
    start, end = Anchor(said["from"], said["price"]), Anchor(said["to"], said["end"])
    return await _drawn(asked, line, lambda: TrendLine(start, end, extended=True))


async def draw_note(asked: Asked, line: Line) -> Reply:
    """Words at a point."""
    return await _drawn(asked, line, lambda: Note(Anchor(line.values["at"], line.values["price"])))


async def _drawn(asked: Asked, line: Line, shape: Callable[[], Drawn]) -> Reply:
    made = shape()
    charts, why = await hand_on(asked, line, needed=False)
    text, drawing_id = line.values.get("text", ""), line.values.get("id", "")
    snap = line.values.get("snap") == "on"
    drawing = await asyncio.to_thread(charts.draw, made, text, snap=snap, drawing_id=drawing_id)
    board = charts.board
    drop = f"/draw drop {board.symbol} {drawing.drawing_id} {board.timeframe}"
    parts: list[Part] = [Text(f"Drawn as {drawing.drawing_id}: {places(drawing)}. Take it away: {drop}")]
    return _reply(asked, line, charts, [*parts, *await picture(charts, f"{board.symbol} {board.timeframe}", why)])


async def draw_list(asked: Asked, line: Line) -> Reply:
    """What everybody has drawn on a market."""
    symbol, timeframe = line.values["symbol"], line.values.get("tf")
    drawings = await asyncio.to_thread(cast(SqlLedger, asked.ledger).drawings.on, symbol, timeframe)
    columns = (Column("id"), Column("what"), Column("where"), Column("text"), Column("bars"), Column("by", Shape.BOT))
    rows = tuple(
        (d.drawing_id, d.kind, places(d), plain(d.text, 120), str(d.board.timeframe), plain(d.board.user, 64))
        for d in drawings
    )
    nothing = Text(f"Nothing is drawn on {symbol}. Begin with /draw sr {symbol}, or /draw level {symbol} PRICE.")
    parts = (Table(columns, rows),) if rows else (nothing,)
    return Reply(
        f"Drawings on {symbol}{f' {timeframe}' if timeframe else ''}", parts, as_of=asked.now, notes=line.notes
    )


async def draw_drop(asked: Asked, line: Line) -> Reply:
    """Take drawings away, in one step."""
    charts, why = await hand_on(asked, line, needed=False)
    ids = _ids(line)
    await asyncio.to_thread(charts.delete, *ids)
    words = Text(f"Dropped {', '.join(ids)}. Back with /draw undo {_where(charts)}.")
    parts = [words, *_left_to_choose(charts), *await picture(charts, _where(charts), why)]
    return _reply(asked, line, charts, parts)


async def draw_keep(asked: Asked, line: Line) -> Reply:
    """Make levels that were found one's own."""
    charts, why = await hand_on(asked, line, needed=False)
    ids = _ids(line)
    kept = await asyncio.to_thread(charts.keep, *ids)
    names = ", ".join(f"{old} as {new.drawing_id}" for old, new in zip(ids, kept, strict=True))
    words = Text(f"Kept {names}: the next search leaves them. Back with /draw undo {_where(charts)}.")
    parts = [words, *_left_to_choose(charts), *await picture(charts, _where(charts), why)]
    return _reply(asked, line, charts, parts)


def _ids(line: Line) -> list[str]:
    """Ids joined by commas; a bare number is that of a found level."""
    return [f"{FOUND}{name}" if name.isdigit() else name for name in line.values["ids"].split(",")]


async def draw_undo(asked: Asked, line: Line) -> Reply:
    """Take back one's last step; under an id that was used before, nothing."""
    return await _stepped(asked, line, "undo")


async def draw_redo(asked: Asked, line: Line) -> Reply:
    """Do again what was undone last."""
    return await _stepped(asked, line, "redo")


async def _stepped(asked: Asked, line: Line, way: str) -> Reply:
    charts, why = await hand_on(asked, line, needed=False)
    if not await asyncio.to_thread(_first_time, asked, line.values.get("id", "")):
        return _reply(asked, line, charts, [Text(f"That {way} was done before; nothing has changed now.")])
    step = await asyncio.to_thread(charts.undo if way == "undo" else charts.redo)
    if step is None:
        return _reply(asked, line, charts, [Text(f"You have nothing to {way} on {_where(charts)}.")])
    parts: list[Part] = [Text(f"{plain(step.words, 200)}.")]
    return _reply(asked, line, charts, [*parts, *await picture(charts, _where(charts), why)])


def _first_time(asked: Asked, request: str) -> bool:
    if not request:
        return True
    ledger, event_id = cast(SqlLedger, asked.ledger), f"{UNDO_ASKED}:{author(asked)}:{request}"
    if ledger.event(event_id) is not None:
        return False
    ledger.append([NewEvent(UNDO_ASKED, author(asked), {"request": request}, event_id, asked.now)])
    return True


def places(drawing: Drawing) -> str:
    """Where a drawing stands, in words."""
    match drawing.shape:
        case Level(at):
            return price(at)
        case Zone(low, high):
            return f"{price(low)} – {price(high)}"
        case TrendLine(start, end):
            return (
                f"{price(start.price)} ({start.at:%Y-%m-%d %H:%M}) to {price(end.price)} ({end.at:%Y-%m-%d %H:%M} UTC)"
            )
        case Note(where):
            return f"{price(where.price)} ({where.at:%Y-%m-%d %H:%M} UTC)"


def _where(charts: InteractiveCharts) -> str:
    return f"{charts.board.symbol} {charts.board.timeframe}"


def _reply(asked: Asked, line: Line, charts: InteractiveCharts, parts: list) -> Reply:
    notes = line.notes if "tf" in line.values else (*line.notes, f"bar length {TIMEFRAME}, as none was named")
    return Reply(f"Drawings on {_where(charts)}", tuple(parts), as_of=asked.now, notes=notes)
