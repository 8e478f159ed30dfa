"""What changes bots: /pause, /resume, /tune. Recorded first, done once, told bot by bot."""

from typing import Any

from workbench.commands.asked import Asked
from workbench.commands.formats import number
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import UNNAMED, Line
from workbench.domain.errors import BotError
from workbench.domain.forecasts import TuneResult
from workbench.orchestration.fan_out import Answer, Answered
from workbench.orchestration.questions import Asking, CrossBotResult

DONE = {"pause": "paused", "resume": "resumed", "halt": "halted"}


async def pause(asked: Asked, line: Line) -> Reply:
    return await _change(asked, line, "pause")


async def resume(asked: Asked, line: Line) -> Reply:
    return await _change(asked, line, "resume")


async def tune(asked: Asked, line: Line) -> Reply:
    """Search better settings, with progress; cancelling the wait cancels the search."""
    values = line.values
    how = Asking(asked.center.settings.deadline_s, progress=asked.progress, by=_issuer(asked))
    args = {"symbol": values["symbol"], "timeframe": values["tf"]}
    result = await asked.center.execute_cross_bot_command(
        "tune", args, values["bot"], command_id=values.get("id"), how=how
    )
    answer = result.answers[values["bot"]]
    if not isinstance(answer, Answered):
        raise BotError(f"{values['bot']} was not tuned: {answer.words}")
    told: TuneResult = answer.value
    return Reply(
        f"{told.bot_id}: tuned for {told.symbol} {told.timeframe}",
        (Text(_verdict(told), Tone.GOOD if told.adopted else Tone.PLAIN), _settings(told)),
        as_of=asked.now,
        notes=(*line.notes, *_id_note(result)),
    )


def _verdict(told: TuneResult) -> str:
    scores = f"score {number(told.score)}, now {number(told.current_score)}"
    words = f"best of {told.tried:,} over {told.folds} folds: {scores}"
    return f"{words}; adopted" if told.adopted else f"{words}; kept what it has"


def _settings(told: TuneResult) -> Table:
    return Table((Column("setting"), Column("value")), tuple((name, str(value)) for name, value in told.best.items()))


def _issuer(asked: Asked) -> str:
    """Who is known by a name; the record has the machine's user for the one at the keyboard."""
    return "" if asked.viewer.name == UNNAMED else asked.viewer.name


async def _change(asked: Asked, line: Line, name: str) -> Reply:
    how = Asking(asked.center.settings.deadline_s, by=_issuer(asked))
    result = await asked.center.execute_cross_bot_command(
        name, {}, line.values["target"], command_id=line.values.get("id"), how=how
    )
    failed = [answer for answer in result.answers.values() if not answer.ok]
    columns = (Column("bot", Shape.BOT), Column("outcome"), Column("answered in", Shape.LATENCY))
    rows = tuple((bot_id, _outcome(name, answer), answer.latency_ms) for bot_id, answer in result.answers.items())
    done = len(rows) - len(failed)
    error = f"{name}: {len(failed)} of {len(rows)} not done; {failed[0].bot_id}: {failed[0].words}" if failed else ""
    title = f"{done} of {len(rows)} {'bot' if len(rows) == 1 else 'bots'} {DONE[name]}"
    notes = (*line.notes, *_id_note(result))
    return Reply(title, (Table(columns, rows),), not failed, error, as_of=asked.now, notes=notes)


def _outcome(name: str, answer: Answer) -> Any:
    return DONE[name] if answer.ok else answer.words


def _id_note(result: CrossBotResult) -> tuple[str, ...]:
    return (f"recorded as {result.record.command.command_id}",) if result.record else ()
