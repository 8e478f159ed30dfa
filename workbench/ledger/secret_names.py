"""Which variables of an environment hold a secret, and which of ours a child process is given. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from workbench.ledger.payload import looks_secret

_NAMES = re.compile(r"SECRET|PASSW|(^|_)(KEY|PASS|PAT|PIN|AUTH|COOKIE|CREDENTIALS?|DSN|MNEMONIC|SEED)$", re.IGNORECASE)
_OURS = re.compile(r"^(WORKBENCH|FREQTRADE)_|_EXCHANGE_(KEY|SECRET)$")
_DESKS = re.compile(r"^WORKBENCH_(?!TELEGRAM|PAGE)")


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return not name.endswith("_ENV") and (looks_secret(name) or bool(_NAMES.search(name)))


def passwords_in(address: str) -> Iterator[str]:
    """The password within an address, as it stands there and as it is meant."""
    if "://" not in address or "@" not in address:
        return
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


def environment_for(
    environment: Mapping[str, str], reaches_desk: bool = False, named: Iterable[str] = ()
) -> dict[str, str]:
    """What a child inherits: everything but secrets of this product that it does not need. What it does need besides is
    given to it by name.

    reaches_desk : it asks bots and reads the ledger, as the page does, and keeps what opens those. `named` : variables
    that hold a bot's secret, whatever they are called. Never inherited: what opens the page, the chat and exchanges.
    """
    also = set(named)

    def kept(name: str, value: str) -> bool:
        ours = name in also or bool(_OURS.search(name))
        secret = name in also or is_secret(name) or any(passwords_in(value))
        return not (ours and secret) or (reaches_desk and (name in also or bool(_DESKS.match(name))))

    return {name: value for name, value in environment.items() if kept(name, value)}
