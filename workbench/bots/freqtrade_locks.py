"""Marks that the workbench leaves in a Freqtrade: locks of every pair, with who, which command and which token.

A lock lies in the bot's own database, so what it says survives the bot's restart and ours: a pause is lost on restart,
the lock that came with it still keeps the strategy from entering. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.bots.freqtrade_wire import LockWire

ALL_PAIRS = "*"
FOR_EVER = timedelta(days=3650)
_MARK = re.compile(r"workbench (pause|halt) (\d+)(?: (\S{1,64}))?$")


@dataclass(frozen=True, slots=True)
class Mark:
    """One of our locks, read back. `verb`: pause or halt."""

    lock_id: int
    verb: str
    token: int
    command_id: str


def marks_of(locks: Iterable[LockWire]) -> tuple[Mark, ...]:
    """Our active locks among `locks`."""
    found = []
    for lock in locks:
        match = _MARK.match(lock.reason or "")
        if match and lock.active and lock.pair == ALL_PAIRS:
            found.append(Mark(lock.id, match[1], int(match[2]), match[3] or ""))
    return tuple(found)


def mark_body(verb: str, token: int, command_id: str, now: datetime) -> list[dict[str, str]]:
    """The body that sets such a lock."""
    reason = f"workbench {verb} {int(token)} {command_id[:64]}".strip()
    return [{"pair": ALL_PAIRS, "side": "*", "until": (now + FOR_EVER).isoformat(), "reason": reason}]


def foreign(locks: Iterable[LockWire]) -> tuple[LockWire, ...]:
    """Active locks of every pair that are not ours: the strategy may not enter, whatever the state says."""
    ours = {mark.lock_id for mark in marks_of(locks)}
    return tuple(lock for lock in locks if lock.active and lock.pair == ALL_PAIRS and lock.id not in ours)
