"""Secrets taken out of whatever a run leaves behind: notebooks, pages, messages, the ledger.

A notebook needs tokens and keys to reach bots and venues, and may print them by accident (a traceback, a dump of the
environment). So every text is searched for the values themselves, as they are and as programs commonly write them.
What is cut in pieces, turned around or painted into a picture cannot be found.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from workbench.ledger.payload import looks_secret
from workbench.ledger.secret_names import is_secret, passwords_in

HIDDEN = "•••"
SHORTEST = 6  # a shorter value stands in too many words that are none


class Scrubber:
    """`clean` puts • • • in place of every secret."""

    def __init__(self, secrets: Iterable[str]):
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)  # the longest first: a secret may be part of another
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def clean(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def secrets_of(
    environment: Mapping[str, str] | None = None, home: Path | None = None, *urls: str, named: Iterable[str] = ()
) -> set[str]:
    """Values of variables that are named like a secret or are `named`, passwords within addresses, and the tokens of
    the desk that runs in `home`."""
    known = os.environ if environment is None else environment
    also = set(named)
    found = {value for name, value in known.items() if is_secret(name) or name in also}
    found |= {password for value in (*known.values(), *urls) for password in passwords_in(value)}
    return {value for value in (*found, *_of_run(home)) if len(value) >= SHORTEST}


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as programs write it: quoted, escaped, packed, and each of these escaped once more."""
    raw = secret.encode()
    packed = (raw.hex(), base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="))
    yield from (*packed, raw.hex().upper())
    written = {secret, *(write(secret) for write in _WRITERS)}
    yield from written
    for once in written:
        yield from (write(once) for write in _WRITERS)


def _inside(text: str) -> str:
    return text[1:-1]


_WRITERS = (
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: _inside(json.dumps(text)),
    lambda text: _inside(json.dumps(text, ensure_ascii=False)),
    lambda text: _inside(repr(text)),
    lambda text: repr("\"'" + text)[4:-1],  # beside both kinds of quotes
)


def _of_run(home: Path | None) -> list[str]:
    if home is None:
        return []
    try:
        run = json.loads((home / "run" / "desk.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(value) for name, value in run.items() if looks_secret(name, value)]
