"""What is told unasked: /alerts, /alerts on, /alerts off, /alerts quiet, /alerts least."""

import asyncio

from workbench.commands.asked import Asked
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import CommandError, LedgerError
from workbench.domain.telling import Severity
from workbench.ledger.alert_choices import AlertChoices
from workbench.orchestration.alerts import KINDS, TOPICS, alert_of

LATELY = 10


def reader(asked: Asked) -> str:
    """Whose choices are meant: a chat in Telegram, else whoever asks."""
    return asked.viewer.reader or asked.viewer.name


async def alerts(asked: Asked, line: Line) -> Reply:
    """Every topic with its switch, quiet hours, and the alerts of late."""
    choices = await asyncio.to_thread(asked.center.ledger.alerts.get, reader(asked))
    return _shown(asked, choices, await _lately(asked))


async def alerts_on(asked: Asked, line: Line) -> Reply:
    return await _switched(asked, line, True)


async def alerts_off(asked: Asked, line: Line) -> Reply:
    return await _switched(asked, line, False)


async def alerts_quiet(asked: Asked, line: Line) -> Reply:
    """Hours in which only what is critical is told; the rest is told when they end."""
    typed = str(line.values["hours"])
    try:
        return await _set(asked, quiet="" if typed.casefold() == "off" else typed)
    except LedgerError as error:
        raise CommandError(str(error)) from error


async def alerts_least(asked: Asked, line: Line) -> Reply:
    return await _set(asked, least=Severity(line.values["severity"]))


async def _switched(asked: Asked, line: Line, on: bool) -> Reply:
    topic = line.values["topic"]
    meant = set(TOPICS) if topic == "all" else {topic}
    off = set((await asyncio.to_thread(asked.center.ledger.alerts.get, reader(asked))).off)
    return await _set(asked, off=tuple(off - meant if on else off | meant))


async def _set(asked: Asked, **changes: object) -> Reply:
    return _shown(asked, await asyncio.to_thread(lambda: asked.center.ledger.alerts.set(reader(asked), **changes)))


def _shown(asked: Asked, choices: AlertChoices, lately: Table | None = None) -> Reply:
    rows = tuple((topic, "off" if topic in choices.off else "on", words) for topic, words in TOPICS.items())
    said = [f"quiet hours {choices.quiet}" if choices.quiet else "no quiet hours"]
    said += [f"{choices.least.value} and louder"] if choices.least is not Severity.INFO else []
    parts: list[Table | Text] = [
        Table((Column("topic"), Column("told", Shape.STATE), Column("when")), rows),
        Text("; ".join(said)),
    ]
    parts += [lately] if lately else []
    return Reply("Alerts", (*parts, Text("What is critical is always told.", Tone.MUTED)), as_of=asked.now)


async def _lately(asked: Asked) -> Table | None:
    found = [(event, alert_of(event)) for event in await asked.center.cross_bot_memory.events(LATELY, KINDS)]
    rows = tuple((event.at, alert.topic, alert.severity.value, alert.title) for event, alert in found if alert)
    columns = (Column("at", Shape.TIME), Column("topic"), Column("how loud"), Column("what"))
    return Table(columns, rows, "Lately") if rows else None
