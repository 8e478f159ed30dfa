"""The page's real server as a child process, with its kernels counted and weighed."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import psutil

from workbench.dashboard.forked_kernels import NURSERY
from workbench.dashboard.page_login import TOKEN_VARIABLE
from workbench.dashboard.page_settings import NOTEBOOK
from workbench.domain.errors import StartError

Answer = tuple[int, dict[str, str], str]
"""Status, headers, text."""


class PageServer:
    """`with PageServer(…) as page:` page.url answers; page.address(query) logs in.

    `args` go to the command line, `env` is added to ours.
    """

    said: dict[str, str]  # its first words

    def __init__(self, *args: str, notebook: Path = NOTEBOOK, cwd: Path | None = None, env: dict | None = None):
        self._argv = [sys.executable, "-m", "workbench.dashboard.page", "--notebook", str(notebook), *args]
        self._cwd, self._env = cwd, {**os.environ, TOKEN_VARIABLE: secrets.token_urlsafe(24), **(env or {})}
        self.token, self.said = self._env[TOKEN_VARIABLE], {}

    def __enter__(self) -> "PageServer":
        self.process = subprocess.Popen(
            self._argv, cwd=self._cwd, env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout
        assert self.process.stderr
        line = self.process.stdout.readline()
        if not line:
            raise StartError(self.process.stderr.read().strip())
        self.said = json.loads(line)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise

    @property
    def url(self) -> str:
        return self.said["url"]

    def address(self, query: str = "") -> str:
        """For a browser: logs in by itself, then shows the page with `query`."""
        return f"{self.url}?{urlencode({'token': self.token})}&{query}"

    def kernels(self) -> list[psutil.Process]:
        """The kernels that live now, those heated in advance included."""
        own = psutil.Process(self.process.pid).children(recursive=True)
        nurses = {child.pid for child in own if NURSERY in _argv(child) and child.ppid() == self.process.pid}
        return [child for child in own if child.ppid() in nurses or "ipykernel_launcher" in _argv(child)]

    def kernel(self, kernel_id: str) -> psutil.Process:
        """The one of that id, known by the sockets it listens on. Raises StopIteration where there is none."""
        return next(
            kernel for kernel in self.kernels() if any(kernel_id in c.laddr for c in kernel.net_connections("unix"))
        )

    def wait_until_warm(self, timeout_s: float = 30.0) -> None:
        """Until every kernel rests: its imports are done, it waits for a viewer. Raises TimeoutError."""
        end, before = time.monotonic() + timeout_s, -1.0
        while time.monotonic() < end:
            time.sleep(0.7)
            spent = sum(sum(kernel.cpu_times()[:2]) for kernel in self.kernels())
            if spent > 0.1 and spent - before < 0.02:
                return
            before = spent
        raise TimeoutError(f"no kernel was warm after {timeout_s:.0f} s")

    def memory_mb(self) -> float:
        """Proportional set size of the server, its kernels and the process that they are forked from."""
        server = psutil.Process(self.process.pid)
        return sum(one.memory_full_info().pss for one in (server, *server.children(recursive=True))) / 1e6

    def get(self, path: str = "", **headers: str) -> Answer:
        return self._ask("GET", path, headers)

    def post(self, path: str, **headers: str) -> Answer:
        return self._ask("POST", path, headers)

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """With the token, unless `headers` say otherwise; Authorization='' asks as a stranger."""
        named = {"Authorization": f"token {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        data = b"" if method == "POST" else None
        return _ask(urllib.request.Request(self.url + path, data=data, headers=named, method=method))


def _ask(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
