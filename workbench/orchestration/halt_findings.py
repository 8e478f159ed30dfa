"""What is known of one bot during a halt, and what may be said of it. Pure.

Nothing here believes a bot: its word can only make things worse. "Confirmed" takes its answer, its state, and two looks
at its venue, apart in time, that both show nothing open and no trade in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from workbench.domain.halts import AccountView, Finding, Outcome
from workbench.domain.portfolio import BotState


@dataclass(slots=True)
class Evidence:
    """`answered`: the bot took the halt; `error`: why not, or what it said instead. `state`: what it says it is.
    `account`: its venue's newest word, None with the reason in `unseen`. `base`: the flat look that the newest one is
    held against. `reopened`: what was seen open after it had been confirmed. `halted_at`: when it last said that it is
    halted, wall clock."""

    bot_id: str
    answered: bool = False
    error: str = ""
    state: BotState | None = None
    halted_at: datetime | None = None
    claims_flat: bool = False
    account: AccountView | None = None
    unseen: str = "its venue has not been read yet"
    base: AccountView | None = None
    base_at_s: float = 0.0
    settled: bool = False
    trouble: str = ""
    reopened: str = ""
    attempts: int = 0

    def hears(self, state: BotState, at: datetime) -> None:
        """What the bot said of itself at `at`, to whomever; older than its own answer to the halt it says nothing."""
        if self.halted_at is not None and at > self.halted_at and state is not BotState.HALTED:
            self.state = state

    def see(self, account: AccountView | None, unseen: str, now_s: float, settle_s: float) -> None:
        """Take in a look at the venue; `now_s` from a clock that only rises."""
        self.account, self.unseen = account, unseen
        if account is None or not account.flat:
            self.base, self.settled = None, False
        elif self.base is None:
            self.base, self.base_at_s = account, now_s
        elif account.trades != self.base.trades:
            self.settled, self.base, self.base_at_s = False, account, now_s
        else:
            self.settled = now_s - self.base_at_s >= settle_s


def judge(seen: Evidence, round_: int) -> Finding:
    """The finding that the evidence allows, with its reason in words."""
    left = seen.account.left if seen.account else ()
    outcome, reason = _outcome(seen)
    if seen.reopened and outcome is Outcome.CONFIRMED:
        reason = f"{seen.reopened}; halted again"
    return Finding(seen.bot_id, outcome, reason, left, round_)


def _outcome(seen: Evidence) -> tuple[Outcome, str]:
    word = _own_word(seen)
    if seen.account is None:
        return Outcome.UNSEEN if seen.answered else _silent(seen), "; ".join(filter(None, (word, seen.unseen)))
    if not seen.account.flat:
        return _open(seen, word)
    if word:
        worse = Outcome.RUNNING if seen.answered and seen.state is not None else _silent(seen)
        return worse, f"{word}; its venue shows nothing open"
    if not seen.settled:
        return Outcome.RUNNING, "its venue shows nothing open, but it has traded just now, or was seen once only"
    return Outcome.CONFIRMED, ""


def _open(seen: Evidence, word: str) -> tuple[Outcome, str]:
    shown = "; ".join(seen.account.left) if seen.account else ""
    more = f"; {seen.trouble}" if seen.trouble else ""
    if seen.reopened:
        return Outcome.REOPENED, f"{seen.reopened}; open now: {shown}{more}"
    if seen.answered and seen.claims_flat:
        return Outcome.LIES, f"it says that it is flat; its venue shows {shown}{more}"
    return Outcome.LEFT_OPEN, "; ".join(filter(None, (word, f"its venue shows {shown}"))) + more


def _own_word(seen: Evidence) -> str:
    """What speaks against the bot by its own answers; '' where it did and says what it should."""
    if not seen.answered:
        return seen.error or "it has not answered the halt"
    if seen.state is None:
        return seen.error or "it took the halt, but its state cannot be read"
    return "" if seen.state is BotState.HALTED else f"it took the halt, and says that it is {seen.state.value}"


def _silent(seen: Evidence) -> Outcome:
    return Outcome.FAILED if seen.error and not seen.answered else Outcome.SILENT


def summary(findings: Iterable[Finding]) -> str:
    """One line: how many were confirmed, and the others by name."""
    known = list(findings)
    named = [f"{finding.bot_id}: {finding.reason}" for finding in known if not finding.confirmed]
    good = len(known) - len(named)
    head = f"{good} of {len(known)} confirmed at the venue"
    rest = f", and {len(named) - 5} more" if len(named) > 5 else ""
    return head + (f"; not confirmed: {'; '.join(named[:5])}{rest}" if named else "")
