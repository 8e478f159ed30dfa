"""Request weights by address and minute: 429 past the limit, 418 for those who go on. Wall time arrives as seconds."""

from dataclasses import dataclass, field

from workbench.market.paper_exchange.refusals import Refused

_MINUTE_S = 60.0
_PATIENCE = 10
_BAN_S = 120.0


@dataclass
class _Caller:
    minute: int = -1
    used: int = 0
    ignored: int = 0
    banned_until_s: float = 0.0


@dataclass
class Weights:
    """`limit`: weight a minute and address; None: as much as anyone likes."""

    limit: int | None = None
    _callers: dict[str, _Caller] = field(default_factory=dict)

    def used(self, address: str, now_s: float) -> int:
        caller = self._callers.get(address)
        return caller.used if caller and caller.minute == int(now_s // _MINUTE_S) else 0

    def admit(self, address: str, weight: int, now_s: float) -> None:
        """Count a request. Raises Refused: 429, then 418 for those who kept asking."""
        caller = self._callers.setdefault(address, _Caller())
        minute = int(now_s // _MINUTE_S)
        if caller.minute != minute:
            caller.minute, caller.used, caller.ignored = minute, 0, 0
        caller.used += weight
        if self.limit is None:
            return
        if now_s < caller.banned_until_s:
            left_s = caller.banned_until_s - now_s
            raise Refused(-1003, f"Way too much request weight used; IP banned for {left_s:.0f} s.", 418)
        if caller.used <= self.limit:
            return
        caller.ignored += 1
        if caller.ignored > _PATIENCE:
            caller.banned_until_s = now_s + _BAN_S
        raise Refused(
            -1003,
            f"Too much request weight used; current limit is {self.limit} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            429,
        )
