"""What happened, as the ledger keeps it. Names are past tense; payloads are JSON objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before the ledger has numbered it. `event_id` makes appending it twice harmless."""

    kind: str
    source: str
    payload: Mapping[str, Any]
    event_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event. `seq` rises; a reader that resumes after `seq` misses nothing."""

    seq: int
    kind: str
    source: str
    payload: Mapping[str, Any]
    event_id: str
    at: datetime
