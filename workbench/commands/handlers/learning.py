"""How learning goes: /learning. Skill over time, models trained and put to use, whose features are heard."""

import asyncio
from collections.abc import Sequence

from workbench.commands.asked import Asked
from workbench.commands.reply import Chart, Column, Part, Reply, Shape, Table, Text
from workbench.commands.spec import Line
from workbench.ledger.forecast_sums import Filter
from workbench.ledger.log import SqlLedger
from workbench.ledger.model_store import ModelStore, Promotion
from workbench.orchestration.joint_training import JointTraining, ModelRow
from workbench.orchestration.plain_text import plain
from workbench.orchestration.sync_topics import TRAINING_ENDED
from workbench.quant.league import Skill

DAYS = 14
LINES = 10


async def learning(asked: Asked, line: Line) -> Reply:
    """Skill of each bot and of all together over a moving fortnight, then models, trainings and features."""
    center, ledger = asked.center, asked.center.ledger
    center.intelligence.seen(center.registry.market or await center.read_clock())
    course = await center.intelligence.skill_over_time(Filter(symbol=line.values.get("symbol")), DAYS)
    rows = await JointTraining(ledger).rows()
    changes = await asyncio.to_thread(_changes, ledger, rows)
    parts: list[Part] = [_verdict(course, rows), *await asyncio.to_thread(_picture, course)]
    parts += [_promotions(changes)] if changes else []
    parts += _features(rows)
    parts += [_trainings(found)] if (found := await asyncio.to_thread(ledger.last, LINES, [TRAINING_ENDED])) else []
    return Reply("Learning", tuple(parts), as_of=asked.now, notes=line.notes)


def _verdict(course: Sequence[Skill], rows: Sequence[ModelRow]) -> Text:
    newest = {skill.bot_id: skill for skill in course}  # in order of days
    if newest:
        best = max(newest.values(), key=lambda skill: skill.skill)
        who = f"{plain(best.bot_id, 64)} {'is the best' if best.skill > 0 else 'comes nearest to the naive forecast'}"
        words = f"Over the last {DAYS} days {who}: skill {_percent(best.skill)} on {best.scored:,} forecasts"
        mean = newest.get("consensus")
        words += f"; all together: {_percent(mean.skill)}" if mean and mean is not best else ""
    else:
        words = "Too little has been scored yet to tell a course"
    used = [row.model for row in rows if row.champion]
    named = ", ".join(f"{model.name} version {model.version}" for model in used)
    words += f". Model in use: {named or 'none, each bot forecasts by its own'}"
    return Text(f"{words}; {len(rows)} trained, /model list tells how each was judged." if rows else f"{words}.")


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−")


def _picture(course: Sequence[Skill]) -> list[Part]:
    if not course:
        return []
    from workbench.visual.league_charts import skill_over_time
    from workbench.visual.picture import spec_of  # Altair costs a second

    return [Chart(spec_of(skill_over_time(course)), f"skill against naive over the {DAYS} days before each day")]


def _changes(ledger: SqlLedger, rows: Sequence[ModelRow]) -> list[Promotion]:
    store = ModelStore(ledger)
    found = [change for name in dict.fromkeys(row.model.name for row in rows) for change in store.promotions(name)]
    return sorted(found, key=lambda change: change.at, reverse=True)[:LINES]


def _promotions(changes: Sequence[Promotion]) -> Table:
    columns = (
        Column("when", Shape.TIME),
        Column("model"),
        Column("version", Shape.COUNT),
        Column("instead of", Shape.COUNT),
        Column("by"),
        Column("why"),
    )
    rows = tuple(
        (each.at, each.name, each.version, each.before or None, plain(each.by, 64), plain(each.reason, 120))
        for each in changes
    )
    return Table(columns, rows, "Put to use")


def _features(rows: Sequence[ModelRow]) -> list[Part]:
    """What the newest training made of each bot's features."""
    facts = rows[0].model.facts if rows else {}
    heard = {names[0].partition("/")[0] for names in facts.get("lifts", [])}
    told = tuple(
        (bot, "heard" if bot in heard else "left out", plain(why, 200)) for bot, why in facts.get("bots", {}).items()
    )
    columns = (Column("bot", Shape.BOT), Column("features"), Column("judgement, within the training"))
    return [Table(columns, told, "Bots' features in the newest model")] if told else []


def _trainings(events: Sequence) -> Table:
    rows = tuple((event.at, plain(event.payload["words"], 300)) for event in reversed(events))
    return Table((Column("when", Shape.TIME), Column("how it ended")), rows, "Trainings on schedule")
