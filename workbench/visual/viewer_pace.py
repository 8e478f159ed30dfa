"""When a page may be sent the next message: as often as it draws them, never more. Pure: `now` in, seconds."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pacing:
    """gap_s: one message in so long (20 Hz). burst: so many may come close together when none came before: a close, the
    bar after it, a new forecast. window: so many may be on their way without a word that they were drawn. lapse_s:
    without any sign of the page for so long, nobody looks."""

    gap_s: float = 0.05
    burst: int = 3
    window: int = 2
    lapse_s: float = 90.0


class ViewerPace:
    """One page. A page acknowledges what it has drawn; a hidden tab draws nothing, so it is sent nothing."""

    def __init__(self, pacing: Pacing, now: float):
        self.pacing = pacing
        self.rev = -1  # the page has been sent everything up to here; -1: nothing yet
        self._waiting: list[int] = []
        self._sent_s = deque([float("-inf")] * pacing.burst, pacing.burst)
        self._sign_s = now

    def there(self, now: float) -> bool:
        """The page has given a sign of life lately."""
        return now - self._sign_s < self.pacing.lapse_s

    def due_s(self, now: float) -> float | None:
        """Seconds until it may be sent something; None: not before it gives a sign."""
        if len(self._waiting) >= self.pacing.window or not self.there(now):
            return None
        return max(0.0, self._sent_s[0] + self.pacing.burst * self.pacing.gap_s - now)

    def sent(self, rev: int, now: float) -> None:
        self.rev = rev
        self._sent_s.append(now)
        self._waiting.append(rev)

    def drew(self, rev: int, now: float) -> None:
        """The page shows revision `rev`: messages up to it have arrived."""
        self._sign_s = now
        self._waiting = [sent for sent in self._waiting if sent > rev]

    def sign(self, now: float) -> None:
        """The page is there."""
        self._sign_s = now

    def lost(self, now: float) -> None:
        """The page has nothing to build on: it must be sent everything."""
        self.rev, self._waiting, self._sign_s = -1, [], now

    def gone(self) -> None:
        """The page says goodbye."""
        self._sign_s = float("-inf")
