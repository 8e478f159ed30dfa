"""Who may speak to the desk in Telegram: /people, /people approve, /people refuse, /people remove."""

import asyncio

from workbench.commands.asked import Asked
from workbench.commands.confirming import Preview
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import CommandError, LedgerError
from workbench.ledger.telegram_people import Person, Standing
from workbench.orchestration.plain_text import plain


async def people(asked: Asked, line: Line) -> Reply:
    """Everybody who ever asked for access."""
    known = await asyncio.to_thread(asked.center.ledger.people.all)
    if not known:
        words = "nobody has asked; send /start to the bot. Admins by settings are not listed here."
        return Reply("People", (Text(words, Tone.MUTED),), as_of=asked.now)
    columns = (Column("person"), Column("name"), Column("standing", Shape.STATE), Column("asked", Shape.TIME))
    rows = tuple((str(each.person), plain(each.name, 64), each.standing.value, each.asked_at) for each in known)
    waiting = sum(each.standing is Standing.PENDING for each in known)
    return Reply(f"People: {waiting} waiting", (Table(columns, rows),), as_of=asked.now)


async def people_approve(asked: Asked, line: Line) -> Reply:
    return await _decided(asked, line, Standing(line.values["role"]))


async def people_refuse(asked: Asked, line: Line) -> Reply:
    return await _decided(asked, line, Standing.REFUSED)


async def may_remove(asked: Asked, line: Line) -> Preview:
    number = _number(line)
    who = await asyncio.to_thread(asked.center.ledger.people.get, number)
    if who is None:
        raise LedgerError(f"nobody with the number {number} has asked; /people lists who did")
    words = f"{plain(who.name, 64)} is {who.standing.value}. They are let in again only if they ask."
    return Preview(f"Forget {plain(who.name, 64)}?", words)


async def people_remove(asked: Asked, line: Line) -> Reply:
    """Forget a person, who may then ask again."""
    who = await asyncio.to_thread(asked.center.ledger.people.remove, _number(line), asked.viewer.name)
    return Reply(f"{plain(who.name, 64)} has no access any more", as_of=asked.now)


async def _decided(asked: Asked, line: Line, standing: Standing) -> Reply:
    decide = asked.center.ledger.people.decide
    who: Person = await asyncio.to_thread(decide, _number(line), standing, asked.viewer.name)
    return Reply(f"{plain(who.name, 64)} is {who.standing.value} now", as_of=asked.now)


def _number(line: Line) -> int:
    typed = str(line.values["person"])
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 18):
        raise CommandError(f"a person is a number here, as /people lists them; got {typed[:40]!r}")
    return int(typed)
