"""Listen keys of the REST user data stream. They last an hour of wall time (given in seconds), longer if kept."""

import secrets
from dataclasses import dataclass, field

from workbench.market.paper_exchange.refusals import Refused

LIFE_S = 3600.0


@dataclass
class ListenKeys:
    """One living key an account."""

    _owners: dict[str, tuple[str, float]] = field(default_factory=dict)

    def create(self, account: str, now_s: float) -> str:
        """A key for `account`; the living one where there is one, prolonged."""
        for key, (owner, until_s) in self._owners.items():
            if owner == account and until_s > now_s:
                self._owners[key] = (account, now_s + LIFE_S)
                return key
        key = secrets.token_hex(30)
        self._owners[key] = (account, now_s + LIFE_S)
        return key

    def keep(self, key: str, account: str, now_s: float) -> None:
        self._check(key, account, now_s)
        self._owners[key] = (account, now_s + LIFE_S)

    def close(self, key: str, account: str, now_s: float) -> None:
        self._check(key, account, now_s)
        del self._owners[key]

    def owner(self, key: str, now_s: float) -> str | None:
        owner, until_s = self._owners.get(key, ("", 0.0))
        return owner if until_s > now_s else None

    def _check(self, key: str, account: str, now_s: float) -> None:
        if self.owner(key, now_s) != account:
            raise Refused(-1125, "This listenKey does not exist.")
