"""What opens the page: a token, or passwords; and where it may listen with which of them."""

import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from workbench.dashboard.passwords import HASH_VARIABLE, Login, people_of
from workbench.domain.errors import SettingsError, StartError

TOKEN_VARIABLE = "WORKBENCH_PAGE_TOKEN"
SHORTEST = 12


@dataclass(frozen=True, slots=True)
class PageLogin:
    """`token`: '' where there is none. `people`: who has a password, by name. `made`: nobody chose that token.
    `read`: gives `people` as they are by now; may raise SettingsError."""

    token: str = field(default="", repr=False)
    people: Mapping[str, Login] = field(default_factory=dict, repr=False)
    made: bool = False
    read: Callable[[], Mapping[str, Login]] = field(default=dict, repr=False)

    def address(self, url: str) -> str:
        """The page's address that logs in by itself, where a token can."""
        return f"{url}?{urlencode({'token': self.token})}" if self.token else url


def login_of(home: Path, host: str, environment: Mapping[str, str] = os.environ) -> PageLogin:
    """The token of the environment and the passwords of `home`; without either, a token made now.

    Raises StartError where `host` lets other machines in and nobody has chosen a token or a password, SettingsError
    where a token is too short.
    """
    read = partial(people_of, home, {HASH_VARIABLE: environment.get(HASH_VARIABLE, "")})
    people = read()
    token = environment.get(TOKEN_VARIABLE, "")
    if token and len(token) < SHORTEST:
        raise SettingsError(f"{TOKEN_VARIABLE} has {len(token)} characters; a token needs {SHORTEST} or more")
    if token or people:
        return PageLogin(token, people, read=read)
    if not is_loopback(host):
        raise StartError(
            f"page: page.host = {host!r} lets other machines in, and nobody has chosen a password: run "
            f"`workbench password`, or set {TOKEN_VARIABLE}, or leave page.host at 127.0.0.1"
        )
    return PageLogin(secrets.token_urlsafe(24), made=True, read=read)


def is_loopback(host: str) -> bool:
    """Whether that address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
