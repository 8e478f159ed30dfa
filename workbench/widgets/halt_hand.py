"""The halt button's hand in the kernel: a typed word becomes `/halt all`, a typed code `/release`, nothing else does.

Both go through the dispatcher, so a halt from a page is the same as one that is typed: latched in the ledger first,
done by this process, and valid whether or not a desk runs.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from workbench.commands.reply import Question, Reply, Table, Text
from workbench.domain.errors import WorkbenchError
from workbench.domain.halts import DESK, Finding, Outcome
from workbench.ledger.log import SqlLedger
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
WORD, HALT = "halt", "/halt all"
LOOK_S = 0.15
_SCOPE = re.compile(r"@?[\w.\-/]{1,80}")
_CODE = re.compile(r"[a-z0-9]{4,12}")


class Asks(Protocol):
    """The part of a dispatcher that the hand needs (`commands.dispatcher.Dispatcher` is one)."""

    @property
    def center(self) -> Any: ...

    @property
    def viewer(self) -> Any: ...

    async def ask(self, line: str, progress: Any = None) -> Reply: ...

    def known(self) -> Any: ...


class HaltHand:
    """Hears the dialog's messages and answers each at once, so that a page without an answer knows it was not heard."""

    def __init__(self, dispatcher: Asks, send: Callable[[Json], None]):
        self._dispatcher, self._send = dispatcher, send
        self._tasks: dict[str, asyncio.Task] = {}

    def hear(self, content: Mapping[str, Any]) -> None:
        """{"kind": "halt", "typed"} or {"kind": "release", "scope", "code"?}, each with the dialog's "id"."""
        kind, dialog = content.get("kind"), str(content.get("id"))[:64]
        running = self._tasks.get(str(kind))
        if running and not running.done():  # asked again while under way: it goes on, and tells both
            self._send({"kind": kind, "id": dialog, "phase": "sent"})
            return
        if kind == "halt":
            self._begin("halt", dialog, self._halt(dialog, str(content.get("typed"))))
        elif kind == "release":
            code = str(content["code"]).strip().lower() if content.get("code") else ""
            self._begin("release", dialog, self._release(dialog, str(content.get("scope") or DESK), code))

    def _begin(self, kind: str, dialog: str, work: Any) -> None:
        self._send({"kind": kind, "id": dialog, "phase": "sent"})
        task = asyncio.create_task(work, name=f"page-{kind}")
        task.add_done_callback(lambda done: self._broke(kind, dialog, done))
        self._tasks[kind] = task

    def _broke(self, kind: str, dialog: str, task: asyncio.Task) -> None:
        """A fault of ours must not look like a halt under way."""
        if not task.cancelled() and (error := task.exception()):
            log.error("halt_dialog_broke", kind=kind, error=repr(error), exc_info=error)
            words = wire.clean(f"{type(error).__name__}: {error}")
            self._send({"kind": kind, "id": dialog, "phase": "refused", "error": words})

    async def _halt(self, dialog: str, typed: str) -> None:
        if typed.strip().casefold() != WORD:
            error = f"nothing was halted: {wire.clean(typed, 40)!r} is not the word {WORD}"
            self._send({"kind": "halt", "id": dialog, "phase": "refused", "error": error})
            return
        asking = asyncio.create_task(self._say_halt())
        told = None
        while not (await asyncio.wait([asking], timeout=LOOK_S))[0]:
            seen = await self._progress()
            if seen != told:
                self._send({"kind": "halt", "id": dialog, "phase": "working", **seen})
            told = seen
        reply = await asking
        phase = "done" if any(isinstance(part, Table | Text) for part in reply.parts) else "refused"
        self._send({"kind": "halt", "id": dialog, "phase": phase, **_report(reply)})

    async def _say_halt(self) -> Reply:
        """A reason that the grammar would not take must not cost the stop."""
        reply = await self._dispatcher.ask(f"{HALT} --reason 'the halt button of a page'")
        return await self._dispatcher.ask(HALT) if reply.misread else reply

    async def _progress(self) -> Json:
        """What the ledger knows by now: whether the latch is written, and what was found of each bot."""
        ledger: SqlLedger = self._dispatcher.center.ledger
        try:
            halts = await asyncio.to_thread(ledger.halts.open)
            mine = [halt for halt in halts if DESK in halt.scopes]
            found = await asyncio.to_thread(ledger.halts.findings, mine[-1].halt_id) if mine else {}
        except WorkbenchError as error:
            return {"latched": False, "bots": [], "error": wire.clean(f"the ledger cannot be read: {error}")}
        return {"latched": bool(mine), "bots": [_finding(finding) for finding in found.values()], "error": ""}

    async def _release(self, dialog: str, scope: str, code: str) -> None:
        """Without a code: ask for one. With it: release."""
        if not _SCOPE.fullmatch(scope) or (code and not _CODE.fullmatch(code)):
            self._send(
                {"kind": "release", "id": dialog, "phase": "refused", "error": "that is no code; ask for a new one"}
            )
            return
        typed = "all" if scope == DESK else scope
        reply = await self._dispatcher.ask(f"/release {typed} {code}".strip())
        told: Json = {
            "kind": "release",
            "id": dialog,
            "title": wire.clean(reply.title),
            "error": wire.clean(reply.error),
        }
        question = next((part for part in reply.parts if isinstance(part, Question)), None)
        if not reply.ok:
            self._send({**told, "phase": "refused"})
        elif question and not code:
            offer = {"code": question.answer.split()[-1], "expires": wire.millis(question.expires_at)}
            self._send({**told, "phase": "code", "words": wire.clean(question.text), **offer})
        else:
            self._send({**told, "phase": "done", "notes": _texts(reply)})


def _report(reply: Reply) -> Json:
    """A halt's reply as the dialog shows it: every bot by name."""
    table = next((part for part in reply.parts if isinstance(part, Table)), None)
    bots = [_row(*row) for row in table.rows] if table else []
    notes = [wire.clean(note) for note in reply.notes]
    return {
        "title": wire.clean(reply.title),
        "ok": reply.ok,
        "error": wire.clean(reply.error),
        "bots": bots,
        "notes": [*_texts(reply), *notes],
    }


def _texts(reply: Reply) -> list[str]:
    return [wire.clean(part.text) for part in reply.parts if isinstance(part, Text)]


def _row(bot_id: str, outcome: str, left: str, why: str) -> Json:
    return {
        "id": wire.clean(bot_id, wire.NAME_CHARS),
        "outcome": outcome,
        "confirmed": outcome == Outcome.CONFIRMED.value,
        "left": wire.clean(left),
        "why": wire.clean(why),
    }


def _finding(found: Finding) -> Json:
    return _row(found.bot_id, found.outcome.value, "; ".join(found.left), found.reason)
