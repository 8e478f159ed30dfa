"""A desk that fails in every way it can, with a canary for every secret: none is found in what it leaves behind.

The bot and the chat it talks to answer every call with an error that repeats what they were sent, tokens included.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import nbformat
import pytest

from tests.support.main_job import MainJob, alive, children_of, environment, until, workbench
from workbench.bootstrap.run_file import read_run, run_path
from workbench.dashboard.passwords import HASH_VARIABLE, hashed, passwords_file
from workbench.integrations.scrub import Scrubber

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
SECRETS = {
    "WORKBENCH_TELEGRAM_TOKEN": "4711:canary-telegram-token-of-the-chat",
    "WORKBENCH_PAGE_TOKEN": "canary-page-token",
    "GRID": "canary-grid-token",
    "WORKBENCH_FREQTRADE_PASSWORD": "canary-freqtrade-password",
    "LIVE_EXCHANGE_KEY": "canary-exchange-key",
    "LIVE_EXCHANGE_SECRET": "canary-exchange-secret",
}
DESKS = {"GRID", "WORKBENCH_FREQTRADE_PASSWORD"}
MAY_KNOW = {
    "telegram_child": DESKS | {"WORKBENCH_TELEGRAM_TOKEN"},
    "workbench.dashboard.page": DESKS | {"WORKBENCH_PAGE_TOKEN", HASH_VARIABLE},
    "exchange serve": set(),
    "workbench.bots.research": set(),
    "ipykernel": DESKS,
    "kernel_nursery": DESKS,
}
LINES = "\n".join(
    ("/bots", "/status grid", "/status freq", "/cross forecast BTCUSD 1h", "/pause grid", "/events 200", "/audit")
)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
LEAKY = """\
import os, json, pathlib
print(dict(os.environ))
print(pathlib.Path(os.environ["WORKBENCH_HOME"], "run", "desk.json").read_text())
raise RuntimeError(" ".join(map(repr, os.environ.values())))
"""


class _Echo(http.server.BaseHTTPRequestHandler):
    """Refuses everything, and repeats it."""

    def do_GET(self):
        said = f"{self.path} {dict(self.headers)}"
        told = {"ok": False, "error_code": 500, "description": said, "detail": said, "error": said, "message": said}
        body = json.dumps(told).encode()
        self.send_response(500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.asked.add(self.path)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.asked = set()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def desk(tmp_path_factory, echo):
    """A running desk that knows every canary."""
    folder = tmp_path_factory.mktemp("secrets")
    url = f"http://127.0.0.1:{echo.server_port}"
    (folder / "workbench.toml").write_text(
        f"""
        [research]
        kinds = ["trend"]
        [telegram]
        admins = [1]
        api_url = "{url}"
        [[bots]]
        bot_id = "grid"
        url = "{url}"
        token_env = "GRID"
        [[freqtrade]]
        bot_id = "freq"
        url = "{url}"
        [[jobs]]
        name = "leaky"
        notebook = "leaky.ipynb"
        cron = "0 0 1 1 *"
        """
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LEAKY)], metadata=KERNEL)
    nbformat.write(notebook, folder / "leaky.ipynb")
    more = {HASH_VARIABLE: hashed("canary page password"), "WORKBENCH_FREQTRADE_USERNAME": "ada"}
    job = MainJob(folder / "home", **SECRETS, **more)
    job.more = SECRETS | more
    try:
        job.ready(240)
        yield job
    finally:
        job.stop()


def canaries(job):
    """Every secret: the user's, and those made for this run."""
    run = json.loads(run_path(job.home).read_text())
    made = {name: value for name, value in run.items() if name.endswith("_token") and value}
    assert {"bot_token", "exchange_token", "gate_token"} <= set(made)
    return SECRETS | {HASH_VARIABLE: job.more[HASH_VARIABLE]} | made


def found_in(text, secrets):
    """Names of those that stand in `text`, however they are written."""
    return {name for name, value in secrets.items() if Scrubber([value]).clean(text) != text}


def processes(job):
    """(kind, arguments, environment as text) of every process of the desk."""
    for pid in children_of(job.process.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            held = Path(f"/proc/{pid}/environ").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield next((kind for kind in MAY_KNOW if kind in words), words), words, held


def test_no_process_shows_one_or_holds_one_that_it_does_not_need(desk):
    let_in = {"Authorization": f"token {SECRETS['WORKBENCH_PAGE_TOKEN']}"}
    page = httpx.get(read_run(desk.home).page_url, headers=let_in, timeout=120)
    secrets, of_users = canaries(desk), {name: desk.more[name] for name in (*SECRETS, HASH_VARIABLE)}
    seen = set()

    assert page.status_code == 200
    assert found_in(page.text, secrets) == set()
    for kind, words, held in processes(desk):
        seen.add(kind)
        assert found_in(words, secrets) == set(), kind
        assert found_in(held, of_users) <= MAY_KNOW.get(kind, set()), kind

    assert {"telegram_child", "workbench.dashboard.page", "exchange serve", "workbench.bots.research"} <= seen
    assert seen & {"ipykernel", "kernel_nursery"}


def test_nothing_it_says_or_leaves_behind_holds_one(desk, echo):
    secrets, run = canaries(desk), read_run(desk.home)
    argv = [sys.executable, "-m", "workbench", "shell"]
    where = {"env": environment(desk.home, **desk.more), "cwd": desk.home.parent}
    said = [subprocess.run(argv, input=LINES, capture_output=True, text=True, timeout=240, check=False, **where)]
    said.append(workbench(desk.home, "doctor", timeout=240, **desk.more))
    leaky = workbench(desk.home, "jobs", "run", "leaky", timeout=240, **desk.more)
    httpx.get(f"{run.page_url}nowhere?token={secrets['WORKBENCH_PAGE_TOKEN']}", timeout=60)
    killed = {name: desk.child(name) for name in ("workbench.bots.research", "workbench.dashboard.page")}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, killed.values())), "the kills")
    until(lambda: all(_came_back(desk, name, pid) for name, pid in killed.items()), "their return", 120)
    until(lambda: {path[:4] for path in echo.asked} >= {"/bot", "/api"}, "calls of the chat and of a bot", 120)
    screen = desk.said()
    desk.stop()

    assert found_in(" ".join(echo.asked), secrets) == {"WORKBENCH_TELEGRAM_TOKEN"}  # the watch sees one where it is
    assert "RuntimeError" in leaky.stderr
    assert "•••" in "".join(path.read_text() for path in desk.home.parent.rglob("executed.ipynb"))
    for run_of in [*said, leaky]:
        assert found_in(run_of.stdout + run_of.stderr, secrets) == set(), run_of.args
    assert found_in(screen, secrets) == set()
    looked = [path for path in desk.home.parent.rglob("*") if path.is_file() and path != passwords_file(desk.home)]
    leaks = {
        str(path.relative_to(desk.home.parent)): found_in(path.read_bytes().decode("latin-1"), secrets)
        for path in looked
    }
    assert {path: names for path, names in leaks.items() if names} == {}
    assert any("ledger.sqlite" in path for path in leaks)
    assert any(path.endswith(".log") for path in leaks)
    assert any(path.endswith("report.html") for path in leaks)


def _came_back(job, name, before):
    try:
        return job.child(name) != before
    except AssertionError:
        return False


@pytest.mark.parametrize("words", [["ask", "/bots"], ["doctor"], ["up", "--no-browser"]])
def test_a_ledger_that_cannot_be_reached_is_told_without_its_password(tmp_path, words):
    address = "postgresql://ada:canary-of-the-ledger@127.0.0.1:1/desk"

    ended = workbench(tmp_path / "home", *words, timeout=240, WORKBENCH_LEDGER=address)

    said = ended.stdout + ended.stderr
    assert "canary-of-the-ledger" not in said
    assert "127.0.0.1" in said
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"canary-of-the-ledger" in data for data in left)
