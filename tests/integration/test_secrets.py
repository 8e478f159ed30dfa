"""A desk that fails in every way it can, with a canary for every secret: none is found in what it leaves behind.

The bot and the chat it talks to answer every call with an error that repeats what they were sent, tokens included.
"""

import html
import http.server
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import nbformat
import psycopg
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect
from psycopg import sql

from tests.support import needs
from tests.support.main_job import MainJob, alive, children_of, environment, until, workbench
from tests.support.postgres import postgres_server  # noqa: F401  a fixture
from workbench.bench.browser import chromium
from workbench.bootstrap.run_file import read_run, run_path
from workbench.dashboard.passwords import HASH_VARIABLE, hashed, passwords_file
from workbench.integrations.scrub import Scrubber
from workbench.widgets.export_hand import parquet

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
    yield from running(tmp_path_factory.mktemp("secrets"), echo)


def running(folder, echo, **settings):
    """Such a desk in `folder`, until it is done with; `settings` are variables of its own."""
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
    more = {HASH_VARIABLE: hashed("canary page password"), "WORKBENCH_FREQTRADE_USERNAME": "ada", **settings}
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


def test_no_file_that_is_taken_along_holds_one(desk, echo, tmp_path):
    """Every table of every tab, and of every answer to a line, as CSV and as Parquet; Parquet is read, not only looked
    through: its bytes are compressed."""
    if needs.chromium() is None:
        pytest.skip("no Chromium here")
    secrets = canaries(desk)
    address = f"{read_run(desk.home).page_url}?token={SECRETS['WORKBENCH_PAGE_TOKEN']}"

    with ThreadPoolExecutor(1) as elsewhere:  # the browser's driver has a loop of its own
        files = elsewhere.submit(taken_along, address, tmp_path).result()

    assert {path.suffix for path in files} == {".csv", ".parquet"}
    assert len(files) >= 20
    assert {path.name: found_in(text_of(path), secrets) for path in files if found_in(text_of(path), secrets)} == {}


def test_a_canary_in_a_file_is_found_in_each_format(tmp_path):
    """The search is no blind one."""
    canary = SECRETS["LIVE_EXCHANGE_KEY"]
    told = [["a"], [f"{canary[:15]} x"], [canary], ["z"]]  # compressed it is its beginning in the row above, and an end
    table = parquet([{"name": "why", "kind": "text"}], told)
    page = f"<p>{canary.replace('-', '&#45;')}</p>"
    picture = f'<img src="data:image/svg+xml;base64,{b64encode(canary.encode()).decode()}">'
    for name, data in (("a.parquet", table), ("a.html", page.encode()), ("b.html", picture.encode())):
        (tmp_path / name).write_bytes(data)

        assert canary not in data.decode("latin-1")
        assert found_in(text_of(tmp_path / name), SECRETS) == {"LIVE_EXCHANGE_KEY"}


def test_a_ledger_on_postgresql_holds_none(tmp_path_factory, echo, postgres_server):  # noqa: F811
    """Every column of every table, read as text."""
    url = postgres_server.new_ledger()
    desk = next(begun := running(tmp_path_factory.mktemp("secrets-pg"), echo, WORKBENCH_LEDGER=url))
    try:
        secrets = canaries(desk)
        where = {"env": environment(desk.home, **desk.more), "cwd": desk.home.parent}
        argv = [sys.executable, "-m", "workbench", "shell"]
        subprocess.run(argv, input=LINES, capture_output=True, text=True, timeout=240, check=False, **where)
        workbench(desk.home, "jobs", "run", "leaky", timeout=240, **desk.more)
        until(lambda: {path[:4] for path in echo.asked} >= {"/bot", "/api"}, "calls of the chat and of a bot", 120)
    finally:
        begun.close()

    with psycopg.connect(url, autocommit=True) as connection:
        held = dict(dumped(connection))
        connection.execute("CREATE TABLE planted (kept bytea, said jsonb)")
        planted = json.dumps({"said": secrets["bot_token"]})
        connection.execute("INSERT INTO planted VALUES (%s, %s)", [secrets["GRID"].encode(), planted])
        found = {name: found_in(text, secrets) for name, text in dumped(connection)}

    assert not [path for path in desk.home.rglob("ledger.sqlite*")]
    assert any("command" in name for name in held)
    assert sum(map(len, held.values())) > 10_000
    assert {name: found_in(text, secrets) for name, text in held.items() if found_in(text, secrets)} == {}
    assert (found["planted.kept"], found["planted.said"]) == ({"GRID"}, {"bot_token"})


def dumped(connection):
    """("table.column", everything in it as text) of the connection's schema."""
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = current_schema()"
    ).fetchall()
    for table, column, kind in columns:
        name, of = sql.Identifier(column), sql.Identifier(table)
        read = sql.SQL("SELECT {} FROM {}" if kind == "bytea" else "SELECT {}::text FROM {}").format(name, of)
        cells = [cell for (cell,) in connection.execute(read) if cell is not None]
        texts = [bytes(cell).decode("latin-1") if kind == "bytea" else cell for cell in cells]
        yield f"{table}.{column}", "\n".join(texts)


def taken_along(address, folder):
    """The files of every table on the page, by its own buttons."""
    with chromium(needs.chromium()) as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector(".wb.desk[data-phase=live] .bots tbody tr")
        files = []
        for tab in ("Overview", "Risk", "Runs and audit", "Ask"):
            page.get_by_role("tab", name=tab, exact=True).click()
            sheet = page.locator(".sheet:not([hidden])")
            if tab == "Risk":
                sheet.locator(".risk-figures").wait_for(state="visible")
            if tab == "Ask":
                sheet.locator(".reply").first.wait_for(state="visible")  # what a fresh tab asks by itself
            for line in LINES.splitlines() if tab == "Ask" else ():
                before = sheet.locator(".reply").count()
                sheet.locator(".ask-line").fill(line)
                page.keyboard.press("Enter")
                expect(sheet.locator(".reply")).to_have_count(before + 1, timeout=120_000)
            if tab == "Runs and audit":
                sheet.locator(".reply").first.wait_for(state="visible")
            buttons = sheet.get_by_role("button", name=re.compile("^(CSV|Parquet)$"))
            for at in range(buttons.count()):
                if buttons.nth(at).is_visible() and buttons.nth(at).is_enabled():
                    with page.expect_download() as saved:
                        buttons.nth(at).click()
                    kept = folder / f"{len(files)}-{saved.value.suggested_filename}"
                    saved.value.save_as(kept)
                    files.append(kept)
                    page.wait_for_timeout(300)  # of more than ten downloads in a moment Chromium drops the rest
        page.goto("about:blank")
        return files


def text_of(path):
    """What a reader of that file sees, and what it holds beside that."""
    data = path.read_bytes()
    raw = data.decode("latin-1")
    if path.suffix == ".parquet":
        table = pq.read_table(io.BytesIO(data))
        return "\n".join([raw, str(table.schema), *(str(value) for row in table.to_pylist() for value in row.items())])
    if path.suffix == ".html":
        inside = [b64decode(text).decode("latin-1") for text in re.findall(r";base64,([A-Za-z0-9+/=]+)", raw)]
        return "\n".join([raw, html.unescape(raw), *inside])
    return raw


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
    leaks = {str(path.relative_to(desk.home.parent)): found_in(text_of(path), secrets) for path in looked}
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
