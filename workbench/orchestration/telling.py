"""Messages left in the ledger for whoever can carry them: a scheduled run tells people without knowing how.

The Telegram part reads them there, even where it was away when they were left. Pictures lie beside the ledger
under the digest of what they are, and are read back only where they still are that.
"""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import structlog

from workbench.domain.errors import TellingError
from workbench.domain.events import Event, NewEvent
from workbench.domain.ports import Ledger
from workbench.domain.telling import Message, Severity

log = structlog.get_logger(__name__)
TOLD = "MessageTold"
LONGEST_PICTURE = 10 * 2**20


class LedgerTeller:
    """A `Teller` that any process may have. `folder`: where pictures are kept, as in `pictures_of(home)`."""

    def __init__(self, ledger: Ledger, folder: Path, source: str = "desk"):
        self._ledger, self._folder, self._source = ledger, folder, source

    async def tell(self, message: Message) -> None:
        """Leave `message`. Raises TellingError for a picture that is none or too large, LedgerError."""
        facts = {
            "title": message.title,
            "text": message.text,
            "severity": message.severity.value,
            "topic": message.topic,
            "to": message.to,
            "picture": await asyncio.to_thread(self._keep, message.png) if message.png else "",
            "words": message.title,
        }
        event = NewEvent(TOLD, self._source, facts, f"{TOLD}:{uuid4()}", datetime.now(UTC))
        await asyncio.to_thread(self._ledger.append, [event])

    def _keep(self, png: bytes) -> str:
        if not png.startswith(b"\x89PNG") or len(png) > LONGEST_PICTURE:
            raise TellingError(f"a picture is a PNG of at most {LONGEST_PICTURE // 2**20} MB, got {len(png):,} bytes")
        name = sha256(png).hexdigest()
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(png)
        fresh.replace(self._folder / f"{name}.png")
        return name


def pictures_of(home: Path) -> Path:
    return home / "pictures"


def untold(event: Event) -> Message | None:
    """The message that an event carries, without its picture; None where it carries none that could be told."""
    said = event.payload
    try:
        return Message(
            str(said["title"]),
            str(said.get("text", "")),
            severity=Severity(said.get("severity", "info")),
            topic=str(said.get("topic", "general")),
            to=str(said.get("to", "")),
        )
    except (KeyError, ValueError, TellingError) as error:
        log.warning("message_unreadable", seq=event.seq, error=str(error))
        return None


def picture_of(event: Event, folder: Path) -> bytes | None:
    """The picture that goes with a told message, where it is still what was kept."""
    name = str(event.payload.get("picture") or "")
    if len(name) != 64 or not name.isalnum():
        return None
    try:
        png = (folder / f"{name}.png").read_bytes()
    except OSError:
        return None
    return png if sha256(png).hexdigest() == name else None
