"""Before every route of the page's server: which host was asked for, from where, and who asks."""

import hmac
import ipaddress
from http.client import responses
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from workbench.dashboard.identity import Guest
from workbench.dashboard.notices import POLICY, notice

_ERROR = """<div role="alert"><p><strong>{status} {words}.</strong></p><p>{mend}</p></div>"""
_MENDS = {
    403: "This address is not served, or not to this page. Open <a href='/'>the desk's page</a>.",
    404: "There is nothing at this address. Open <a href='/'>the desk's page</a>.",
}


class HostChecked(JupyterHandler):
    """Refuses requests under a name that merely leads to this machine (DNS rebinding), and from foreign pages."""

    def check_host(self) -> bool:
        """An address cannot be rebound; a name has to be one of ours."""
        host = urlsplit(f"//{self.request.host}").hostname or ""
        return host in self.settings["local_hostnames"] or _is_address(host)

    def say(self, html: str) -> None:
        """End with a page of a few words (`notices`): no script may run in it, and nobody keeps it."""
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", "no-store")
        self.finish(html)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A few words instead of a traceback, which is in the log."""
        mend = _MENDS.get(status_code, "Reload; if it stays, <code>workbench doctor</code> knows more.")
        words = responses.get(status_code, "Error")
        self.say(notice(words, _ERROR.format(status=status_code, words=words, mend=mend)))


class Guarded(HostChecked):
    """Mixed in before a handler of Voila's: nobody without a session is served anything, not even a static file."""

    async def prepare(self) -> None:  # type: ignore[override]
        if not self.check_origin():
            raise HTTPError(403)
        await super().prepare()  # sends a browser without a session to the login
        if self.current_user is None and not self._finished:
            raise HTTPError(403)


def guarded(handler: type) -> type:
    """`handler` behind the guard."""
    return handler if issubclass(handler, HostChecked | Waiting) else type(handler.__name__, (Guarded, handler), {})


class Line(Guarded, VoilaKernelWebsocketHandler):
    """A page's line to its kernel; it ends with the session."""

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        guest, kernels = self.current_user, cast(Any, self.kernel_manager)
        session = guest.session if isinstance(guest, Guest) else ""
        if session and not kernels.belongs(self.path_kwargs["kernel_id"], session):
            raise HTTPError(403)

    async def open(self, kernel_id: str) -> None:
        self._of_session().add(self)
        await super().open(kernel_id)

    def on_close(self) -> None:
        self._of_session().discard(self)
        super().on_close()

    def leave(self, why: str) -> None:
        """Its session has ended: close it, and end the kernel that nobody can reach any more."""
        self.close(1008, why)
        IOLoop.current().spawn_callback(self._end_kernel)

    async def _end_kernel(self) -> None:
        if self.kernel_id in self.kernel_manager:
            await ensure_async(self.kernel_manager.shutdown_kernel(self.kernel_id))

    def _of_session(self) -> set:
        guest = self.current_user
        session = guest.session if isinstance(guest, Guest) else ""
        return self.identity_provider.lines[session]  # type: ignore[attr-defined]


class Waiting(RequestInfoSocketHandler):
    """Where a heated kernel waits for its viewer: for kernels of this server only, which know its key."""

    key: ClassVar[str] = ""

    def prepare(self) -> None:
        said = self.request.headers.get("Authorization", "")
        if not Waiting.key or not hmac.compare_digest(said.encode(), f"Bearer {Waiting.key}".encode()):
            raise HTTPError(403)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
