"""Who may log in to the page with a password, and as what: names, hashes, roles, in a file that only its owner reads.

A hash may also stand in WORKBENCH_PAGE_PASSWORD_HASH, for a container that has no such file. Passwords themselves are
kept nowhere.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.commands.spec import UNNAMED, Role
from workbench.dashboard.viewer import ALONE
from workbench.domain.errors import SettingsError, ValueRefused

HASH_VARIABLE = "WORKBENCH_PAGE_PASSWORD_HASH"
SHORTEST = 8
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,31}")
_KIND = "argon2:"


@dataclass(frozen=True, slots=True)
class Login:
    """How one person gets in, and what he may do then."""

    hashed: str = field(repr=False)
    role: Role = Role.ADMIN

    @property
    def seal(self) -> str:
        """Another password or role is another seal: what a session was opened with."""
        return hashlib.sha256(f"{self.role}:{self.hashed}".encode()).hexdigest()[:32]


def passwords_file(home: Path) -> Path:
    return home / "page" / "passwords.json"


def people_of(home: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Login]:
    """By name. Raises SettingsError where the file or the variable holds something else."""
    path = passwords_file(home)
    try:
        people = {name: _login(told) for name, told in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        people = {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); remove it and run: workbench password") from None
    if environment.get(HASH_VARIABLE):
        people = {**people, ALONE: Login(environment[HASH_VARIABLE])}
    wrong = [name for name, login in people.items() if not login.hashed.startswith(_KIND)]
    if wrong:
        raise SettingsError(
            f"the password of {wrong[0]!r} is not stored as a hash of argon2; make one with: workbench password"
        )
    return people


def store(home: Path, name: str, password: str, role: Role | None = None) -> Role:
    """Keep the hash of `password` for `name`, in the place of an older one; returns what that person may do.

    Without `role` a name keeps the one that it has, and a new one may look only. Who is alone, without a name, may do
    all. Raises ValueRefused.
    """
    people = people_of(home, {})
    usual = Role.ADMIN if name == ALONE else people[name].role if name in people else Role.VIEWER
    if name == ALONE and role not in (None, Role.ADMIN):
        raise ValueRefused(f"the password without a name is the admin's; give the {role} a name of their own")
    login = Login(hashed(password), role or usual)
    _write(home, {**people, _named(name): login})
    return login.role


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


def matches(people: Mapping[str, Login], name: str, password: str) -> bool:
    """Whether that is the password of `name`. An unknown name takes as long as a known one."""
    if not people:
        return False
    from jupyter_server.auth.security import passwd_check

    right = passwd_check(people.get(name, next(iter(people.values()))).hashed, password)
    return right and name in people


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueRefused(f"{name!r} cannot be a name; use up to 32 letters, digits, '_', '.', '-'")
    if name == UNNAMED:
        raise ValueRefused(f"{name!r} is how the one without a name is written down; choose another")
    return name


def _login(told: Any) -> Login:
    """As the file has it: with a role, or a hash alone, which is from before there were roles. Raises ValueError."""
    return Login(told) if isinstance(told, str) else Login(str(told["hash"]), Role(told["role"]))


def _write(home: Path, people: Mapping[str, Login]) -> None:
    path = passwords_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({name: {"hash": login.hashed, "role": login.role} for name, login in people.items()}, file)
    fresh.replace(path)
