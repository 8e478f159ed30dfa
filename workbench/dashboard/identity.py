"""Who asks: a session's cookie, made by the login, or the token in a script's header."""

import hmac
import json
import re
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from traitlets import Any as AnyTrait
from traitlets import Dict

from workbench.commands.spec import Role
from workbench.dashboard.passwords import matches
from workbench.dashboard.tries import Tries
from workbench.dashboard.viewer import ALONE
from workbench.domain.errors import SettingsError

SESSION_DAYS = 7
BY_TOKEN = "token"
_HEADER = re.compile(r"(?:token|bearer)\s+(\S+)", re.IGNORECASE)


@dataclass
class Guest(User):
    """Somebody who is let in. `session` is one login: a log-out ends it everywhere. `seal` is what it was opened with:
    `BY_TOKEN`, or that of a `passwords.Login`, which is gone once the login is another."""

    session: str = ""
    role: Role = Role.VIEWER
    seal: str = ""


class DeskIdentity(IdentityProvider):
    """Token and passwords compared in constant time, wrong tries limited, sessions that can be ended.

    A cookie is signed with a key of this run of the server, and neither scripts nor other sites can use it. The page's
    address may carry the token (`login_page.Entrance` takes it out); elsewhere a token counts in the header only.
    """

    people = Dict(help="name → passwords.Login").tag(config=True)
    read_people = AnyTrait(dict, help="gives `people` as they are by now").tag(config=True)

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.get_secure_cookie_kwargs = {"max_age_days": SESSION_DAYS}
        self.tries = Tries()
        self.lines: defaultdict[str, set[Any]] = defaultdict(set)
        self._ended: set[str] = set()

    def get_user(self, handler: Any) -> User | None:
        known = self._by_header(handler)
        handler._token_authenticated = known is not None
        return known or self.get_user_cookie(handler)  # type: ignore[return-value]  # ours never waits

    def should_check_origin(self, handler: Any) -> bool:
        """Always: a script that knows the token sends no Origin, and a foreign page has no business here."""
        return True

    def is_token(self, said: str) -> bool:
        return bool(self.token) and hmac.compare_digest(said.encode(), self.token.encode())

    def is_password(self, name: str, said: str) -> bool:
        """Takes a tenth of a second of work: call it in a thread."""
        return matches(self.people, name, said)

    def wait_s(self, handler: Any) -> float:
        """How long the address of this request has to wait after wrong tries."""
        return self.tries.wait_s(handler.request.remote_ip, time.monotonic())

    def trying(self, handler: Any) -> None:
        """Counts as wrong until it is right, so that a hundred at once are not a hundred tries."""
        self.tries.wrong(handler.request.remote_ip, time.monotonic())

    def wrong(self, handler: Any) -> None:
        self.log.warning("A wrong token or password for the page, from %s.", handler.request.remote_ip)

    def get_handlers(self) -> list[tuple[str, object]]:
        """None: `voila_page` lists the pages of login and logout with the others."""
        return []

    def let_in(self, handler: Any, name: str = "") -> None:
        """Begin a session of `name`, who has a password; without one, of whoever has the token."""
        self.tries.right(handler.request.remote_ip)
        seal = self.people[name].seal if name else BY_TOKEN
        self.set_login_cookie(handler, self._guest(name or ALONE, secrets.token_urlsafe(16), seal))

    def look_again(self) -> None:
        """Logins as they are by now: whose is gone or another has no session any more, and no line."""
        try:
            self.people = dict(self.read_people())
        except SettingsError as error:
            self.log.error("Logins stay as they were: %s", error)
            return
        for line in [line for lines in self.lines.values() for line in lines]:
            if not self._holds(line.current_user):
                line.leave("the login has changed")

    def end(self, handler: Any) -> None:
        """End this request's session: its cookie is worth nothing any more, and its open pages lose their line."""
        if isinstance(guest := handler.current_user, Guest) and guest.session:
            self._ended.add(guest.session)
            for line in self.lines.pop(guest.session, set()):
                line.leave("logged out")
        self.clear_login_cookie(handler)

    def user_to_cookie(self, user: Any) -> str:
        return json.dumps({"name": user.username, "session": user.session, "seal": user.seal})

    def user_from_cookie(self, cookie_value: str) -> User | None:
        said = json.loads(cookie_value)
        guest = self._guest(said["name"], said["session"], said["seal"])
        return guest if guest.session not in self._ended and self._holds(guest) else None

    def set_login_cookie(self, handler: Any, user: User) -> None:
        """Behind a proxy that speaks TLS the cookie is for TLS only."""
        secure = "https" in (handler.request.protocol, handler.request.headers.get("X-Forwarded-Proto"))
        handler.set_secure_cookie(
            self.get_cookie_name(handler),
            self.user_to_cookie(user),
            expires_days=SESSION_DAYS,
            path=handler.base_url,
            secure=secure,
            httponly=True,
            samesite="Strict",
        )

    def _guest(self, name: str, session: str, seal: str) -> Guest:
        role = Role.ADMIN if seal == BY_TOKEN else self.people[name].role if name in self.people else Role.VIEWER
        return Guest(name, session=session, role=role, seal=seal)

    def _holds(self, guest: Any) -> bool:
        """What the session was opened with still opens the page, and as the same role."""
        if not isinstance(guest, Guest):
            return False
        if guest.seal == BY_TOKEN:
            return bool(self.token)
        login = self.people.get(guest.username)
        return login is not None and hmac.compare_digest(login.seal.encode(), guest.seal.encode())

    def _by_header(self, handler: Any) -> User | None:
        said = _HEADER.fullmatch(handler.request.headers.get("Authorization", ""))
        if said is None or self.wait_s(handler):
            return None
        if self.is_token(said[1]):
            return Guest(ALONE, role=Role.ADMIN, seal=BY_TOKEN)
        self.trying(handler)
        self.wrong(handler)
        return None
