"""Which labels a user learns from: their own, and those of others who share them and whom the user accepted.

Consent has two sides, and either may end it at any time. The owner's: each label says whether it is shared, and the
topic `patterns` must be shared as well. The receiver's: a row that names owner and pattern. What is received keeps its
owner, is called after them, and is nowhere counted as the receiver's own.
"""

from dataclasses import dataclass, replace
from uuid import uuid4

from workbench.domain.errors import LedgerError
from workbench.domain.patterns import LONGEST_NAME, Annotation
from workbench.ledger.log import SqlLedger
from workbench.ledger.pattern_log import ACCEPTED

SHARING_CHANGED = "SharingChanged"
PATTERNS = "patterns"  # the topic of `SharingChanged`
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Offered:
    """What `owner` shares of one pattern. accepted : whether the user it is offered to learns from it."""

    owner: str
    pattern: str
    labels: tuple[Annotation, ...]
    accepted: bool


def labels_of(ledger: SqlLedger, user_id: str) -> list[Annotation]:
    """Everything this user learns from, their own labels first. Blocking."""
    return ledger.annotations.all(user_id) + received(ledger, user_id)


def received(ledger: SqlLedger, user_id: str) -> list[Annotation]:
    """Labels of others that this user accepted, called after their owners. Blocking."""
    return [
        replace(one, pattern=received_name(owner, pattern))
        for owner, pattern in accepted(ledger, user_id)
        for one in offered(ledger, owner, pattern)
    ]


def offers_to(ledger: SqlLedger, user_id: str) -> list[Offered]:
    """Every pattern that somebody else shares, by owner and name. Blocking."""
    groups: dict[tuple[str, str], list[Annotation]] = {}
    for one in ledger.annotations.shared():
        groups.setdefault((one.user_id, one.pattern), []).append(one)
    owners = {owner for owner, _ in groups if owner != user_id and _shares_patterns(ledger, owner)}
    taken = set(accepted(ledger, user_id))
    return [
        Offered(owner, name, tuple(labels), (owner, name) in taken)
        for (owner, name), labels in sorted(groups.items())
        if owner in owners
    ]


def offered(ledger: SqlLedger, owner: str, pattern: str | None = None) -> list[Annotation]:
    """What an owner lets others learn from now; empty where they share no patterns (any more)."""
    if not _shares_patterns(ledger, owner):
        return []
    return [one for one in ledger.annotations.all(owner, pattern) if one.shared]


def accepted(ledger: SqlLedger, user_id: str) -> list[tuple[str, str]]:
    """(owner, pattern) that this user takes from others, in the order of first acceptance."""
    newest: dict[tuple[str, str], bool] = {}
    for row in ledger.pattern_log.all(user_id, ACCEPTED):
        newest[str(row.facts["owner"]), str(row.facts["pattern"])] = bool(row.facts["on"])
    return [pair for pair, on in newest.items() if on]


def accept(ledger: SqlLedger, user_id: str, owner: str, pattern: str, on: bool) -> None:
    """Take a pattern from its owner, or no longer. Raises LedgerError where there is nothing to take."""
    if on and (owner == user_id or not offered(ledger, owner, pattern)):
        raise LedgerError(f"{owner} shares no pattern {pattern!r} with you; /pattern offers lists what is shared")
    ledger.pattern_log.note(user_id, ACCEPTED, {uuid4().hex: {"owner": owner, "pattern": pattern, "on": on}})


def received_name(owner: str, pattern: str) -> str:
    """What a pattern of somebody else is called: never like one's own."""
    return f"{pattern} of {owner}"[:LONGEST_NAME].strip()


def _shares_patterns(ledger: SqlLedger, owner: str) -> bool:
    on, after = False, 0
    while batch := ledger.read(after, _BATCH, (SHARING_CHANGED,)):
        after = batch[-1].seq
        for said in (event.payload for event in batch):
            if (said["user"], said["topic"]) == (owner, PATTERNS):
                on = bool(said["share"])
    return on
