"""A halt's memory: written to the ledger wherever that can be, kept in the process where it cannot.

A ledger that fails (disk full, locked by a frozen process, away) must not keep a stop from happening, so every writing
has a time limit and a failure only means `durable = False`. What is written only ever goes forward, so all of it is
written again the next time.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from workbench.domain.errors import LedgerError
from workbench.domain.halts import Finding, Halt, HaltStep
from workbench.ledger.log import SqlLedger
from workbench.orchestration.local_bot import in_thread

log = structlog.get_logger(__name__)
PATIENCE_S = 1.0
DESK_LEASE = "desk"
Apply = Callable[[], None]
Untold = dict[tuple[str, Any], tuple[str, dict[str, Any]]]


class HaltBook:
    """The newest known state of one halt: `halt`, `findings`. `save` writes what has changed."""

    def __init__(self, ledger: SqlLedger, halt: Halt):
        self._ledger, self.halt = ledger, halt
        self.findings: dict[str, Finding] = {}
        self._unsaved: dict[str, Finding] = {}
        self._untold: Untold = {}
        self._writing: asyncio.Task[Apply] | None = None
        self._looking: asyncio.Task[int] | None = None
        self._token = 0

    async def latch(self) -> None:
        """Latch in the ledger, first of all. Where it fails, the halt goes on in memory."""
        wanted, halts = self.halt, self._ledger.halts
        self.halt = replace(wanted, durable=False)

        def work() -> Apply:
            known = halts.begin(wanted)
            findings = halts.findings(known.halt_id)
            return lambda: self._joined(known, findings)

        await self._within(work)

    def note(self, findings: Iterable[Finding]) -> None:
        """Keep findings; those that say what was known already are not written again."""
        for finding in findings:
            old = self.findings.get(finding.bot_id)
            if old is None or (old.outcome, old.reason, old.left) != (finding.outcome, finding.reason, finding.left):
                self.findings[finding.bot_id] = self._unsaved[finding.bot_id] = finding

    def reach(self, step: HaltStep, watch_until: datetime | None = None) -> None:
        if self.halt.step.rank < step.rank:
            self.halt = replace(self.halt, step=step, watch_until=watch_until or self.halt.watch_until)

    def raise_round(self, number: int) -> None:
        self.halt = replace(self.halt, round=max(self.halt.round, number))

    def tell(self, kind: str, words: str, **facts: Any) -> None:
        """An event for the next saving; the same kind `about` the same is told once."""
        self._untold[kind, facts.get("about", "")] = (words, facts)

    async def save(self) -> bool:
        """Write everything that is not written; whether the ledger has it now."""
        halt, untold = self.halt, dict(self._untold)
        unsaved = dict(self._unsaved if halt.durable else self.findings)

        def work() -> Apply:
            stored = _written(self._ledger, halt, unsaved, untold)
            return lambda: self._saved(stored, unsaved, untold)

        return await self._within(work)

    async def refresh(self) -> None:
        """Take over what another process has written: released, or driven further."""
        halt_id, halts = self.halt.halt_id, self._ledger.halts

        def work() -> Apply:
            stored, findings = halts.get(halt_id), halts.findings(halt_id)
            return lambda: self._joined(stored, findings) if stored else None

        if self._writing and not self._writing.done():  # whoever asks at once shares what is under way
            await asyncio.wait([self._writing], timeout=PATIENCE_S)
        elif self.halt.durable:
            await self._within(work)

    async def token(self) -> int:
        """The newest fencing token anybody may have seen; a stop may go out under it whoever holds the lease, for it
        takes nothing from them. The last one known where the ledger cannot be read. Who asks at once shares one look.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(in_thread(self._newest_token))
            self._looking.add_done_callback(_seen)
        done, _ = await asyncio.wait([self._looking], timeout=PATIENCE_S)
        if done and self._looking.exception() is None:
            self._token = max(self._token, self._looking.result())
        return self._token

    def _newest_token(self) -> int:
        newest = self._ledger.newest(DESK_LEASE)
        return newest.token if newest else 0

    def _joined(self, stored: Halt, findings: dict[str, Finding]) -> None:
        """What the ledger has, where it is further than we are."""
        mine = self.halt
        ahead = stored.step.rank >= mine.step.rank
        step, until = (stored.step, stored.watch_until) if ahead else (mine.step, mine.watch_until)
        round_ = max(stored.round, mine.round)
        self.halt = replace(stored, step=step, round=round_, watch_until=until or mine.watch_until, durable=True)
        self.findings = findings | self._unsaved

    def _saved(self, stored: Halt, unsaved: dict[str, Finding], untold: Untold) -> None:
        self._unsaved = {b: f for b, f in self._unsaved.items() if unsaved.get(b) is not f}
        self._untold = {key: said for key, said in self._untold.items() if untold.get(key) is not said}
        self._joined(stored, self.findings)

    async def _within(self, work: Callable[[], Apply]) -> bool:
        """Do `work` in a thread of its own and what it returns here, waiting `PATIENCE_S` at most. A writing that still
        waits is not joined by another; it takes effect when it ends."""
        if self._writing and not self._writing.done():
            return False
        writing = self._writing = asyncio.create_task(in_thread(work))  # the next one may begin before we wake
        writing.add_done_callback(self._apply)
        done, _ = await asyncio.wait([writing], timeout=PATIENCE_S)
        error = writing.exception() if done else TimeoutError("the ledger does not answer")
        if error is None:
            return True
        if not isinstance(error, LedgerError | TimeoutError):
            raise error
        log.error("halt_not_recorded", halt=self.halt.halt_id, error=str(error))
        self.halt = replace(self.halt, durable=False)
        return False

    def _apply(self, writing: "asyncio.Task[Apply]") -> None:
        if not writing.cancelled() and writing.exception() is None:
            writing.result()()


def _written(ledger: SqlLedger, halt: Halt, findings: dict[str, Finding], untold: Untold) -> Halt:
    """Write all of it; returns the halt as the ledger has it. Where another holds its scopes, it joins that one."""
    halts = ledger.halts
    stored = halt if halt.durable else halts.begin(halt)
    halts.next_round(stored.halt_id, halt.round)
    if findings:
        halts.record(stored.halt_id, findings.values())
    for (kind, _), (words, facts) in untold.items():
        halts.tell(kind, stored.halt_id, words, **facts)
    return halts.advance(stored.halt_id, halt.step, halt.watch_until)  # last: who sees the step sees the rest


def _seen(task: asyncio.Task) -> None:
    if not task.cancelled():
        task.exception()  # whoever waited has been told, or has left
