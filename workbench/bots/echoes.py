"""A bot that repeats what opens it, in an error or about itself, does not carry it into ledger, log and screen."""

from collections.abc import Iterable

HIDDEN = "•••".encode()
SHORTEST = 6  # a shorter one stands in too many words that are none


def without(said: bytes, secrets: Iterable[str]) -> bytes:
    """`said` with `secrets` made unreadable."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            said = said.replace(secret.encode(), HIDDEN)
    return said
