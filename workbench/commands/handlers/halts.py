"""Stopping, and taking a stop back: /halt and /release."""

import asyncio

from workbench.commands.asked import Asked
from workbench.commands.confirming import Preview
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.desk import DeskState
from workbench.domain.errors import CommandError
from workbench.domain.halts import DESK, Standing
from workbench.ledger.log import SqlLedger
from workbench.orchestration.emergency import HaltReport
from workbench.orchestration.plain_text import plain


async def halt(asked: Asked, line: Line) -> Reply:
    """Stop, prove it, and name what is left."""
    reason = plain(line.values.get("reason") or "typed /halt", 200)
    report = await asked.center.emergency.halt(line.values.get("targets"), reason, asked.viewer.name)
    columns = (Column("bot", Shape.BOT), Column("outcome", Shape.STATE), Column("left open"), Column("why"))
    rows = tuple((f.bot_id, f.outcome.value, "; ".join(f.left), plain(f.reason)) for f in report.findings)
    parts = (Table(columns, rows),) if rows else (Text("no bot is known here", Tone.WARNING),)
    good = sum(finding.confirmed for finding in report.findings)
    title = f"Halted: {', '.join(report.halt.scopes)}; {good} of {len(rows)} confirmed at the venue"
    notes = (*line.notes, *_notes(report))
    return Reply(title, parts, report.confirmed, "" if report.confirmed else report.words, as_of=asked.now, notes=notes)


def _notes(report: HaltReport) -> tuple[str, ...]:
    halt = report.halt
    notes = [f"recorded as {halt.halt_id}" if halt.durable else "not recorded: the ledger cannot be written"]
    if halt.step.open and halt.watch_until:
        who = "this process, and by any desk when it ends" if report.driven_here else "the desk"
        notes.append(f"watched until {halt.watch_until:%H:%M:%S} UTC by {who}")
    scope = "all" if DESK in halt.scopes else halt.scopes[0]
    return (*notes, f"it lasts until a person types /release {scope}")


async def may_release(asked: Asked, line: Line) -> Preview:
    """What is held, since when and why. The code is for the scope: the ledger takes it as it lifts the latch."""
    standing = _meant(line.values["scope"], await asyncio.to_thread(asked.center.ledger.states.all))
    since = f"{standing.since:%Y-%m-%d %H:%M:%S} UTC"
    words = f"{standing.scope} is {standing.state.value} since {since}: {standing.reason}. It may trade again then."
    return Preview(f"Release {_typed(standing)}?", words, standing.scope)


async def release(asked: Asked, line: Line) -> Reply:
    """Lift the latch; the bots stay as they are until they are resumed."""
    ledger: SqlLedger = asked.center.ledger
    standing = _meant(line.values["scope"], await asyncio.to_thread(ledger.states.all))
    await asyncio.to_thread(ledger.states.release, standing.scope, line.values["code"], asked.viewer.name)
    left = await asyncio.to_thread(ledger.states.all)
    held = [f"{scope} is still {each.state.value}: {each.reason}" for scope, each in left.items()]
    parts = (
        Text(f"its bots stay as they are until you type /resume {_typed(standing)}"),
        *(Text(w, Tone.WARNING) for w in held),
    )
    return Reply(f"{standing.scope} released", parts, as_of=asked.now)


def _typed(standing: Standing) -> str:
    return "all" if standing.scope == DESK else standing.scope


def _meant(typed: str, standings: dict[str, Standing]) -> Standing:
    wanted = DESK if typed.casefold() in ("all", DESK) else typed
    for scope, standing in standings.items():
        if scope.casefold() == wanted.casefold():
            return standing
    known = ", ".join("all" if scope == DESK else scope for scope in standings)
    raise CommandError(f"{plain(typed, 60)} is not {DeskState.HALTED.value}; held now: {known or 'nothing'}")
