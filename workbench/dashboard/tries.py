"""How often an address may be wrong about the password. No clock inside: `now` is seconds of any steady one."""

from collections import OrderedDict

MOST = 5
REST_S = 60.0
ADDRESSES = 10_000


class Tries:
    """After `most` wrong tries an address waits `rest_s` from its last one; the right password forgets them."""

    def __init__(self, most: int = MOST, rest_s: float = REST_S):
        self._most, self._rest_s = most, rest_s
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str, now: float) -> float:
        """How long it has to wait before it may try again; 0: it may now."""
        count, last = self._wrong.get(address, (0, 0.0))
        return max(0.0, last + self._rest_s - now) if count >= self._most else 0.0

    def wrong(self, address: str, now: float) -> None:
        """Count one. Wrong tries older than the rest are forgotten."""
        count, last = self._wrong.pop(address, (0, now))
        self._wrong[address] = (1 if now - last >= self._rest_s else count + 1), now
        if len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        self._wrong.pop(address, None)
