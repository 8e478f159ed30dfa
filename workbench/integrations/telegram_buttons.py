"""What a button carries: `module:action:params`, signed for its chat and at most 64 bytes. Pure.

Any client can send any bytes as a press, so a press counts only with a signature that this desk made for this chat.
What may happen once only is not here but in the ledger: the line that a button types has its own single-use code.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

LONGEST = 64
_SIGNATURE = 12
_MARK = "~"


@dataclass(frozen=True, slots=True)
class Button:
    """What is written on a button, and what it does: `module:action:params`."""

    label: str
    module: str
    action: str
    params: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a key that comes from the bot's token: old buttons go on working after a restart, nobody else's do."""

    key: bytes

    def data(self, button: Button, chat: int) -> str | None:
        """What Telegram is to send back on a press; None where it does not fit."""
        plain = f"{button.module}:{button.action}:{button.params}"
        signed = f"{plain}{_MARK}{self._signature(plain, chat)}"
        return signed if len(signed.encode()) <= LONGEST else None

    def read(self, data: str, chat: int) -> tuple[str, str, str] | None:
        """(module, action, params) of a press in `chat`; None where this desk did not make it."""
        plain, mark, signature = data.rpartition(_MARK)
        good = hmac.compare_digest(signature.encode(), self._signature(plain, chat).encode())
        parts = plain.split(":", 2)
        return (parts[0], parts[1], parts[2]) if mark and good and len(parts) == 3 else None

    def _signature(self, plain: str, chat: int) -> str:
        made = hmac.new(self.key, f"{chat} {plain}".encode(), sha256).digest()
        return urlsafe_b64encode(made).decode()[:_SIGNATURE]


def signer_for(token: str) -> Signer:
    return Signer(hmac.new(token.encode(), b"workbench buttons", sha256).digest())


def secret_for(token: str, url: str) -> str:
    """The webhook's secret, 43 letters: from the token, so that a restart neither changes nor stores it."""
    made = hmac.new(token.encode(), f"workbench webhook {url}".encode(), sha256).digest()
    return urlsafe_b64encode(made).decode().rstrip("=")


def same_secret(said: str | None, secret: str) -> bool:
    """Compared in constant time; none is never right."""
    return bool(said) and hmac.compare_digest((said or "").encode(), secret.encode())
