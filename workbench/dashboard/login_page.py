"""Logging in and out, without a script: a token or a password, and then back to where one wanted to go."""

import asyncio
import math
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.web import HTTPError

from workbench.dashboard.guard import Guarded, HostChecked
from workbench.dashboard.notices import notice
from workbench.dashboard.viewer import ALONE

_FORM = """<h1>Workbench</h1>
<form method="post">
<input type="hidden" name="next" value="{next}">
{name}<label for="secret">{what}</label>
<input id="secret" name="secret" type="password" autocomplete="current-password" required {attributes}>
{error}<button type="submit">Log in</button>
</form>
<p class="muted">{hint}</p>"""
_NAME = """<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" value="{name}" maxlength="32" required {focus}>
"""
_ERROR = """<p class="wrong" id="wrong" role="alert">{words}</p>
"""
_TOKEN_HINT = (
    "<code>workbench up</code> prints an address that logs in by itself; <code>workbench page</code> prints it again. "
    "Or paste its token here."
)
_PASSWORD_HINT = "Forgotten? On the desk's machine, <code>workbench password</code> sets a new one."
_OLD_TOKEN = "That token does not open this page; each start of the desk makes a new one."


class Entrance(Guarded):
    """Before the page: its address may carry the token, as the terminal prints it. It is taken out before a kernel,
    the history or a link could see it."""

    async def prepare(self) -> None:  # type: ignore[override]
        said = self.get_query_argument("token", "")
        if not said or not self.check_host():
            await super().prepare()
        elif self._opens(said):
            go_on(self, without_token(self.request.uri or "/"))
        else:
            self.redirect(f"/login?{urlencode({'next': without_token(self.request.uri or '/'), 'old': 1})}")

    def _opens(self, said: str) -> bool:
        identity: Any = self.identity_provider
        if identity.get_user(self):
            return True
        if identity.wait_s(self):
            return False
        identity.trying(self)
        if identity.is_token(said):
            identity.let_in(self)
            return True
        identity.wrong(self)
        return False


class LoginPage(HostChecked):
    """The form. `next` leads within this server only."""

    @allow_unauthenticated
    def get(self) -> None:
        if self.current_user:
            self.redirect(self._next())
        elif self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            go_on(self, self._next())  # perhaps logged in all the while: the cookie comes along from here
        else:
            self._form(_OLD_TOKEN if self.get_query_argument("old", "") else "")

    @allow_unauthenticated
    async def post(self) -> None:
        name, said = self.get_body_argument("name", ALONE), self.get_body_argument("secret", "", strip=False)
        identity: Any = self.identity_provider
        if wait_s := identity.wait_s(self):
            self._refuse(429, f"Too many wrong tries. Wait {math.ceil(wait_s)} s, then try again.", name)
            return
        identity.trying(self)
        if identity.is_token(said.strip()):
            self._enter()
        elif await asyncio.to_thread(identity.is_password, name, said):
            self._enter(name)
        else:
            identity.wrong(self)
            self._refuse(401, f"That is not the {_what(identity).lower()}.", name)

    def check_xsrf_cookie(self) -> None:
        """A form without a script carries no token of its own; the browser says which page it is from."""
        if not self.check_origin():
            raise HTTPError(403)

    def _enter(self, name: str = "") -> None:
        self.identity_provider.let_in(self, name)  # type: ignore[attr-defined]
        self.redirect(self._next())

    def _refuse(self, status: int, words: str, name: str) -> None:
        self.set_status(status)
        self._form(words, name)

    def _form(self, error: str, name: str = "") -> None:
        identity: Any = self.identity_provider
        named = bool(set(identity.people) - {ALONE})
        asks_name = named and not name
        attributes = "" if asks_name else "autofocus"
        body = _FORM.format(
            next=escape(self._next()),
            name=_NAME.format(name=escape(name), focus="autofocus" if asks_name else "") if named else "",
            what=_what(identity),
            attributes=f'{attributes} aria-describedby="wrong" aria-invalid="true"' if error else attributes,
            error=_ERROR.format(words=escape(error)) if error else "",
            hint=_PASSWORD_HINT if identity.people else _TOKEN_HINT,
        )
        self.say(notice("log in", body))

    def _next(self) -> str:
        return own_path(self.get_argument("next", "/"))


class LogoutPage(Guarded):
    """Ends the session, not only its cookie. By a form of our own page."""

    async def post(self) -> None:
        self.identity_provider.end(self)  # type: ignore[attr-defined]
        self.redirect("/login")

    def check_xsrf_cookie(self) -> None:
        """`Guarded` asks where the form came from."""


def go_on(handler: HostChecked, url: str) -> None:
    """On to `url` by a page of our own: who comes from another site, a mail or a file brings a cookie that is
    SameSite=Strict only from there on."""
    handler.set_header("Referrer-Policy", "no-referrer")
    link = escape(own_path(url))
    refresh = f'<meta http-equiv="refresh" content="0; url={link}">'
    handler.say(notice("opening", f'<p><a href="{link}">Opening the desk</a></p>', refresh))


def own_path(url: str) -> str:
    """`url` without a token, where it is a path of this server and cannot be read as another's; else '/'."""
    odd = "\\" in url or not url.isprintable()
    return "/" if odd or not url.startswith("/") or url.startswith("//") else without_token(url)


def without_token(url: str) -> str:
    """The same address, without a token in it."""
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != "token"]
    return parts._replace(query=urlencode(kept)).geturl()


def _what(identity: Any) -> str:
    """What is asked for, in words."""
    if not identity.people:
        return "Token"
    return "Password or token" if identity.token else "Password"
