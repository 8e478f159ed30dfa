"""What may enter the ledger: plain JSON, finite numbers, text without NUL, and no secrets. Pure."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson

from workbench.domain.errors import LedgerError

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = {"secret", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "authorization", "bearer"}
_SECRET_PAIRS = {"apikey", "privatekey", "accesskey", "signingkey", "sessionkey", "listenkey"}
_TOKENS = {"token", "tokens", "jwt"}
_INT64 = 2**63
DEPTH = 64


def looks_secret(key: str, value: Any = "") -> bool:
    """Whether a payload key names a credential. A token that is a whole number is a fencing token or a count: fine."""
    words = [word.lower() for word in _WORDS.findall(key)]
    pairs = {first + second for first, second in pairwise(words)}
    if _SECRET & set(words) or _SECRET_PAIRS & (pairs | set(words)):
        return True
    return bool(_TOKENS & set(words)) and not (isinstance(value, int) and not isinstance(value, bool))


def plain(value: Any, path: str, depth: int = 0) -> Any:
    """`value` as plain dicts, lists, text, finite numbers, booleans and None, which is what reading it back gives.

    Raises LedgerError with the path of the first value that JSON cannot hold exactly, or that looks like a secret.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return text(value, path)
    if isinstance(value, int):
        return _whole(int(value), path)
    if isinstance(value, float):
        return _finite(float(value), path)
    if depth > DEPTH:
        raise LedgerError(f"{path} is nested deeper than {DEPTH}; flatten it")
    if isinstance(value, Mapping):
        return {_key(key, item, path): plain(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(value)]
    raise LedgerError(f"{path} is a {type(value).__name__}, which JSON does not have; convert it before recording")


def document(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A JSON object, checked as `plain` does."""
    if not isinstance(value, Mapping):
        raise LedgerError(f"{path} must be a JSON object, got {type(value).__name__}")
    return plain(value, path)


def encode(value: Any) -> str:
    """A value that `plain` returned, as JSON text."""
    return orjson.dumps(value).decode()


def decode(stored: str) -> Any:
    """What `encode` was given. `json` rather than `orjson`: it never turns a large whole number into a float."""
    return json.loads(stored)


def text(value: str, what: str) -> str:
    """Text both databases can hold: no NUL, no half of a surrogate pair. A subclass (an enum) becomes its text."""
    if not isinstance(value, str):
        raise LedgerError(f"{what} must be text, got {type(value).__name__}")
    if "\0" in value:
        raise LedgerError(f"{what} holds a NUL character: {value!r}")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise LedgerError(f"{what} holds half of a surrogate pair: {value!r}")
    return str.__str__(value)


def name(value: str, what: str) -> str:
    """Text that is not empty."""
    if not text(value, what):
        raise LedgerError(f"{what} must not be empty")
    return str.__str__(value)


def moment(at: datetime, what: str) -> datetime:
    """A time with its zone, as UTC."""
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise LedgerError(f"{what} must be a time with its zone (UTC), got {at!r}")
    return at.astimezone(UTC)


def _key(key: Any, value: Any, path: str) -> str:
    if not isinstance(key, str):
        raise LedgerError(f"{path} has the key {key!r} ({type(key).__name__}); JSON keys are text")
    if looks_secret(key, value):
        raise LedgerError(f"{path}.{key} looks like a secret; secrets never enter the ledger, leave it out")
    return text(key, f"a key of {path}")


def _whole(value: int, path: str) -> int:
    if not -_INT64 <= value < _INT64:
        raise LedgerError(f"{path} = {value} needs more than 64 bits; record it as text")
    return value


def _finite(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise LedgerError(f"{path} is {value}, which JSON does not have; leave it out or record None")
    return value
