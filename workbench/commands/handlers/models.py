"""The models that bots learn together: /model list, train, promote, rollback."""

import asyncio
from typing import Any

from workbench.commands.asked import Asked
from workbench.commands.confirming import Preview
from workbench.commands.formats import moment, number
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import LedgerError
from workbench.ledger.feature_log import read_features
from workbench.ledger.model_store import Promotion, rollback_target
from workbench.orchestration.joint_training import JointTraining, ModelRow
from workbench.orchestration.plain_text import plain
from workbench.orchestration.sync_topics import TRAINING_ENDED

BARS, MARKETS = 4000, 12
_COLUMNS = (
    Column("model"),
    Column("version", Shape.COUNT),
    Column("in use", Shape.STATE),
    Column("trained", Shape.TIME),
    Column("loss", Shape.NUMBER),
    Column("other's loss", Shape.NUMBER),
    Column("hash"),
    Column("judgement"),
)


async def model_list(asked: Asked, line: Line) -> Reply:
    """Every version, which is in use, and how it was judged. Losses are QLIKE, less is better."""
    rows = await JointTraining(asked.center.ledger).rows()
    last = await asyncio.to_thread(asked.center.ledger.last, 1, [TRAINING_ENDED])
    notes = (
        *line.notes,
        *(f"{plain(event.payload['words'], 300)}, {moment(event.at, asked.viewer.zone)}" for event in last),
    )
    if not rows:
        return Reply("No model yet", (Text("train one with: /model train"),), as_of=asked.now, notes=notes)
    used = sum(row.champion for row in rows)
    table = Table(_COLUMNS, tuple(_row(row) for row in rows), "QLIKE on data after training, less is better")
    versions = f"{len(rows)} {'version' if len(rows) == 1 else 'versions'}"
    return Reply(f"{versions}, {used} in use", (table,), as_of=asked.now, notes=notes)


async def model_train(asked: Asked, line: Line) -> Reply:
    """Train a challenger on the venue's newest closed bars; it takes over only where it was better."""
    from workbench.orchestration.joint_bars import training_bars  # pandas and ccxt
    from workbench.quant.scores import scores_by_name

    market = asked.center.registry.market
    timeframe = line.values.get("tf") or (market.timeframe if market else "1h")
    tell = asked.progress or (lambda done, words: None)
    tell(0.0, "reading bars")
    candles, failed, scores = await training_bars(asked.center, timeframe, BARS, MARKETS)
    world = asked.center.intelligence.seen(market)
    said = await asyncio.to_thread(read_features, asked.center.ledger, world, timeframe)
    report = await JointTraining(asked.center.ledger, asked.center.settings.compute.scheduler).train(
        candles,
        timeframe,
        line.values.get("horizon", 0),
        by=asked.viewer.name,
        scores=scores,
        told=scores_by_name(said),
        progress=tell,
    )
    version, facts = report.model.version, report.model.facts
    if report.promotion:
        title, tone = f"{report.name}: version {version} takes over", Tone.GOOD
    else:
        title, tone = f"{report.name}: version {version} stays a challenger", Tone.PLAIN
    words = (
        f"{report.reason}. Learned from {facts['rows']:,} rows of {', '.join(candles)}, until "
        f"{plain(facts['trained_until'], 40)}; losses {_figure(facts['loss'])} and {_figure(facts['other_loss'])}."
    )
    heard = {names[0].partition("/")[0] for names in facts["lifts"]}
    bots = [_of_bot(bot, why, bot in heard) for bot, why in facts["bots"].items()]
    gone = [Text(f"{symbol}: {plain(why, 200)}", Tone.WARNING) for symbol, why in failed.items()]
    return Reply(title, (Text(words, tone), *bots, *gone), as_of=asked.now, notes=line.notes)


def _of_bot(bot: str, why: str, heard: bool) -> Text:
    return Text(f"features of {plain(bot, 64)}: {'heard' if heard else 'left out'}, {plain(why, 200)}", Tone.MUTED)


async def may_promote(asked: Asked, line: Line) -> Preview:
    rows = await JointTraining(asked.center.ledger).rows()
    name, version = _meant(rows, line.values.get("name")), line.values["version"]
    if not any(row.model.name == name and row.model.version == version for row in rows):
        raise LedgerError(f"{name} has no version {version}; /model list names what there is")
    return _preview("promote", f"Promote version {version}", rows, name, version)


async def model_promote(asked: Asked, line: Line) -> Reply:
    training = JointTraining(asked.center.ledger)
    name = _meant(await training.rows(), line.values.get("name"))
    return _done(asked, line, await training.promote(name, line.values["version"], asked.viewer.name))


async def may_roll_back(asked: Asked, line: Line) -> Preview:
    """To the champion before, or to the one named."""
    training = JointTraining(asked.center.ledger)
    rows = await training.rows()
    name, wanted = _meant(rows, line.values.get("name")), line.values.get("to", 0)
    history = training.store.promotions(name)
    if not history:
        raise LedgerError(f"{name} has no champion to go back from; /model list names what there is")
    version = rollback_target(history, wanted)
    return _preview("rollback", f"Go back to version {version}", rows, name, version)


async def model_rollback(asked: Asked, line: Line) -> Reply:
    training = JointTraining(asked.center.ledger)
    name = _meant(await training.rows(), line.values.get("name"))
    return _done(asked, line, await training.rollback(name, line.values.get("to", 0), asked.viewer.name))


def _preview(verb: str, title: str, rows: list[ModelRow], name: str, version: int) -> Preview:
    """The code is for the models as they are: another change of the champion makes it worthless."""
    mine = [row for row in rows if row.model.name == name]
    now = next((row.model.version for row in mine if row.champion), None)
    reason = next(row.model.facts.get("reason", "") for row in mine if row.model.version == version)
    held = f"version {now} is in use" if now else "none is in use"
    words = f"{name}: {held}; version {version} was judged: {plain(reason, 200)}. Bots pick it up at once."
    state = [(row.model.version, row.promotions, row.champion) for row in mine]
    return Preview(f"{title} of {name}?", words, f"/model {verb} {name} {version} {state}")


def _done(asked: Asked, line: Line, done: Promotion) -> Reply:
    words = f"version {done.version} is in use instead of {done.before or 'none'}: {plain(done.reason, 200)}"
    notes = (*line.notes, f"recorded as change {done.change}, hash {done.sha256[:12]}")
    return Reply(f"{done.name}: version {done.version}", (Text(words, Tone.GOOD),), as_of=asked.now, notes=notes)


def _meant(rows: list[ModelRow], wanted: str | None) -> str:
    """The name typed, or the only one there is."""
    names = sorted({row.model.name for row in rows})
    if not names:
        raise LedgerError("there is no model yet; train one with: /model train")
    if wanted in names:
        return str(wanted)
    if wanted or len(names) > 1:
        start = f"no model {plain(wanted, 60)!r}" if wanted else "there are several models"
        raise LedgerError(f"{start}; say --name and one of {', '.join(names)}")
    return names[0]


def _row(row: ModelRow) -> tuple[Any, ...]:
    model, facts = row.model, row.model.facts
    used = "in use" if row.champion else "was" if row.promotions else ""
    judged = plain(facts.get("reason", ""), 120)
    losses = facts.get("loss"), facts.get("other_loss")
    return (model.name, model.version, used, model.at, *losses, model.sha256[:12], judged)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else number(value)
