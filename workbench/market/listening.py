"""Hear what a ccxt.pro exchange hears: every kline with the flag "this bar is over", and every broken connection.

ccxt keeps only the six numbers of a kline and drops the flag, and an awaiting caller sees the newest state, not every
message; both matter when a bar must be taken as final exactly once. So the handler itself is overheard.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol


class Ear(Protocol):
    """Called on the loop, from inside ccxt's handlers: must return at once."""

    def heard(self, symbol: str, timeframe: str, row: list[float], final: bool, event_ms: int) -> None: ...
    def cut(self, reason: str) -> None: ...


@cache
def listening(kind: type) -> type:
    """`kind` (a class of ccxt.pro) with a set `ears` whose members hear its klines and its broken connections."""
    return type(kind.__name__, (_Listening, kind), {})


class _Listening:
    def __init__(self, config: dict[str, Any]) -> None:
        self.ears: set[Ear] = set()
        super().__init__(config)  # type: ignore[call-arg]

    def handle_ohlcv(self, client: Any, message: Any, *rest: Any) -> Any:
        result = super().handle_ohlcv(client, message, *rest)  # type: ignore[misc]
        if self.ears and isinstance(message, dict) and isinstance(message.get("k"), dict) and "x" in message["k"]:
            self._tell(client, message)
        return result

    def on_error(self, client: Any, error: Any) -> None:
        super().on_error(client, error)  # type: ignore[misc]
        self._each(lambda ear: ear.cut(f"{type(error).__name__}: {error}"))

    def on_close(self, client: Any, code: Any) -> None:
        super().on_close(client, code)  # type: ignore[misc]
        self._each(lambda ear: ear.cut(f"closed with {code}"))

    def _tell(self, client: Any, message: dict[str, Any]) -> None:
        kline = message["k"]
        symbol = self.safe_symbol(kline["s"], None, None, "spot")  # type: ignore[attr-defined]
        timeframe = self.find_timeframe(kline["i"])  # type: ignore[attr-defined]
        row = [int(kline["t"]), *(float(kline[name]) for name in "ohlcv")]
        final, event_ms = kline["x"] is True, int(message.get("E") or kline["t"])
        self._each(lambda ear: ear.heard(symbol, timeframe, row, final, event_ms))

    def _each(self, tell: Callable[[Ear], None]) -> None:
        for ear in tuple(self.ears):
            tell(ear)
