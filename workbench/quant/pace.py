"""How fast a bot orders, and whether it repeats itself. Fed with the times of approved orders, in seconds."""

from collections import deque
from collections.abc import Sequence

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side

MOST_TIMES = 1024  # order times kept of each bot; a limit above it cannot be counted and denies


class Paces:
    """Order times by bot, and by bot, symbol and side."""

    def __init__(self) -> None:
        self.latched: dict[tuple[str, str], str] = {}
        self._times: dict[object, deque[float]] = {}

    def note(self, bot_id: str, symbol: str, side: Side, grows: bool, now_s: float) -> None:
        """An order was approved. Only growing ones count as repetitions: leaving is bounded by what is held."""
        for key in (bot_id, (bot_id, symbol, side))[: 2 if grows else 1]:
            self._times.setdefault(key, deque(maxlen=MOST_TIMES)).append(now_s)

    def latch(self, bot_id: str, symbol: str, reason: str) -> None:
        """Stop this bot from growing in this symbol until a person says otherwise."""
        self.latched.setdefault((bot_id, symbol), reason)

    def reenable(self, bot_id: str, symbol: str, person: str) -> None:
        """Release the latch. Raises ValueRefused without a person's name (RTS 6, Article 15)."""
        if not person.strip():
            raise ValueRefused(f"{bot_id} in {symbol}: a named person must re-enable it")
        self.latched.pop((bot_id, symbol), None)
        for side in Side:
            self._times.pop((bot_id, symbol, side), None)

    def recent(self, key: object, most: int, window_s: float, now_s: float) -> int:
        """Orders within the window that ends now, counted up to `most`."""
        times = self._times.get(key)
        if times is None and 0 < most <= MOST_TIMES:
            return 0
        return _counted(times or (), most, window_s, now_s)


def _counted(times: Sequence[float], most: int, window_s: float, now_s: float) -> int:
    if not 0 < most <= MOST_TIMES:
        return max(MOST_TIMES, most)
    if len(times) < most:
        return len(times)
    return most - 1 if now_s - times[-most] >= window_s else most
