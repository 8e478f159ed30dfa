"""API keys of the paper accounts, and the proof a request carries: HMAC-SHA256 over exactly what was sent."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from workbench.market.paper_exchange.params import Params
from workbench.market.paper_exchange.refusals import Refused, mandatory

_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_AHEAD_MS = 1000
_LONGEST_WINDOW_MS = 60000


@dataclass(frozen=True, slots=True)
class Credentials:
    account: str
    key: str
    secret: str = field(repr=False)


class Keyring:
    """One key an account."""

    def __init__(self) -> None:
        self._by_key: dict[str, Credentials] = {}
        self._by_account: dict[str, Credentials] = {}

    def of(self, account: str) -> Credentials:
        """The credentials of an account, made on first use."""
        if account not in self._by_account:
            self.add(Credentials(account, secrets.token_hex(32), secrets.token_hex(32)))
        return self._by_account[account]

    def add(self, credentials: Credentials) -> None:
        self._by_key[credentials.key] = self._by_account[credentials.account] = credentials

    def owner(self, key: str | None) -> Credentials:
        """Raises Refused (-2014 for no key at all, -2015 for one nobody has)."""
        if not key or not _KEY.fullmatch(key):
            raise Refused(-2014, "API-key format invalid.", 401)
        if key not in self._by_key:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._by_key[key]

    def authenticate(self, key: str | None, params: Params, signed: bytes, wall_ms: int) -> str:
        """The account that signed a request. `signed`: the bytes the signature covers."""
        owner = self.owner(key)
        moment = params.integer("timestamp", required=True)
        window = params.integer("recvWindow") or 5000
        if window > _LONGEST_WINDOW_MS:
            raise Refused(-1131, "recvWindow must be less than 60000.")
        given = params.text("signature")
        if not given:
            raise mandatory("signature")
        proof = hmac.new(owner.secret.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof.encode(), given.encode()):
            raise Refused(-1022, "Signature for this request is not valid.")
        assert moment is not None
        if moment > wall_ms + _AHEAD_MS:
            raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if wall_ms - moment > window:
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
        return owner.account
