"""The page's real server as a child process, for tests and benchmarks."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PLAYED = ROOT / "tests" / "support" / "desk_page.ipynb"


class PageServer:
    """`with PageServer(…) as page:` page.url answers. `args` go to the command line."""

    def __init__(self, *args: str, notebook: Path = PLAYED, env: dict[str, str] | None = None):
        self._argv = [sys.executable, "-m", "workbench.dashboard.page", "--notebook", str(notebook), *args]
        self._env = {**os.environ, **(env or {})}
        self.url = ""

    def __enter__(self) -> "PageServer":
        self.process = subprocess.Popen(
            self._argv, cwd=ROOT, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.url = json.loads(line)["url"]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise

    def kernels(self) -> list[psutil.Process]:
        """The kernels that live now."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "ipykernel_launcher" in " ".join(_argv(child))]

    def get(self, path: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        request = urllib.request.Request(self.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return _answer(request)

    def post(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        return _answer(urllib.request.Request(self.url + path, data=b"", headers=fields, method="POST"))


def _answer(request: urllib.request.Request) -> tuple[int, dict[str, str], str]:
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
