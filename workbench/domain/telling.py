"""Telling people something unasked: an alert, a finished report, a failed run."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from workbench.domain.errors import TellingError

LONGEST_TITLE = 200


class Severity(StrEnum):
    """How loud: `info` waits for quiet hours to end, `warning` too but is told apart, `critical` never waits."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Message:
    """What is told. Texts are plain text, never markup: each teller escapes for its own screen.

    `png` is a whole picture, shown with the text. `topic` is the switch by which a reader turns such messages off and
    the thread that they go to in a group: "jobs", "alerts", "brief", a bot's name …
    `to` names one reader as the teller knows them (a Telegram chat's number); empty means everyone who is to be told.
    """

    title: str
    text: str = ""
    png: bytes | None = None
    severity: Severity = Severity.INFO
    topic: str = "general"
    to: str = ""

    def __post_init__(self) -> None:
        if not self.title.strip() or len(self.title) > LONGEST_TITLE:
            raise TellingError(f"a message's title has 1 to {LONGEST_TITLE} letters, got {len(self.title)}")
        if not self.topic:
            raise TellingError(f"{self.title}: a message needs a topic, as in 'jobs'")


@runtime_checkable
class Teller(Protocol):
    """Carries messages to people. Raises TellingError where nobody at all can be reached; one reader lost is logged."""

    async def tell(self, message: Message) -> None: ...
