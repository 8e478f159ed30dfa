"""The emergency stop: one call from any process latches, stops, proves it at the venue, and names what is left.

It waits for no desk. The latch is a row in the ledger; telling bots needs no lease, for a stop takes nothing from
whoever holds it, and goes out under the newest token. One process at a time drives a halt, by a lease of its own that
runs out quickly; the next one takes it up from the ledger.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from workbench.domain.errors import LedgerError
from workbench.domain.halts import DESK, Finding, Halt, HaltStep
from workbench.domain.ports import AccountVenue
from workbench.ledger.lease import LeaseKeeper
from workbench.ledger.log import SqlLedger
from workbench.orchestration.bot_registry import BotRegistry, Targets
from workbench.orchestration.halt_accounts import Accounts
from workbench.orchestration.halt_book import HaltBook
from workbench.orchestration.halt_drive import HaltDrive, in_scope
from workbench.orchestration.halt_findings import summary
from workbench.settings import HaltSettings

log = structlog.get_logger(__name__)
LEASE = "halt"
TTL = timedelta(seconds=3)
FOLLOW_S = 0.1
TEND_S = 0.5


@dataclass(frozen=True, slots=True)
class HaltReport:
    """What a halt has come to. `findings` by name of bot; `driven_here`: this process tells the bots and watches."""

    halt: Halt
    findings: tuple[Finding, ...]
    driven_here: bool

    @property
    def confirmed(self) -> bool:
        return bool(self.findings) and all(finding.confirmed for finding in self.findings)

    @property
    def words(self) -> str:
        notes = [] if self.halt.durable else ["the ledger could not record it: it lasts only as long as this process"]
        return "; ".join([summary(self.findings), *notes])


class EmergencyStop:
    """`venues`: where accounts can be read and closed. One for each process; safe to ask from many tasks at once."""

    def __init__(
        self,
        registry: BotRegistry,
        ledger: SqlLedger,
        venues: Sequence[AccountVenue] = (),
        settings: HaltSettings | None = None,
        holder: str = "",
    ):
        self._registry, self._ledger, self._settings = registry, ledger, settings or HaltSettings()
        self._holder = holder or f"halt:{secrets.token_hex(6)}"
        self.accounts = Accounts(venues)
        self._terms: dict[str, _Term] = {}
        self._tending: asyncio.Task | None = None

    @property
    def undurable(self) -> tuple[str, ...]:
        """Scopes halted in this process that the ledger does not know of."""
        return tuple(s for term in self._terms.values() if not term.book.halt.durable for s in term.book.halt.scopes)

    async def halt(self, targets: Targets = None, reason: str = "asked for", by: str = "desk") -> HaltReport:
        """Stop the bots meant by `targets` (an id, '@tag', 'all', a list; None: all) and report.

        Returns when every bot is confirmed, or at the deadline with the others named. Asked again while it is open, it
        joins the one under way. Raises UnknownBotError for a name that nobody answers to, and nothing else.
        """
        scopes = self.scopes(targets)
        if known := await self._joined(scopes):
            await known.reported.wait()
            return self._report(known)
        halt = Halt(f"halt-{secrets.token_hex(6)}", scopes, reason, by, datetime.now(UTC))
        book = HaltBook(self._ledger, halt)
        await book.latch()
        term = self._take_up(book)
        await term.reported.wait()
        return self._report(term)

    def scopes(self, targets: Targets) -> tuple[str, ...]:
        """What `targets` mean, as scopes. Raises UnknownBotError."""
        if targets is None or targets == "all":
            return (DESK,)
        if not isinstance(targets, str):
            found = [scope for target in targets for scope in self.scopes(target)]
            return (DESK,) if DESK in found else tuple(sorted(set(found)))
        self._registry.resolve(targets)  # raises for a tag that nobody carries
        return (targets,) if targets.startswith("@") else (self._registry.get(targets).bot_id,)

    async def tend(self) -> None:
        """Take up halts that are open in the ledger, whoever began them. Raises LedgerError."""
        for halt in await asyncio.to_thread(self._ledger.halts.open):
            if halt.halt_id not in self._terms:
                book = HaltBook(self._ledger, halt)
                await book.refresh()
                self._take_up(book)

    def start(self) -> None:
        """Tend from now on, in a task of our own: what makes this process finish the halts of dead ones."""
        if self._tending is None or self._tending.done():
            self._tending = asyncio.create_task(self._tend_on())

    async def stop(self) -> None:
        """Let go of every halt; what is open is another process's to go on with."""
        tasks = [term.task for term in self._terms.values()] + ([self._tending] if self._tending else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._terms.clear()
        self._tending = None
        await self.accounts.stop()

    def _take_up(self, book: HaltBook) -> "_Term":
        """The term of that halt in this process, begun where there is none."""
        known = self._terms.get(book.halt.halt_id)
        if known is None and not book.halt.durable:  # asked twice at once, and the ledger cannot say that it is one
            known = self._covering(book.halt.scopes)
        if known and not known.task.done():
            return known
        term = _Term(book, self._holder, self._ledger, self._drive_of(book))
        self._terms[book.halt.halt_id] = term
        term.begin()
        return term

    async def _joined(self, scopes: tuple[str, ...]) -> "_Term | None":
        """The halt under way here that covers `scopes`: a repeat costs no writing, and is one where nothing can be
        written either. What another process has released meanwhile is not joined."""
        known = self._covering(scopes)
        if known is None:
            return None
        await known.book.refresh()
        return known if known.book.halt.step.open and not known.task.done() else None

    def _covering(self, scopes: tuple[str, ...]) -> "_Term | None":
        for term in self._terms.values():
            halt = term.book.halt
            if halt.step.open and not term.task.done() and (set(scopes) <= set(halt.scopes) or DESK in halt.scopes):
                return term
        return None

    def _drive_of(self, book: HaltBook):
        def drive(local_only: bool) -> HaltDrive:
            def bots() -> Iterable[str]:
                return in_scope(self._registry, book.halt.scopes, local_only)

            return HaltDrive(book, self._registry, self.accounts, self._settings, bots)

        return drive

    def _report(self, term: "_Term") -> HaltReport:
        findings = tuple(sorted(term.book.findings.values(), key=lambda finding: finding.bot_id))
        return HaltReport(term.book.halt, findings, term.driving)

    async def _tend_on(self) -> None:
        while True:
            try:
                await self.tend()
                self._terms = {key: term for key, term in self._terms.items() if not term.task.done()}
            except LedgerError as error:
                log.warning("halts_not_read", error=str(error))
            except Exception:  # the supervisor of tending: one fault must not end it
                log.exception("tending_failed")
            await asyncio.sleep(TEND_S)


class _Term:
    """One halt in this process: driving it while we hold its lease, else following whoever does."""

    def __init__(self, book: HaltBook, holder: str, ledger: SqlLedger, drive):
        self.book, self._holder, self._ledger, self._drive = book, holder, ledger, drive
        self.reported, self.driving = asyncio.Event(), False
        self.task: asyncio.Task

    def begin(self) -> None:
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self.reported.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("halt_broke", halt=self.book.halt.halt_id, error=repr(error), exc_info=error)

    async def _run(self) -> None:
        local: asyncio.Task | None = None
        try:
            while self.book.halt.step.open:
                mine, keeper = await self._lease()
                if mine:
                    await self._drive_to_the_end(keeper)
                    return
                local = local or asyncio.create_task(self._stop_local())
                await asyncio.sleep(FOLLOW_S)
                await self.book.refresh()
                if self.book.halt.step is not HaltStep.STOPPING and self.book.halt.step is not HaltStep.LATCHED:
                    self.reported.set()
        finally:
            if local:
                local.cancel()

    async def _drive_to_the_end(self, keeper: LeaseKeeper | None) -> None:
        self.driving, drive = True, self._drive(local_only=False)
        try:
            if self.book.halt.step in (HaltStep.LATCHED, HaltStep.STOPPING):
                await drive.stop_bots()
            self.reported.set()
            await drive.watch()
        finally:
            self.driving = False
            await drive.close()
            if keeper:
                await asyncio.shield(keeper.stop())

    async def _stop_local(self) -> None:
        """Another process drives; objects that live in this one can be told by us alone."""
        drive = self._drive(local_only=True)
        try:
            await drive.settle()
            await self.book.save()
        finally:
            await drive.close()

    async def _lease(self) -> tuple[bool, LeaseKeeper | None]:
        """Whether to drive, and the lease for it. Where the ledger cannot say who does, we do: twice is harmless."""
        if not self.book.halt.durable:
            return True, None
        name = f"{LEASE}:{self.book.halt.halt_id}"
        keeper = LeaseKeeper(self._ledger, name, self._holder, TTL, lambda why: None)
        try:
            async with asyncio.timeout(1.0):
                return (True, keeper) if await keeper.start() else (False, None)
        except (LedgerError, TimeoutError) as error:
            log.error("halt_without_lease", halt=self.book.halt.halt_id, error=str(error))
            return True, None
