"""How fast a bot orders, and whether it repeats itself. Fed with the times of approved orders, in seconds."""

from collections import deque
from collections.abc import Sequence

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.risk import BotLimits

MOST_TIMES = 1024  # order times kept of each bot; a limit above it cannot be counted and denies
_BUY = Side.BUY


def kind(bot_id: str, symbol: str, side: Side) -> tuple[str, str, bool]:
    """The key of orders of one kind. (The hash of an Enum member is a Python call: a truth value serves better.)"""
    return bot_id, symbol, side is _BUY


class Paces:
    """Order times by bot, and by bot, symbol and side."""

    def __init__(self) -> None:
        self.latched: dict[tuple[str, str], str] = {}
        self._times: dict[object, deque[float]] = {}

    def note(self, bot_id: str, symbol: str, side: Side, grows: bool, now_s: float) -> None:
        """An order was approved. Only growing ones count as repetitions: leaving is bounded by what is held."""
        for key in (bot_id, kind(bot_id, symbol, side))[: 2 if grows else 1]:
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
            self._times.pop(kind(bot_id, symbol, side), None)

    def recent(self, bot_id: str, symbol: str, buys: bool, own: BotLimits, now_s: float) -> tuple[int, int]:
        """Orders in the windows that end now, each counted up to its limit: all, and growing ones of this kind."""
        times = self._times
        if bot_id not in times:
            return 0, 0
        alike = times.get((bot_id, symbol, buys), ())
        return (
            _counted(times[bot_id], own.orders, own.orders_window_s, now_s),
            _counted(alike, own.repeats, own.repeats_window_s, now_s),
        )


def _counted(times: Sequence[float], most: int, window_s: float, now_s: float) -> int:
    if len(times) < most:
        return len(times)
    if not 0 < most <= MOST_TIMES:
        return MOST_TIMES
    return most - 1 if now_s - times[-most] >= window_s else most
