"""One picture in a chat that is edited as its chart moves, within Telegram's limits.

The pace is pure; what sends is a port. Telegram allows about one message a second to a chat, twenty a minute to a group
and thirty a second in all; who asks sooner is told to wait (`retry_after`); who does not wait is silenced for longer.
"""

import hashlib
import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

PER_CHAT_S = 3.0  # twenty a minute, which also suits a group
ALL_PER_S = 20


class PictureBusy(Exception):
    """Telegram asks to wait `retry_after_s`."""

    def __init__(self, retry_after_s: float):
        super().__init__(f"wait {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class PictureGone(Exception):
    """The message was deleted, or the chat left: nobody wants another."""


class PictureSender(Protocol):
    """Sends pictures. Both may raise PictureBusy; `edit` answers False where the message is gone and a new one is
    wanted, and raises PictureGone where none is."""

    async def send(self, chat_id: int | str, png: bytes, caption: str) -> int: ...
    async def edit(self, chat_id: int | str, message_id: int, png: bytes, caption: str) -> bool: ...


class PicturePace:
    """When a chat may get a picture. `now` in, monotonic seconds."""

    def __init__(self, per_chat_s: float = PER_CHAT_S, all_per_s: int = ALL_PER_S):
        self._per_chat_s, self._all_per_s = per_chat_s, all_per_s
        self._next_s: dict[int | str, float] = {}
        self._lately: deque[float] = deque(maxlen=all_per_s)

    def wait_s(self, chat_id: int | str, now: float) -> float:
        """Seconds to wait; 0 means now."""
        crowd = self._lately[0] + 1.0 - now if len(self._lately) == self._all_per_s else -math.inf
        return max(0.0, self._next_s.get(chat_id, -math.inf) - now, crowd)

    def sent(self, chat_id: int | str, now: float) -> None:
        self._next_s[chat_id] = now + self._per_chat_s
        self._lately.append(now)

    def refused(self, chat_id: int | str, now: float, retry_after_s: float) -> None:
        """Telegram asked for patience, which it may do for all chats at once."""
        self._next_s[chat_id] = now + max(retry_after_s, self._per_chat_s)


@dataclass(slots=True)
class _Shown:
    message_id: int
    digest: bytes


class PictureBoard:
    """The one picture of each chat and chart. What comes too soon is dropped: the next one shows more anyway."""

    def __init__(self, sender: PictureSender, pace: PicturePace | None = None):
        self._sender, self.pace = sender, pace or PicturePace()
        self._shown: dict[tuple[int | str, str], _Shown] = {}

    async def show(self, chat_id: int | str, chart: str, png: bytes, caption: str, now: float) -> bool:
        """Send or edit; False where it was too soon or nothing had changed. `chart` names what the picture shows."""
        digest = hashlib.blake2b(png + caption.encode(), digest_size=16).digest()
        shown = self._shown.get((chat_id, chart))
        if (shown and shown.digest == digest) or self.pace.wait_s(chat_id, now) > 0:
            return False
        self.pace.sent(chat_id, now)
        try:
            message_id = await self._deliver(chat_id, shown, png, caption)
        except PictureBusy as busy:
            self.pace.refused(chat_id, now, busy.retry_after_s)
            return False
        self._shown[chat_id, chart] = _Shown(message_id, digest)
        return True

    def message(self, chat_id: int | str, chart: str) -> int | None:
        """The number of the message that shows a chart."""
        shown = self._shown.get((chat_id, chart))
        return shown.message_id if shown else None

    def adopt(self, chat_id: int | str, chart: str, message_id: int | None) -> None:
        """Let a message that is there show this chart; None: the next picture is a new message."""
        self._shown.pop((chat_id, chart), None)
        if message_id is not None:
            self._shown[chat_id, chart] = _Shown(message_id, b"")

    async def _deliver(self, chat_id: int | str, shown: _Shown | None, png: bytes, caption: str) -> int:
        if shown is not None and await self._sender.edit(chat_id, shown.message_id, png, caption):
            return shown.message_id
        return await self._sender.send(chat_id, png, caption)
