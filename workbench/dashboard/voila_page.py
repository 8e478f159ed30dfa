"""Voila as this product serves it: our template, behind a login, kernels capped, culled and heated in advance."""

import asyncio
import errno
import json
import os
import secrets
import sys
import time
from pathlib import Path
from socket import AF_INET
from typing import Any, ClassVar

import tornado.web
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.log import access_log
from tornado.netutil import bind_sockets
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from workbench.dashboard.forked_kernels import ForkedProvisioner
from workbench.dashboard.guard import Guarded, Line, Waiting, guarded
from workbench.dashboard.identity import DeskIdentity
from workbench.dashboard.login_page import Entrance, LoginPage, LogoutPage
from workbench.dashboard.notices import SHARE, notice, page_client, page_css
from workbench.dashboard.page_settings import LOOPBACK, PageOptions
from workbench.dashboard.viewer import HEADER, KEY_VARIABLE, ROLE_HEADER
from workbench.domain.errors import StartError

SEAT_WAIT_S = 4.0
LOOK_AGAIN_MS = 1000.0
ALONE = "frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'"
CSP = (
    "default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    f"font-src 'self' data:; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; {ALONE}"
)
OWN_SCRIPTS = "'self' 'unsafe-inline' blob:"
"""blob: is how a widget's module is imported."""
SCRIPTS = f"{OWN_SCRIPTS} 'unsafe-eval'"
"""Voila compiles its JSON schemas."""
HEADERS = {
    "Content-Security-Policy": CSP.format(scripts=SCRIPTS),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
EXTENSIONS = ["anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
FULL = """<div role="alert"><p><strong>The page is full.</strong></p>
<p>{viewers} viewers are connected, which is as many as this machine was told to serve. Close a tab that nobody reads
and reload; or serve a second page: <code>python -m workbench.dashboard.page --port 0 --viewers {more}</code>.</p>
</div>"""


class DeskKernels(AsyncMappingKernelManager):
    """Kernels work in the folder where the page was started, which is where workbench.toml and the desk are."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.owners: dict[str, str] = {}

    def belongs(self, kernel_id: str, session: str) -> bool:
        """Whether that session may have a line to it: the first that asks, and that is the page it was started for,
        which alone has heard its id."""
        self.owners = {known: owner for known, owner in self.owners.items() if known in self}
        return self.owners.setdefault(kernel_id, session) == session

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:
        return os.getcwd()

    def viewers(self) -> int:
        """Kernels that serve somebody: all but those heated in advance."""
        waiting = sum(len(pool) for pool in getattr(self, "_pools", {}).values())
        return max(0, len(self.list_kernel_ids()) - waiting)


class Seats(Entrance, TornadoVoilaHandler):
    """The page itself, with a cap in front: each viewer is a kernel, and a kernel is memory (voila#617)."""

    most: ClassVar[int] = 10
    entering: ClassVar[int] = 0
    scripts: ClassVar[str] = SCRIPTS

    async def get(self, path: str | None = None) -> None:
        self.set_header("Content-Security-Policy", CSP.format(scripts=Seats.scripts))
        guest: Any = self.current_user
        self.request.headers[HEADER] = guest.username  # Voila hands them to the kernel; `viewer` reads them
        self.request.headers[ROLE_HEADER] = guest.role
        if "prefetch" in self.request.headers.get("Sec-Purpose", ""):
            self.set_status(204)  # a browser's guess is no viewer
            return
        if not await self._seated():
            self._refuse()
            return
        await self._admit(path)

    async def _seated(self) -> bool:
        """Take a seat, waiting a little: whoever reloads comes back before the old kernel has quite ended."""
        end = time.monotonic() + SEAT_WAIT_S
        kernels: Any = self.kernel_manager
        while kernels.viewers() + Seats.entering >= Seats.most:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.1)
        Seats.entering += 1  # no await since the count: nobody else has taken it
        return True

    async def _admit(self, path: str | None) -> None:
        counted = True
        try:
            async for html in self.get_generator(path=path):
                if counted:  # from its first words on, the kernel counts itself
                    Seats.entering, counted = Seats.entering - 1, False
                self.write(html)
                self.flush()
        finally:
            Seats.entering -= counted

    def _refuse(self) -> None:
        self.set_status(503)
        self.set_header("Retry-After", "10")
        self.say(notice("page is full", FULL.format(viewers=Seats.most, more=Seats.most * 2)))


class EarlyLine(ZMQChannelsWebsocketConnection):
    """A page's line is there while the kernel still runs the notebook. The usual one first waits for the kernel to say
    which protocol it speaks, which it does between two cells; ours are all of this installation."""

    def request_kernel_info(self) -> Any:
        self._finish_kernel_info({})
        return self._kernel_info_future


class LeavingHandler(Guarded, VoilaShutdownKernelHandler):
    """A page's last beacon carries no XSRF token (voila#1458). A kernel id is a secret of its own page; and the
    origin is still checked."""

    def check_xsrf_cookie(self) -> None:
        """`Guarded` asks where the beacon came from."""


OURS = {
    TornadoVoilaHandler: Seats,
    VoilaShutdownKernelHandler: LeavingHandler,
    VoilaKernelWebsocketHandler: Line,
    RequestInfoSocketHandler: Waiting,
}


class DeskPage(Voila):
    """One notebook, served to who logs in. `ready` is called with the address once it answers."""

    def __init__(self, options: PageOptions, ready: Any, **kwargs: Any):
        super().__init__(config=voila_config(options), config_file_paths=[], **kwargs)
        self._options, self._ready = options, ready
        self._sockets = _bind(options.port, options.host)
        self.port = self._sockets[0].getsockname()[1]  # heated kernels are told it before the server listens
        Seats.most = options.viewers
        Seats.scripts = OWN_SCRIPTS if shows_own_widgets(options.notebook) else SCRIPTS
        os.environ[KEY_VARIABLE] = Waiting.key = secrets.token_urlsafe(24)  # kernels inherit it

    def init_handlers(self) -> list:
        """Voila's routes, each behind the guard; and before them the two that have to be open."""
        routes = [
            (route, guarded(OURS.get(handler, handler)), *more) for route, handler, *more in super().init_handlers()
        ]
        return [("/login", LoginPage), ("/logout", LogoutPage), *routes]

    def listen(self) -> None:
        HTTPServer(self.app).add_sockets(self._sockets)
        self.ioloop = tornado.ioloop.IOLoop.current()
        PeriodicCallback(self.identity_provider.look_again, LOOK_AGAIN_MS).start()
        self.ioloop.add_callback(self._ready, f"http://{LOOPBACK}:{self.port}/")
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()
            ForkedProvisioner.nursery.end()


def _bind(port: int, host: str) -> list:
    """This machine's own address, where kernels find the server, and `host`, on one port."""
    try:
        sockets = bind_sockets(port, LOOPBACK if host != "0.0.0.0" else host, AF_INET)
        if host not in (LOOPBACK, "localhost", "0.0.0.0"):
            sockets += bind_sockets(sockets[0].getsockname()[1], host)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(f"page: {host} is no address of this machine; set page.host to one ({error})") from None
        raise StartError(f"page: port {port} is taken; choose another with --port, or 0 for any ({error})") from None
    return sockets


def voila_config(options: PageOptions) -> Config:
    """Everything Voila is told. No file of the user's own Jupyter changes it."""
    config = Config()
    config.Voila.update(
        {
            "ip": LOOPBACK,
            "open_browser": False,
            "notebook_path": str(options.notebook),
            "log_level": options.log_level,
            "token": options.login.token,
            "identity_provider_class": DeskIdentity,
            "kernel_websocket_connection_class": EarlyLine,
            "cookie_secret": secrets.token_bytes(32),
            "tornado_settings": {
                "headers": HEADERS,
                "local_hostnames": ["localhost", *options.names],
                "log_function": _log_request,
            },
        }
    )
    config.DeskIdentity.people = dict(options.login.people)
    config.DeskIdentity.read_people = options.login.read
    config.VoilaConfiguration.update(
        {
            "template": "workbench",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "resources": {"page_css": page_css(), "page_client": page_client()},
            "show_tracebacks": True,  # our template shows the error's own sentence only
            "file_allowlist": [],
            "extension_allowlist": EXTENSIONS,
            "http_header_envs": [HEADER, ROLE_HEADER],
            "preheat_kernel": options.heated > 0,
            "default_pool_size": options.heated,
            "multi_kernel_manager_class": f"{__name__}.DeskKernels",
        }
    )
    if sys.platform != "win32":
        config.KernelManager.transport = "ipc"  # sockets in a private folder: no other user can listen in
    config.KernelManager.shutdown_wait_time = 1.0  # nothing in a kernel needs longer; a heated one waits deaf
    config.VoilaKernelManager.fill_delay = options.refill_s
    config.VoilaExecutor.timeout = None  # a heated kernel's cell waits for its viewer, for days if need be
    config.AsyncMappingKernelManager.kernel_manager_class = "workbench.dashboard.forked_kernels.DeskKernelManager"
    config.MappingKernelManager.update(
        {"cull_idle_timeout": options.cull_s, "cull_interval": max(1, options.cull_s // 3), "cull_connected": False}
    )
    return config


def shows_own_widgets(notebook: Path) -> bool:
    """Whether it says that its cells show this package's own widgets and nothing else: then the page does without
    JupyterLab's scripts (`index.html.j2`). A file that is no notebook is Voila's to refuse."""
    try:
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return metadata.get("workbench", {}).get("widgets") == "own"


def _log_request(handler: tornado.web.RequestHandler) -> None:
    """What failed, without the query: an address may carry a token."""
    if handler.get_status() >= 500:
        request = handler.request
        access_log.error("%d %s %s from %s", handler.get_status(), request.method, request.path, request.remote_ip)


def prepare_environment() -> None:
    """Our template is found beside this file, and this installation's kernel before any of the user's own."""
    others = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(SHARE), *([others] if others else [])])
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    sys.argv = sys.argv[:1]
