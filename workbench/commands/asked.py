"""Who asks, and what a handler needs to answer."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from workbench.commands.spec import UNNAMED, Role
from workbench.domain.ports import Ledger, Progress
from workbench.orchestration.command_center import UnifiedCommandCenter


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. Times are read and shown in `zone`; None: UTC. `reader`: whose alerts are meant, the name without it
    (in Telegram several people read one chat)."""

    name: str = UNNAMED
    role: Role = Role.ADMIN
    zone: tzinfo | None = None
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a handler needs beside the line. `progress` hears (fraction, words) of what takes long."""

    center: UnifiedCommandCenter
    ledger: Ledger
    viewer: Viewer
    now: datetime
    progress: Progress | None = None
