"""Driving one halt: tell every bot, look at the venue, close what is left, name what remains, and watch.

Bots are told side by side, and their venue is read beside that; nothing waits for the slowest. All of it may be begun
again at any point by any process: effects carry ids that bots remember, and the book only goes forward.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from workbench.domain.errors import BotFenced, UnknownBotError
from workbench.domain.halts import HaltStep
from workbench.domain.portfolio import BotState
from workbench.ledger.halts import HALT_ENDED, HALT_REOPENED, HALT_REPORTED
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.fan_out import FanOut, fan_out
from workbench.orchestration.halt_accounts import Accounts
from workbench.orchestration.halt_book import HaltBook
from workbench.orchestration.halt_findings import Evidence, judge, summary
from workbench.orchestration.plain_text import reason
from workbench.settings import HaltSettings

log = structlog.get_logger(__name__)
SIDE_BY_SIDE = 1024
LOOK_S = 0.4
RETRY_S = 0.8
FENCED_S = 0.05
GRACE_S = 1.5  # a bot's own exits come first; then the desk closes what its account still shows
RETELL_S = 5.0

Bots = Callable[[], Iterable[str]]


class HaltDrive:
    """`bots` names those in scope now: it is asked again and again, for bots may turn up during a halt."""

    def __init__(self, book: HaltBook, registry: BotRegistry, accounts: Accounts, settings: HaltSettings, bots: Bots):
        self.book, self._registry, self._accounts, self._settings, self._bots = book, registry, accounts, settings, bots
        self.evidence: dict[str, Evidence] = {}
        self._told_at: dict[str, float] = {}
        self._telling: set[asyncio.Task] = set()

    async def stop_bots(self) -> None:
        """From LATCHED to a report: returns when every bot is confirmed, or at the deadline with the others named."""
        self.book.reach(HaltStep.STOPPING)
        self.book.raise_round(1)
        saving = asyncio.create_task(self.book.save())  # beside the telling: a slow disk holds up no stop
        await self.settle()
        await saving
        findings = self.book.findings.values()
        self.book.tell(HALT_REPORTED, summary(findings), confirmed=sum(f.confirmed for f in findings))
        watch_until = self.book.halt.watch_until or datetime.now(UTC) + timedelta(seconds=self._settings.watch_s)
        self.book.reach(HaltStep.WATCHING, watch_until)
        await self.book.save()

    async def settle(self) -> None:
        """Tell the bots and look, until all are confirmed or the deadline has come."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.deadline_s
        self._tell(self._bots(), self._settings.deadline_s)
        while not await self._look() and loop.time() < until:
            self._tell(self._bots(), until - loop.time())
            await asyncio.sleep(min(LOOK_S, max(until - loop.time(), 0.0)))

    async def watch(self) -> None:
        """Until the watch is over or somebody has released the halt: what re-opens is told and halted again."""
        halt = self.book.halt
        while halt.step is HaltStep.WATCHING and halt.watch_until and datetime.now(UTC) < halt.watch_until:
            await self._look(watching=True)
            self._retell()
            await self.book.save()
            await asyncio.sleep(self._settings.watch_every_s)
            await self.book.refresh()
            halt = self.book.halt
        if halt.step is HaltStep.WATCHING:
            self.book.tell(HALT_ENDED, f"the watch is over: {summary(self.book.findings.values())}")
            self.book.reach(HaltStep.DONE)
            await self.book.save()

    async def close(self) -> None:
        """Let go of what is under way; another process goes on."""
        for task in list(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _tell(self, bots: Iterable[str], deadline_s: float) -> None:
        """Tell those that have not been told, in a task beside everything else."""
        now = asyncio.get_running_loop().time()
        fresh = [bot_id for bot_id in bots if bot_id not in self._told_at]
        for bot_id in fresh:
            self._told_at[bot_id] = now
            self.evidence.setdefault(bot_id, Evidence(bot_id))
        self._send(fresh, deadline_s)

    def _retell(self) -> None:
        """While watching: whoever is new, is not confirmed, or has re-opened hears it again under a new id."""
        now = asyncio.get_running_loop().time()
        self._tell(self._bots(), RETELL_S)
        good = {bot_id for bot_id, finding in self.book.findings.items() if finding.confirmed}
        due = [b for b, at in self._told_at.items() if b not in good and now - at >= RETELL_S]
        for bot_id in due:
            self._told_at[bot_id] = now
            self.evidence[bot_id].attempts += 1
        self._send(due, RETELL_S)

    def _send(self, bots: list[str], deadline_s: float) -> None:
        if not bots:
            return
        calls = {bot_id: partial(self._stop, bot_id) for bot_id in bots}
        task = asyncio.create_task(fan_out(calls, FanOut(max(deadline_s, 0.05), SIDE_BY_SIDE)))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _stop(self, bot_id: str) -> None:
        """Tell one bot until it took the halt and says that it is halted. Whatever it raises is evidence."""
        seen = self.evidence[bot_id]
        while True:
            pause_s, more = RETRY_S, 1
            try:
                if await self._stop_once(bot_id, seen):
                    return
            except BotFenced as error:  # another desk came meanwhile: the same again, under its token
                seen.error, pause_s, more = reason(error), FENCED_S, 0
            except Exception as error:  # a supervisor: this bot's fault is its finding
                seen.error = reason(error)
            await asyncio.sleep(pause_s)
            seen.attempts += more

    async def _stop_once(self, bot_id: str, seen: Evidence) -> bool:
        """Whether there is nothing more to tell it."""
        member = self._registry.get(bot_id)
        token = await self.book.token()
        self.book.raise_round(1 + seen.attempts)
        effect_id = f"{self.book.halt.halt_id}.{1 + seen.attempts}"
        verb = "halt" if "halt" in member.capabilities else "pause"
        await getattr(member.bot, verb)(command_id=effect_id, token=token)
        seen.answered, seen.error = True, "" if verb == "halt" else "it cannot halt; it was paused"
        if "status" not in member.capabilities:
            return True
        status = await member.ask("status")
        seen.state, seen.claims_flat = status.state, not status.positions
        seen.halted_at = datetime.now(UTC)
        return seen.state is BotState.HALTED

    async def _look(self, watching: bool = False) -> bool:
        """Read the venues, judge every bot, begin to close what is open. Whether all are confirmed."""
        views, unread = await self._accounts.read()
        now = asyncio.get_running_loop().time()
        findings = []
        for bot_id, seen in list(self.evidence.items()):
            view = views.get(bot_id)
            before = self.book.findings.get(bot_id)
            seen.see(view, unread or "no venue shows an account of it", now, self._settings.settle_s)
            self._overhear(seen)
            seen.trouble = self._accounts.troubles.get(bot_id, "")
            if watching and before and before.confirmed and view and not view.flat:
                self._reopened(seen, "; ".join(view.left))
            if view and not view.flat and now - self._told_at[bot_id] >= self._grace_s(seen):
                self._accounts.close(bot_id)
            findings.append(judge(seen, self.book.halt.round))
        self.book.note(findings)
        return all(finding.confirmed for finding in findings)

    def _overhear(self, seen: Evidence) -> None:
        """The status that this process asks of every bot anyway: one that was restarted may run again, and be flat."""
        member = self._registry.members.get(seen.bot_id)
        pulse = member.pulse if member else None
        if pulse and pulse.status and pulse.answered_at and not pulse.error:
            seen.hears(pulse.status.state, pulse.answered_at)

    def _grace_s(self, seen: Evidence) -> float:
        """One that took the halt, or refused it, has had its turn."""
        return 0.5 if seen.answered or seen.error else GRACE_S

    def _reopened(self, seen: Evidence, what: str) -> None:
        at = datetime.now(UTC)
        seen.reopened = f"re-opened at {at:%H:%M:%S} UTC: {what}"
        seen.attempts += 1
        self._told_at[seen.bot_id] = -RETELL_S  # it is told again at once
        words = f"{seen.bot_id} re-opened after the halt: {what}"
        self.book.tell(HALT_REOPENED, words, bot_id=seen.bot_id, about=f"{seen.bot_id}:{at.isoformat()}")


def in_scope(registry: BotRegistry, scopes: Iterable[str], local_only: bool = False) -> list[str]:
    """Bots that a halt of `scopes` concerns, by name: those that can hold money or be told to stop."""
    found: set[str] = set()
    for scope in scopes:
        if scope == "desk":
            found |= set(registry.members)
        elif scope.startswith("@"):
            found |= {m.bot_id for m in registry.members.values() if scope[1:] in m.tags}
        else:
            with contextlib.suppress(UnknownBotError):  # gone meanwhile; its finding stays
                found.add(registry.get(scope).bot_id)
    able = {"halt", "pause", "status"}
    members = [registry.members[bot_id] for bot_id in sorted(found)]
    return [m.bot_id for m in members if m.capabilities & able and (m.local or not local_only)]
