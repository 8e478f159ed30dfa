"""How old is what the desk's totals rest on: prices of what is held, snapshots of bots that do not ask. Seconds."""

import math
from collections.abc import Mapping

from workbench.domain.risk import DeskLimits
from workbench.quant.tally import Line

_NEVER = (-math.inf, -math.inf, "")


class Freshness:
    """Times of the newest price (`quoted`), the newest usable one (`valued`) and the newest snapshot (`told`, by bot).

    `too_old` is asked at every order. Prices and snapshots only get newer, so the first thing that will be too old,
    once found, stays a bound: it is looked for again only when its time has come, or something older joined.
    """

    def __init__(self) -> None:
        self.quoted: dict[str, float] = {}
        self.valued: dict[str, float] = {}
        self.told: dict[str, float] = {}
        self._supervised: set[str] = set()
        self.good_until = _NEVER
        self.good_for: DeskLimits | None = None

    def price(self, symbol: str, seen_s: float, usable: bool) -> None:
        self.quoted[symbol] = seen_s
        if usable:
            self.valued[symbol] = seen_s

    def snapshot(self, bot_id: str, now_s: float, supervised: bool) -> None:
        """A bot was looked at. Of one that does not ask before it orders, the totals depend on when that was."""
        self.told[bot_id] = now_s
        if supervised:
            self._supervised.add(bot_id)
        self.good_until = _NEVER

    def joins(self, symbol: str, limits: DeskLimits) -> None:
        """Something in `symbol` may be held from now on, at a price that may be older than all others."""
        found = _price_until(symbol, self.valued[symbol], limits)
        if found[0] < self.good_until[0]:
            self.good_until = found

    def too_old(self, now_s: float, limits: DeskLimits, lines: Mapping[str, Line]) -> str:
        """What is too old for anything to grow, in words; '' where nothing is. lines : a tally's, by symbol."""
        if not now_s <= self.good_until[0] or self.good_for is not limits:
            held = (symbol for symbol, line in lines.items() if line.totals.gross > 0)
            prices = [_price_until(symbol, self.valued[symbol], limits) for symbol in held]
            books = [(self.told[b] + limits.book_age_s, self.told[b], f"what {b} holds") for b in self._supervised]
            self.good_until = min([*prices, *books], default=(math.inf, now_s, ""))
            self.good_for = limits
        until, since, what = self.good_until
        return "" if now_s <= until else f"{what} is {now_s - since:.0f} s old"


def _price_until(symbol: str, seen_s: float, limits: DeskLimits) -> tuple[float, float, str]:
    return seen_s + limits.quote_age_s, seen_s, f"the price of {symbol}, which is held,"
