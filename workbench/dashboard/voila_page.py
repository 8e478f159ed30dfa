"""Voila as this product serves it: our template, this machine only, kernels capped, culled and heated in advance."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import tornado.web
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from traitlets.config import Config
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler

from workbench.dashboard.page_settings import PageOptions
from workbench.domain.errors import StartError
from workbench.widgets.tokens import css_variables

SHARE = Path(__file__).parent / "share"
HOST = "127.0.0.1"
SEAT_WAIT_S = 4.0
ALONE = "frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'"
# blob: is how anywidget imports a widget's module; Voila compiles its JSON schemas, hence unsafe-eval
SCRIPTS = "'self' 'unsafe-inline' 'unsafe-eval' blob:"
CSP = (
    f"default-src 'self'; script-src {SCRIPTS}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    f"font-src 'self' data:; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; {ALONE}"
)
EXTENSIONS = ["anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
FULL = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Workbench: page is full</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light">
<style>{css}</style></head><body class="wb-page"><div class="full" role="alert">
<p><strong>The page is full.</strong></p>
<p>{viewers} viewers are connected, which is as many as this machine was told to serve. Close a tab that nobody reads
and reload; or serve a second page: <code>python -m workbench.dashboard.page --port 0 --viewers {more}</code>.</p>
</div></body></html>"""


def page_css() -> str:
    """Tokens and the frame of the page; `html` carries the theme, so it is right before the first paint."""
    return css_variables("html") + "\n" + (SHARE / "page.css").read_text(encoding="utf-8")


class DeskKernels(AsyncMappingKernelManager):
    """Kernels work in the folder where the page was started, which is where workbench.toml and the desk are."""

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:
        return os.getcwd()

    def viewers(self) -> int:
        """Kernels that serve somebody: all but those heated in advance."""
        waiting = sum(len(pool) for pool in getattr(self, "_pools", {}).values())
        return max(0, len(self.list_kernel_ids()) - waiting)


class Seats(TornadoVoilaHandler):
    """The page itself, with a cap in front: each viewer is a kernel, and a kernel is memory (voila#617)."""

    most: ClassVar[int] = 10
    entering: ClassVar[int] = 0

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
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
        while self.kernel_manager.viewers() + Seats.entering >= Seats.most:
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
        self.write(FULL.format(css=page_css(), viewers=Seats.most, more=Seats.most * 2))


class LeavingHandler(VoilaShutdownKernelHandler):
    """A page's last beacon carries no XSRF token (voila#1458). A kernel id is a secret of its own page; and the
    origin is still checked."""

    def check_xsrf_cookie(self) -> None:
        if not self.check_origin():
            raise tornado.web.HTTPError(403, "a kernel is ended by its own page only")


class DeskPage(Voila):
    """One notebook, served on this machine. `ready` is called with the address once it answers."""

    def __init__(self, options: PageOptions, ready: Any, **kwargs: Any):
        super().__init__(config=voila_config(options), config_file_paths=[], **kwargs)
        self._options, self._ready = options, ready
        self._sockets = _bind(options.port)
        self.port = self._sockets[0].getsockname()[1]  # heated kernels are told it before the server listens
        Seats.most = options.viewers

    def init_handlers(self) -> list:
        ours = {TornadoVoilaHandler: Seats, VoilaShutdownKernelHandler: LeavingHandler}
        return [(route, ours.get(handler, handler), *more) for route, handler, *more in super().init_handlers()]

    def listen(self) -> None:
        HTTPServer(self.app).add_sockets(self._sockets)
        self.ioloop = tornado.ioloop.IOLoop.current()
        self.ioloop.add_callback(self._ready, f"http://{HOST}:{self.port}/")
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()


def _bind(port: int) -> list:
    try:
        return bind_sockets(port, HOST)
    except OSError as error:
        raise StartError(f"page: port {port} is taken; choose another with --port, or 0 for any ({error})") from None


def voila_config(options: PageOptions) -> Config:
    """Everything Voila is told. No file of the user's own Jupyter changes it."""
    config = Config()
    config.Voila.update(
        {
            "ip": HOST,
            "open_browser": False,
            "notebook_path": str(options.notebook),
            "log_level": options.log_level,
            "token": options.token,
            "tornado_settings": {
                "headers": {"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff"},
                "allow_remote_access": False,  # a foreign name that resolves to this machine is refused
                "local_hostnames": ["localhost"],
            },
        }
    )
    config.VoilaConfiguration.update(
        {
            "template": "workbench",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "resources": {"page_css": page_css()},
            "show_tracebacks": True,  # our template shows the error's own sentence only
            "file_allowlist": [],
            "extension_allowlist": EXTENSIONS,
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
    config.MappingKernelManager.update(
        {"cull_idle_timeout": options.cull_s, "cull_interval": max(1, options.cull_s // 3), "cull_connected": False}
    )
    return config


def prepare_environment() -> None:
    """Our template is found beside this file, and this installation's kernel before any of the user's own."""
    others = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(SHARE), *([others] if others else [])])
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    sys.argv = sys.argv[:1]
