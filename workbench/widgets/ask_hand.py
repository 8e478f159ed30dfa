"""The command bar's hand in the kernel: a typed line goes through the same door as in a terminal, and comes back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from workbench.commands.completion import complete
from workbench.commands.permitted import permits
from workbench.commands.reply import Reply
from workbench.commands.spec import Known
from workbench.widgets import desk_wire as wire
from workbench.widgets import reply_wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
LINE_CHARS = 600
AT_ONCE = 4
OFFERS = 12


class Answers(Protocol):
    """The part of a dispatcher that the hand needs (`commands.dispatcher.Dispatcher` is one)."""

    @property
    def viewer(self) -> Any: ...

    async def ask(self, line: str, progress: Any = None) -> Reply: ...

    def known(self) -> Known: ...


@dataclass(frozen=True, slots=True)
class AskPage:
    """A tab that begins with lines of the grammar. `lines` gives them from the names that are known now."""

    name: str
    title: str
    lines: Callable[[Known], Sequence[str]]
    about: str = ""


class AskHand:
    """Hears {"kind": "ask", "id", "line", "theme", "zone"}, "complete", "lines" and "give_up"; each answer carries the
    "id" of its question. At most `AT_ONCE` questions at once: a page cannot bury the kernel."""

    def __init__(self, dispatcher: Answers, send: Callable[[Json], None], pages: Sequence[AskPage] = ()):
        self._dispatcher, self._send = dispatcher, send
        self._pages = {page.name: page for page in pages}
        self._asking: dict[str, asyncio.Task] = {}

    @property
    def tabs(self) -> list[Json]:
        return [{"id": page.name, "title": page.title, "about": page.about} for page in self._pages.values()]

    def hear(self, content: Mapping[str, Any]) -> None:
        question = str(content.get("id"))[:64]
        kind = content.get("kind")
        if kind == "ask":
            self._begin(question, content)
        elif kind == "give_up" and question in self._asking:
            self._asking[question].cancel()
        elif kind == "complete":
            line = str(content.get("line"))[:LINE_CHARS]
            offers = [
                [wire.clean(word, 80), wire.clean(about)]
                for word, about in complete(line, self._dispatcher.known())[:OFFERS]
            ]
            self._send({"kind": "offers", "id": question, "line": line, "offers": offers})
        elif kind == "lines" and (page := self._pages.get(str(content.get("page")))):
            role = self._dispatcher.viewer.role
            lines = [wire.clean(one, LINE_CHARS) for one in page.lines(self._dispatcher.known()) if permits(role, one)]
            self._send({"kind": "lines", "id": question, "page": page.name, "lines": lines})

    async def stop(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, question: str, content: Mapping[str, Any]) -> None:
        line = str(content.get("line")).strip()
        if len(line) > LINE_CHARS:
            self._refuse(question, f"a line has at most {LINE_CHARS} characters, this one {len(line):,}")
        elif len(self._asking) >= AT_ONCE or question in self._asking:
            self._refuse(question, f"{AT_ONCE} questions are being answered already; wait for one, or give it up")
        else:
            theme = "light" if content.get("theme") == "light" else "dark"
            self._send({"kind": "asked", "id": question, "phase": "sent"})
            task = asyncio.create_task(self._answer(question, line, theme, _zone(content.get("zone"))), name="page-ask")
            self._asking[question] = task
            task.add_done_callback(lambda done: self._ended(question, done))

    async def _answer(self, question: str, line: str, theme: str, zone: tzinfo | None) -> None:
        def progress(part: float, words: str) -> None:
            told = {"part": wire.number(part), "words": wire.clean(words)}
            self._send({"kind": "asked", "id": question, "phase": "working", **told})

        said = await self._dispatcher.ask(line, progress)
        told = await asyncio.to_thread(reply_wire.reply, said, zone, theme)
        self._send({"kind": "asked", "id": question, "phase": "done", "reply": told})

    def _ended(self, question: str, task: asyncio.Task) -> None:
        self._asking.pop(question, None)
        if task.cancelled():
            self._refuse(question, "given up")
        elif error := task.exception():
            log.error("page_question_broke", error=repr(error), exc_info=error)
            self._refuse(question, f"{type(error).__name__}: {error}")

    def _refuse(self, question: str, words: str) -> None:
        self._send({"kind": "asked", "id": question, "phase": "refused", "error": wire.clean(words)})


def _zone(name: object) -> tzinfo | None:
    """The viewer's zone; one that nobody knows is UTC."""
    try:
        return ZoneInfo(str(name)) if name else None
    except (KeyError, ValueError, OSError):
        return None
