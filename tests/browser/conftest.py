"""A real browser on a real page. Nothing may leave this machine, and no script may fail, in any of these tests."""

import http.server
import threading
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.support.needs import chromium
from tests.support.page_server import ROOT, PageServer

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE_MS = 120_000  # a busy machine takes its time; nothing here is a test of speed
STATIC = ROOT / "workbench" / "widgets" / "static"


@pytest.fixture(scope="package")  # its event loop must not outlive this folder: other tests run their own
def browser():
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here: install the distribution's package, or run `make test`, which does")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def served():
    """The played desk's page, one kernel heated."""
    with PageServer("--port", "0", "--heated", "1", "--viewers", "6") as page:
        yield page


class Watched:
    """A page, and everything that went wrong on it."""

    def __init__(self, context):
        self.outside: list[str] = []
        self.errors: list[str] = []
        context.on("request", self._request)  # watched, not intercepted: interception swallows a leaving page's beacon
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)

    def _request(self, request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.hostname not in ("127.0.0.1", "localhost"):
            self.outside.append(request.url)

    def _console(self, message):
        if message.type == "error":
            self.errors.append(message.text)


class Visits:
    """visit(query, **how the browser is) → a page with live figures; on leaving, nothing may have gone wrong."""

    def __init__(self, browser, served):
        self._browser, self._served, self._opened = browser, served, []

    def __call__(self, query="", ready=".wb.desk[data-phase=live]", **how):
        settings = {"viewport": {"width": 1440, "height": 1000}, "timezone_id": "Europe/Berlin", "color_scheme": "dark"}
        context = self._browser.new_context(**settings | how)
        context.set_default_timeout(PATIENCE_MS)
        watched = Watched(context)
        self._opened.append((context, watched))
        watched.page.goto(self._served.address(query))
        watched.page.wait_for_selector(ready, timeout=PATIENCE_MS)
        return watched.page

    def leave(self):
        for context, watched in self._opened:
            watched.page.goto("about:blank")  # leaves as a person does: the last beacon frees the seat
            context.close()
            assert watched.outside == []
            assert watched.errors == []


@pytest.fixture
def visit(browser, served):
    visits = Visits(browser, served)
    yield visits
    visits.leave()


@pytest.fixture(scope="module")
def live(browser, served):
    """One page that several tests look at; each leaves it as it found it."""
    visits = Visits(browser, served)
    yield visits()
    visits.leave()


@pytest.fixture
def modules(browser):
    """An empty page that can import the desk's source modules."""
    with _importing(browser, STATIC / "desk") as page:
        yield page


@pytest.fixture
def page_modules(browser):
    """An empty page that can import the modules of the page around the widgets."""
    with _importing(browser, STATIC / "page") as page:
        yield page


@contextmanager
def _importing(browser, folder):
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page(timezone_id="Europe/Berlin")
        page.goto(f"http://127.0.0.1:{server.server_port}/{next(folder.glob('*.js')).name}")
        yield page
        page.close()
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
