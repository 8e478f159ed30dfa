"""What cannot be taken back is asked for first and done with a code: single use, one person, one minute."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from workbench.commands.asked import Asked
from workbench.commands.reply import Question, Reply
from workbench.commands.spec import CODE, Line
from workbench.ledger.confirmations import CODE_LIFE


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done. `title` asks, `words` tell. `what`: that the code is for, where the line alone does not say
    it: the state that is changed, so that another change of it makes the code worthless."""

    title: str
    words: str
    what: str = ""


Look = Callable[[Asked, Line], Awaitable[Preview]]
"""Says what a line would do, and does nothing. Raises WorkbenchError where it could not be done."""


async def ask_back(asked: Asked, line: Line, look: Look) -> Reply:
    """The question, with the line that does it."""
    seen = await look(asked, line)
    code = await asyncio.to_thread(asked.center.ledger.confirmations.offer, _what(line, seen), asked.viewer.name)
    until = asked.now + CODE_LIFE - timedelta(seconds=1)
    question = Question(f"{seen.words} Type this to do it:", typed(line, code), until)
    return Reply(seen.title, (question,), as_of=asked.now, notes=line.notes)


async def spend(asked: Asked, line: Line, look: Look) -> Line:
    """Use up the code of `line`; the line without it. Raises LedgerError for one that does not count."""
    what = _what(line, await look(asked, line))
    await asyncio.to_thread(asked.center.ledger.confirmations.use, what, line.values[CODE.name], asked.viewer.name)
    return _bare(line)


def typed(line: Line, code: str) -> str:
    """`line` as it is typed to do it: places, the code among them, and then options."""
    values = {**line.values, CODE.name: code}
    places = [_quoted(values[p.name]) for p in line.spec.places if p.name in values]
    options = [f"--{name} {_quoted(values[name])}" for name in line.spec.options if name in values]
    return " ".join((line.spec.name, *places, *options))


def _what(line: Line, seen: Preview) -> str:
    return seen.what or typed(_bare(line), "").casefold()


def _bare(line: Line) -> Line:
    return replace(line, values={name: value for name, value in line.values.items() if name != CODE.name})


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if any(letter.isspace() for letter in text) else text
