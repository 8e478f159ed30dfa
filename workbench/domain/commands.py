"""Commands: requests for an effect, executed exactly once by the holder of the lease."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class CommandState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the executor died between acting and recording; reconcile, never resend


@dataclass(frozen=True, slots=True)
class Command:
    """Imperative `name` ('pause', 'resume', 'tune' …) with JSON `args`. `command_id` makes a resend harmless."""

    command_id: str
    name: str
    args: Mapping[str, Any]
    issued_by: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command and what became of it. `token`: the lease under which it was taken."""

    command: Command
    state: CommandState
    result: Mapping[str, Any] = field(default_factory=dict)
    token: int | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act. `token` rises by one with each new holder; `expires_at` is database time, UTC."""

    name: str
    holder: str
    token: int
    expires_at: datetime
