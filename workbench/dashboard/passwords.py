"""Who may log in to the page with a password: names and hashes, in a file that only its owner reads.

A hash may also stand in WORKBENCH_PAGE_PASSWORD_HASH, for a container that has no such file. Passwords themselves are
kept nowhere.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from workbench.dashboard.viewer import ALONE
from workbench.domain.errors import SettingsError, ValueRefused

HASH_VARIABLE = "WORKBENCH_PAGE_PASSWORD_HASH"
SHORTEST = 8
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,31}")
_KIND = "argon2:"


def passwords_file(home: Path) -> Path:
    return home / "page" / "passwords.json"


def people_of(home: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Name → hash. Raises SettingsError where the file or the variable holds something else."""
    path = passwords_file(home)
    try:
        people = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        people = {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); remove it and run: workbench password") from None
    if environment.get(HASH_VARIABLE):
        people = {**people, ALONE: environment[HASH_VARIABLE]}
    wrong = [name for name, hashed in people.items() if not str(hashed).startswith(_KIND)]
    if wrong:
        raise SettingsError(
            f"the password of {wrong[0]!r} is not stored as a hash of argon2; make one with: workbench password"
        )
    return people


def store(home: Path, name: str, password: str) -> None:
    """Keep the hash of `password` for `name`, in the place of an older one. Raises ValueRefused."""
    _write(home, {**people_of(home, {}), _named(name): hashed(password)})


def forget(home: Path, name: str) -> None:
    """Raises ValueRefused where nobody has that name."""
    people = people_of(home, {})
    if people.pop(name, None) is None:
        raise ValueRefused(f"{name!r} has no password; those who have: {', '.join(sorted(people)) or 'nobody'}")
    _write(home, people)


def hashed(password: str) -> str:
    """Raises ValueRefused where it is too short to keep anybody out."""
    if len(password) < SHORTEST:
        raise ValueRefused(f"a password needs {SHORTEST} characters or more, this one has {len(password)}")
    from jupyter_server.auth.security import passwd  # only now: who reads no password need not load it

    return passwd(password)


def matches(people: Mapping[str, str], name: str, password: str) -> bool:
    """Whether that is the password of `name`. An unknown name takes as long as a known one."""
    if not people:
        return False
    from jupyter_server.auth.security import passwd_check

    right = passwd_check(people.get(name, next(iter(people.values()))), password)
    return right and name in people


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueRefused(f"{name!r} cannot be a name; use up to 32 letters, digits, '_', '.', '-'")
    return name


def _write(home: Path, people: Mapping[str, str]) -> None:
    path = passwords_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(people, file)
    fresh.replace(path)
