"""Patterns between users by consent (/pattern share, unshare, offers, accept, decline), and /pattern watch."""

import asyncio
from typing import cast
from uuid import uuid4

from workbench.commands.asked import Asked
from workbench.commands.handlers.charted import author
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.patterns import Outcome
from workbench.ledger.accepted_patterns import accept, offers_to
from workbench.ledger.log import SqlLedger
from workbench.ledger.pattern_log import WATCH
from workbench.orchestration.pattern_sharing import PatternSharing
from workbench.orchestration.plain_text import plain


async def pattern_share(asked: Asked, line: Line) -> Reply:
    """Let others of this desk learn from a pattern's labels."""
    name = line.values["pattern"]
    offer = await _sharing(asked).share(author(asked), name, True)
    words = (
        f"Others may learn from {len(offer.labels)} labels of {plain(name, 60)}; later ones are shared when you say so."
    )
    return _said(asked, line, "Shared", words, "recorded as your consent; /pattern unshare takes it back")


async def pattern_unshare(asked: Asked, line: Line) -> Reply:
    """Take it back: whoever accepted it learns without it from now on."""
    name = line.values["pattern"]
    await _sharing(asked).share(author(asked), name, False)
    return _said(asked, line, "No longer shared", f"Nobody else learns from {plain(name, 60)} any more.")


async def pattern_offers(asked: Asked, line: Line) -> Reply:
    """What others share."""
    found = await asyncio.to_thread(offers_to, cast(SqlLedger, asked.ledger), author(asked))
    if not found:
        words = "Nobody shares a pattern with you. Theirs: /pattern share NAME."
        return Reply("Patterns of others", (Text(words, Tone.MUTED),), as_of=asked.now, notes=line.notes)
    columns = (Column("from"), Column("pattern"), *(Column(name, Shape.COUNT) for name in ("labels", "success")))
    rows = tuple(
        (
            *(plain(offer.owner, 64), plain(offer.pattern, 60), len(offer.labels)),
            sum(one.outcome is Outcome.SUCCESS for one in offer.labels),
            "accepted" if offer.accepted else "offered",
        )
        for offer in found
    )
    return Reply(
        "Patterns of others", (Table((*columns, Column("here", Shape.STATE)), rows),), as_of=asked.now, notes=line.notes
    )


async def pattern_accept(asked: Asked, line: Line) -> Reply:
    """Learn from somebody else's labels too; they stay theirs."""
    return await _taken(asked, line, True)


async def pattern_decline(asked: Asked, line: Line) -> Reply:
    """Learn from them no longer."""
    return await _taken(asked, line, False)


async def _taken(asked: Asked, line: Line, on: bool) -> Reply:
    owner, name = line.values["owner"], line.values["pattern"]
    await asyncio.to_thread(accept, cast(SqlLedger, asked.ledger), author(asked), owner, name, on)
    whose = f"{plain(name, 60)} of {plain(owner, 64)}"
    if not on:
        return _said(asked, line, "Declined", f"You learn from {whose} no longer.")
    words = f"You learn from {whose} as long as it is shared; it is found under that name and never counted as yours."
    return _said(asked, line, "Accepted", words)


async def pattern_watch(asked: Asked, line: Line) -> Reply:
    """Which markets the desk looks at for one's patterns, at every closed bar."""
    ledger, said = cast(SqlLedger, asked.ledger), line.values
    on, symbol, timeframe = said["switch"] == "on", said.get("symbol"), said.get("tf")
    choice = {"on": on, "symbols": [symbol] if symbol else [], "timeframes": [timeframe] if timeframe else []}
    await asyncio.to_thread(ledger.pattern_log.note, author(asked), WATCH, {uuid4().hex: choice})
    if not on:
        return _said(asked, line, "Not watched", "The desk no longer looks for your patterns.")
    where = f"on {symbol or 'every market of the venue'}, {f'{timeframe} bars' if timeframe else 'bars as labelled'}"
    words = (
        f"A running desk looks for your patterns {where}, at every closed bar, once they are learned: /pattern train."
    )
    return _said(asked, line, "Watched", words)


def _sharing(asked: Asked) -> PatternSharing:
    return PatternSharing(cast(SqlLedger, asked.ledger), asked.center.data_sync)


def _said(asked: Asked, line: Line, title: str, words: str, note: str = "") -> Reply:
    notes = (*line.notes, note) if note else line.notes
    return Reply(title, (Text(words, Tone.GOOD),), as_of=asked.now, notes=notes)
