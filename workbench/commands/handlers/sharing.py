"""What a person shares with the others of the desk: /share."""

from workbench.commands.asked import Asked
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.orchestration.plain_text import plain


async def share(asked: Asked, line: Line) -> Reply:
    """With a topic and on or off: change it. Always: what is shared now."""
    sync, who = asked.center.data_sync, asked.viewer.name
    topic, switch = line.values["topic"], line.values["switch"]
    await sync.share(who, topic, switch == "on")
    rows = tuple((name, "shared" if on else "not shared") for name, on in (await sync.sharing(who)).items())
    words = "others see it from now on" if switch == "on" else "nobody else sees it any more, past things included"
    table = Table((Column("topic"), Column("now", Shape.STATE)), rows)
    title = f"{plain(who, 60)}: {topic} {'shared' if switch == 'on' else 'not shared'}"
    said = Text(words, Tone.GOOD if switch == "on" else Tone.PLAIN)
    return Reply(title, (said, table), as_of=asked.now, notes=line.notes)
