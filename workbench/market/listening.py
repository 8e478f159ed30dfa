"""Hear what a ccxt.pro exchange hears: every kline with the flag "this bar is over", and every broken connection.

ccxt keeps only the six numbers of a kline and drops the flag, and an awaiting caller sees the newest state, not every
message; both matter when a bar must be taken as final exactly once. So the handler itself is overheard.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol


class Ear(Protocol):
    """Called on the loop, from inside ccxt's handlers: must return at once. `wants` is asked once for each market."""

    def wants(self, symbol: str, timeframe: str) -> bool: ...
    def heard(self, symbol: str, timeframe: str, row: list[float], final: bool, event_ms: int) -> None: ...
    def cut(self, reason: str) -> None: ...


class Ears:
    """Who hears an exchange. A word reaches those only that want its market."""

    def __init__(self) -> None:
        self._all: list[Ear] = []
        self._of: dict[tuple[str, str], tuple[Ear, ...]] = {}

    def __iter__(self) -> Iterator[Ear]:
        return iter(tuple(self._all))

    def add(self, ear: Ear) -> None:
        self.discard(ear)
        self._all.append(ear)

    def discard(self, ear: Ear) -> None:
        self._all = [one for one in self._all if one is not ear]
        self._of.clear()

    def of(self, symbol: str, timeframe: str) -> tuple[Ear, ...]:
        """Those that want this market."""
        key = symbol, timeframe
        if key not in self._of:
            self._of[key] = tuple(ear for ear in self._all if ear.wants(symbol, timeframe))
        return self._of[key]


@cache
def listening(kind: type) -> type:
    """`kind` (a class of ccxt.pro) with `ears` that hear its klines and its broken connections."""
    return type(kind.__name__, (_Listening, kind), {})


class _Listening:
    def __init__(self, config: dict[str, Any]) -> None:
        self.ears = Ears()
        super().__init__(config)  # type: ignore[call-arg]

    def handle_ohlcv(self, client: Any, message: Any, *rest: Any) -> Any:
        result = super().handle_ohlcv(client, message, *rest)  # type: ignore[misc]
        if isinstance(message, dict) and isinstance(message.get("k"), dict) and "x" in message["k"]:
            self._tell(client, message)
        return result

    def on_error(self, client: Any, error: Any) -> None:
        super().on_error(client, error)  # type: ignore[misc]
        for ear in self.ears:
            ear.cut(f"{type(error).__name__}: {error}")

    def on_close(self, client: Any, code: Any) -> None:
        super().on_close(client, code)  # type: ignore[misc]
        for ear in self.ears:
            ear.cut(f"closed with {code}")

    def _tell(self, client: Any, message: dict[str, Any]) -> None:
        kline = message["k"]
        symbol = self.safe_symbol(kline["s"], None, None, "spot")  # type: ignore[attr-defined]
        timeframe = self.find_timeframe(kline["i"])  # type: ignore[attr-defined]
        ears = self.ears.of(symbol, timeframe)
        if not ears:
            return
        row = [int(kline["t"]), *(float(kline[name]) for name in "ohlcv")]
        final, event_ms = kline["x"] is True, int(message.get("E") or kline["t"])
        for ear in ears:
            ear.heard(symbol, timeframe, row, final, event_ms)
