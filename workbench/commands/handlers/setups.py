"""Setups that are waited for: /track."""

import asyncio
from datetime import UTC, datetime
from typing import cast

from workbench.commands.asked import Asked
from workbench.commands.confirming import Preview
from workbench.commands.handlers.charted import BARS, TIMEFRAME, author, hand_on, picture
from workbench.commands.reply import Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.drawings import Board
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.setups import Examples, TrackedSetup
from workbench.ledger.log import SqlLedger
from workbench.ledger.setup_log import SetupLog, SetupRecord
from workbench.orchestration.plain_text import plain
from workbench.quant.pattern_alarms import LEAST_BARS
from workbench.quant.setup_replay import bars_since
from workbench.quant.setups import Stage, StageChange
from workbench.visual.chart_spec import PriceMark

MOST_BARS = 5000
HISTORY = 3000  # bars by which a pattern is judged when it is armed
MUCH = 1.5  # times what was meant
_TONES = {Stage.TARGET: Tone.GOOD, Stage.STOP: Tone.BAD, Stage.FAILED: Tone.WARNING, Stage.EXPIRED: Tone.MUTED}


async def track_setup(asked: Asked, line: Line) -> Reply:
    """Wait for a setup; asked again while it is open, what has become of it."""
    said = line.values
    kind, side = said["kind"], -1 if said.get("side") == "down" else 1
    line_id, setup_id, pattern = said.get("line", ""), said.get("id", ""), " ".join(said.get("pattern", ()))
    if bool(pattern) != (kind == "pattern"):
        raise ValueRefused("a pattern is waited for by its name: /track setup ETHUSD pattern flag; nothing else is")
    known = await asyncio.to_thread(_known, asked, line, kind, side)
    clock = await asked.center.read_clock()
    now = clock.market_time if clock else asked.now
    bars = max([HISTORY if pattern and not known else BARS, *(bars_since(setup, now) for setup in known)])
    charts, _ = await hand_on(asked, line, min(bars, MOST_BARS))
    setup_id = setup_id or (known[0].setup_id if known and not line_id else "")
    setup, changes = await asyncio.to_thread(charts.track, kind, side, line_id, setup_id, pattern)
    parts: list[Part] = [_stands(setup, changes), *_recognised_by(setup), *([_changes(changes)] if changes else [])]
    title = f"{setup.name} on {charts.board.symbol} {charts.board.timeframe}"
    shown = await picture(charts, title, marks=_marks(changes))
    notes = line.notes if "tf" in said else (*line.notes, f"bar length {TIMEFRAME}, as none was named")
    return Reply(title, (*parts, *shown), as_of=asked.now, notes=notes)


def _known(asked: Asked, line: Line, kind: str, side: int) -> list[TrackedSetup]:
    """The setup of this id, or the asker's open ones of this kind, oldest first."""
    said = line.values
    records = SetupLog(cast(SqlLedger, asked.ledger)).records(author(asked), said["symbol"])
    if said.get("id"):
        return [record.setup for record in records if record.setup.setup_id == said["id"]]
    board = Board(author(asked), said["symbol"], Timeframe.parse(said.get("tf", TIMEFRAME)))
    wanted = (board, kind, side, " ".join(said.get("pattern", ())).casefold())
    mine = [record.setup for record in records if not record.over]
    return [setup for setup in mine if (setup.board, setup.kind, setup.side, _pattern(setup)) == wanted]


def _pattern(setup: TrackedSetup) -> str:
    return setup.examples.pattern.casefold() if setup.examples else ""


def _stands(setup: TrackedSetup, changes: list[StageChange]) -> Text:
    if not changes:
        words = (
            f"Armed as {setup.setup_id} at the close of {setup.armed_at:%Y-%m-%d %H:%M} UTC; nothing has triggered it."
        )
        return Text(f"{words} Each change is an event: /events tells it, and this line asked again.")
    last = changes[-1]
    return Text(f"{last.after.value.capitalize()}: {last.words}.", _TONES.get(last.after, Tone.PLAIN))


def _recognised_by(setup: TrackedSetup) -> list[Part]:
    if setup.examples is None:
        return []
    count, least = len(setup.examples.shapes), setup.examples.least
    words = f"Recognised where the newest bars have a likeness of {least:.2f} with one of your {count} examples."
    return [Text(f"{words} Labels made later change nothing here.", Tone.MUTED), _wrong(setup.examples)]


def _wrong(examples: Examples) -> Text:
    """How often it triggers where nothing is, and what that is worth."""
    rate = examples.alarms
    if rate is None:
        return Text(
            f"How often it is wrong is not known: this market has fewer than {LEAST_BARS} unlabelled bars.", Tone.MUTED
        )
    every = f"about one false alarm in {rate.bars / rate.stretches:,.0f} bars" if rate.stretches else "no false alarm"
    words = f"On {rate.bars:,} bars that you did not label it triggers on {rate.after:.1%}: {every}"
    words += f" (meant: {rate.nominal:.0%} at most)."
    if examples.least > rate.least:
        words += f" For that the likeness was raised from {rate.least:.2f}, where it triggers on {rate.before:.1%}."
        words += f" Another example recognises {rate.kept} of your {len(examples.shapes)} there, {rate.known} before."
    much = rate.after > MUCH * rate.nominal
    if much:
        words += " That is more than meant: one part of these bars is not like the other."
    elif rate.after > rate.nominal:
        words += " That is a little more than meant."
    if not rate.kept:
        words += " None of your examples would be recognised by another: label windows that are more alike."
    return Text(words.replace("%", " %"), Tone.WARNING if much or not rate.kept else Tone.MUTED)


def _changes(changes: list[StageChange]) -> Table:
    columns = (
        Column("at the close of", Shape.TIME),
        Column("from"),
        Column("to"),
        Column("price", Shape.PRICE),
        Column("why"),
    )
    rows = tuple(
        (datetime.fromtimestamp(c.at_ms / 1000, UTC), c.before.value, c.after.value, c.price, c.words) for c in changes
    )
    return Table(columns, rows, "What happened")


def _marks(changes: list[StageChange]) -> tuple[PriceMark, ...]:
    trigger = changes[-1].trigger if changes else None
    if trigger is None:
        return ()
    since = datetime.fromtimestamp(changes[0].at_ms / 1000, UTC)
    prices = (("entry", trigger.level), ("stop", trigger.stop), ("target", trigger.target))
    return tuple(PriceMark(kind, at, since) for kind, at in prices)


async def track_list(asked: Asked, line: Line) -> Reply:
    """One's setups and how they stood when somebody last looked."""
    log = SetupLog(cast(SqlLedger, asked.ledger))
    records = await asyncio.to_thread(log.records, author(asked))
    if not records:
        words = Text("You wait for nothing. Begin with /track setup SYMBOL breakout.")
        return Reply("Setups", (words,), as_of=asked.now, notes=line.notes)
    columns = (
        Column("id"),
        Column("setup"),
        Column("market"),
        Column("armed", Shape.TIME),
        Column("stage", Shape.STATE),
        Column("last word"),
    )
    rows = tuple(_row(record) for record in records[-40:])
    return Reply("Setups", (Table(columns, rows),), as_of=asked.now, notes=line.notes)


def _row(record: SetupRecord) -> tuple:
    setup, board = record.setup, record.setup.board
    market = f"{board.symbol} {board.timeframe}"
    last = plain(str(record.told[-1].get("words", "")), 160) if record.told else "waiting"
    return setup.setup_id, setup.name, market, setup.armed_at, record.stage, last


async def may_drop(asked: Asked, line: Line) -> Preview:
    record = await _record(asked, line)
    setup, board = record.setup, record.setup.board
    words = f"{setup.name} on {board.symbol} {board.timeframe} is {record.stage}. Tracked anew it begins anew."
    return Preview(f"Wait for {setup.name} no longer?", words)


async def track_drop(asked: Asked, line: Line) -> Reply:
    """Wait no longer."""
    setup = (await _record(asked, line)).setup
    await asyncio.to_thread(SetupLog(cast(SqlLedger, asked.ledger)).drop, setup, asked.now)
    words = f"Waiting no longer for {setup.name} ({setup.setup_id})."
    return Reply("Setups", (Text(words),), as_of=asked.now, notes=line.notes)


async def _record(asked: Asked, line: Line) -> SetupRecord:
    log = SetupLog(cast(SqlLedger, asked.ledger))
    records = {record.setup.setup_id: record for record in await asyncio.to_thread(log.records, author(asked))}
    wanted = line.values["setup"]
    if wanted not in records:
        raise ValueRefused(f"you track no setup {wanted[:40]!r}; you track {', '.join(records) or 'none'}")
    return records[wanted]
