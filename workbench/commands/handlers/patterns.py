"""A user's own patterns: /pattern list, train, scan, recognize, success, recommend, feedback."""

import asyncio
from typing import cast
from weakref import WeakKeyDictionary

import pandas as pd

from workbench.commands.asked import Asked
from workbench.commands.handlers.charted import author
from workbench.commands.handlers.pattern_room import rooms_now
from workbench.commands.reply import Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import ValueRefused
from workbench.domain.patterns import Recognition
from workbench.domain.portfolio import Money
from workbench.ledger.accepted_patterns import labels_of
from workbench.ledger.log import SqlLedger
from workbench.ledger.pattern_models import models_of
from workbench.orchestration.plain_text import plain
from workbench.visual.pattern_history import candles_of, newest_bars
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner

LOOKED_BACK, ROWS = 240, 40
_NO_LABELS = (
    "You have labelled nothing yet: brush windows in notebooks/pattern_lab.ipynb; three of a pattern are enough."
)
_LABS: WeakKeyDictionary = WeakKeyDictionary()  # by ledger: learning takes seconds, and a shell asks many times
_FOUND = (
    Column("pattern"),
    Column("market"),
    Column("bars"),
    Column("from", Shape.TIME),
    Column("to", Shape.TIME),
    Column("probability", Shape.SHARE),
    Column("like yours", Shape.SHARE),
    Column("p against history", Shape.NUMBER),
)


async def pattern_list(asked: Asked, line: Line) -> Reply:
    """What the asker has labelled."""
    ledger = cast(SqlLedger, asked.ledger)
    found = await asyncio.to_thread(ledger.annotations.patterns, author(asked))
    if not found:
        return Reply("Patterns", (Text(_NO_LABELS, Tone.MUTED),), as_of=asked.now)
    columns = (
        Column("pattern"),
        *(Column(name, Shape.COUNT) for name in ("labels", "success", "failure", "open")),
        Column("seen until", Shape.TIME),
    )
    rows = tuple(
        (plain(p.name, 60), p.labels, p.successes, p.failures, p.labels - p.successes - p.failures, p.newest_seen)
        for p in found
    )
    return Reply("Patterns", (Table(columns, rows),), as_of=asked.now, notes=line.notes)


async def pattern_train(asked: Asked, line: Line) -> Reply:
    """Learn anew, and keep what was learned."""
    lab, source = await _lab(asked, line.values.get("tf"))
    training = await asyncio.to_thread(lab.train_custom_patterns, author(asked))
    held = lab.shelf.ready(author(asked))
    version = (f"kept as version {held.version}",) if held else ()
    notes = (*line.notes, f"candles: {source}", *version)
    return Reply("Learned", (Text(plain(training.words, 1000)),), as_of=asked.now, notes=notes)


async def pattern_scan(asked: Asked, line: Line) -> Reply:
    """Where the asker's patterns are in the newest bars of every market."""
    lab, source = await _lab(asked, line.values.get("tf"))

    def look() -> list[Recognition]:
        told = lab.recognitions(author(asked))
        since = {market: table.index[-min(LOOKED_BACK, len(table))] for market, table in lab.history.items()}
        return [one for market, ones in told.items() for one in ones if pd.Timestamp(one.last_at) >= since[market]]

    return _told(asked, line, f"Patterns in the newest {LOOKED_BACK} bars", await asyncio.to_thread(look), source)


async def pattern_recognize(asked: Asked, line: Line) -> Reply:
    """Where the asker's patterns are in one market."""
    symbol, timeframe = line.values["symbol"], line.values["tf"]
    lab, source = await _lab(asked, timeframe)
    if (symbol, timeframe) not in lab.history:
        known = ", ".join(sorted({market[0] for market in lab.history}))
        raise ValueRefused(f"no {timeframe} candles of {symbol} in {source}; there are {known}")
    chart = ChartWindow(symbol, timeframe, lab.history[symbol, timeframe])
    found = await asyncio.to_thread(lab.recognize_user_patterns, chart, author(asked))
    return _told(asked, line, f"Patterns in {symbol} {timeframe}", found, source)


async def pattern_success(asked: Asked, line: Line) -> Reply:
    """What became of each pattern, beside matched random entries; out of sample is what counts."""
    lab, source = await _lab(asked, line.values.get("tf"))
    rows = await asyncio.to_thread(lab.get_pattern_success_rates, author(asked))
    columns = (
        Column("pattern"),
        Column("where"),
        *(Column(name, Shape.COUNT) for name in ("known since", "success")),
        *(Column(name, Shape.SHARE) for name in ("rate", "at least", "at most", "random entries")),
        Column("net a trade", Shape.PERCENT),
        Column("p, corrected", Shape.NUMBER),
        Column("verdict"),
    )
    table = tuple(
        (
            *(plain(one.pattern, 60), one.cut, one.since.known, one.since.successes),
            *(one.since.rate, one.since.low, one.since.high, one.since.random_rate, one.since.mean_net),
            *(one.since.corrected, one.words),
        )
        for one in rows
    )
    how = (
        "Since the newest bar that was on the chart when its labels were made, and whatever the desk told live; bots: "
        "where they opened a trade within the window. Exact 95 % intervals, after costs; p: "
        "share of circularly shifted entries at least as good, times everything you have tried."
    )
    training = lab.classifier(author(asked)).training.words
    live = {one.pattern: one.live for one in rows if one.live[0]}
    told = [
        Text(f"{plain(name, 60)}: told live {told} times before the outcome, {ended} ended since, {won} well")
        for name, (told, ended, won) in live.items()
    ]
    parts: tuple[Part, ...] = (Table(columns, table), *told, Text(plain(training, 600)), Text(how, Tone.MUTED))
    return Reply("Are your patterns real?", parts, as_of=asked.now, notes=(*line.notes, f"candles: {source}"))


async def pattern_recommend(asked: Asked, line: Line) -> Reply:
    """Setups on the market now, ranked, each with its plan, its size and the reason."""
    lab, source = await _lab(asked, line.values.get("tf"))
    rooms = await rooms_now(asked.center, {market[0] for market in lab.history})
    made = await asyncio.to_thread(lab.recommend, author(asked), rooms)
    if not made:
        words = "None of your patterns is on the market now, by the newest closed bars."
        return Reply("Setups now", (Text(words, Tone.MUTED),), as_of=asked.now, notes=(f"candles: {source}",))
    columns = (
        *(Column(name) for name in ("id", "pattern", "market", "side")),
        *(Column(name, Shape.PRICE) for name in ("entry", "stop", "target")),
        Column("size", Shape.MONEY),
        Column("score", Shape.SHARE),
        *(Column(name) for name in ("held back", "reason")),
    )
    table = tuple(
        (
            *(one.advice_id, plain(one.recognition.pattern, 60)),
            *(f"{one.recognition.symbol} {one.recognition.timeframe}", one.side.value),
            *(one.entry, one.stop, one.target),
            Money(one.size.value, one.recognition.symbol.partition("/")[2]) if one.size else None,
            *(one.score, plain(one.held_back, 200), plain(one.reason, 300)),
        )
        for one in made[:ROWS]
    )
    unknown = "" if rooms is not None else "No bot is here, so nobody's limits say how much: sizes are not named. "
    size = f"{unknown}Say what you did: /pattern feedback ID taken."
    notes = (*line.notes, f"candles: {source}")
    return Reply("Setups now", (Table(columns, table), Text(size, Tone.MUTED)), as_of=asked.now, notes=notes)


async def pattern_feedback(asked: Asked, line: Line) -> Reply:
    """What became of an advice; the ranking listens."""
    lab = CustomPatternLearner(cast(SqlLedger, asked.ledger), author(asked))
    advice, answer = line.values["advice"], line.values["answer"]
    await asyncio.to_thread(lab.answer, author(asked), advice, answer)
    return Reply("Noted", (Text(f"{answer}: {plain(advice, 60)}", Tone.GOOD),), as_of=asked.now, notes=line.notes)


def _told(asked: Asked, line: Line, title: str, found: list[Recognition], source: str) -> Reply:
    notes = (*line.notes, f"candles: {source}")
    if not found:
        return Reply(title, (Text("None of your patterns is there.", Tone.MUTED),), as_of=asked.now, notes=notes)
    newest = sorted(found, key=lambda one: (one.last_at, one.probability), reverse=True)
    rows = tuple(
        (
            *(plain(one.pattern, 60), one.symbol, one.timeframe.text, one.first_at, one.last_at),
            *(one.probability, max((near.similarity for near in one.nearest), default=None), one.p_value),
        )
        for one in newest[:ROWS]
    )
    more = (f"{len(found) - ROWS} older ones are not shown",) if len(found) > ROWS else ()
    return Reply(title, (Table(_FOUND, rows),), as_of=asked.now, notes=(*notes, *more))


async def _lab(asked: Asked, timeframe: str | None) -> tuple[CustomPatternLearner, str]:
    """The lab over the candles that there are, in one bar length or in those that were labelled."""
    return await asyncio.to_thread(_open, asked, timeframe)


def _open(asked: Asked, timeframe: str | None) -> tuple[CustomPatternLearner, str]:
    ledger, user = cast(SqlLedger, asked.ledger), author(asked)
    labels = labels_of(ledger, user)
    if not labels:
        raise ValueRefused(_NO_LABELS)
    wanted = (timeframe,) if timeframe else tuple(sorted({one.timeframe.text for one in labels}))
    charts = candles_of(asked.center.settings.home)
    history = newest_bars(charts, wanted)
    if not history:
        raise ValueRefused(f"no {', '.join(wanted)} candles in {charts.source}; workbench candles fetch brings some")
    state = {market: (len(table), table.index[-1]) for market, table in history.items()}
    held = _LABS.setdefault(ledger, {})
    if wanted not in held or held[wanted][0] != state:
        settings = asked.center.settings
        lab = CustomPatternLearner(
            ledger, user, history, models=models_of(settings.home), scheduler=settings.compute.scheduler
        )
        held[wanted] = state, lab
    return held[wanted][1], charts.source
