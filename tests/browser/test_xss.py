"""Sixty hostile texts in every text of every page, report and message: none acts, none asks anybody outside.

The control page puts the same texts in as markup: there every one of them acts, so the watch sees what it looks for.
"""

import http.server
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_desk_page import until
from tests.support.page_server import ROOT, PageServer
from tests.support.xss import PAYLOADS, PROVOKE, WATCH, control_page
from tests.support.xss_page import LINES, hostile_reply
from workbench.domain.jobs import JobRun, Origin, RunState
from workbench.domain.telling import Message
from workbench.integrations.report_folder import write_index
from workbench.integrations.report_page import POLICY, report_page
from workbench.integrations.telegram_replies import pages, told
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import PriceMark
from workbench.visual.show_piece import show_piece
from workbench.widgets.magic import shown

pytestmark = pytest.mark.browser
NOTEBOOK = ROOT / "tests" / "support" / "xss_page.ipynb"
NOW = datetime(2026, 11, 29, 7, tzinfo=UTC)
MARKUP = (
    "img[src='x:'], iframe, object, embed, video, audio, .wb script, meta[http-equiv=refresh], link[href*='192.0.2']"
)
OURS = {
    *("b", "i", "u", "code", "pre", "hr", "div", "span", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "caption"),
}
SHOWN = (
    ".wb.candles[data-drawings]:not([data-drawings='0']), .wb.lab:not([data-labels='0']) canvas, "
    ".widget-label, .ask-status[data-tone=warning]"
)
CLICK_ROWS = "document.querySelectorAll('.sheet:not([hidden]) tbody tr').forEach(row => row.click())"
ANSWERED = """line => [...document.querySelectorAll('.sheet:not([hidden]) .reply')]
  .some(reply => reply.textContent.includes(line))"""


class Trap:
    """A browser context in which `fire` reports, and what was asked of the address outside."""

    def __init__(self, context):
        self.fired, self.asked = set(), set()
        context.add_init_script(WATCH)
        context.on("console", self._hear)
        context.on("request", self._see)

    def _hear(self, message):
        if message.text.startswith("FIRED"):
            self.fired.add(int(message.text.split()[1]))

    def _see(self, request):
        if "192.0.2.1" in request.url:
            self.asked.add(int(request.url.rpartition("/")[2]))

    def provoke(self, page):
        """Do to every element what its attributes wait for; how many had such an attribute."""
        touched = page.evaluate(PROVOKE)
        page.evaluate("new Promise(done => setTimeout(done, 300))")
        return touched


@pytest.fixture
def trapped(browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield Trap(context), context.new_page()
    context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """(path, address) of a folder that is served, so that '//…' means http."""
    path = tmp_path_factory.mktemp("xss")
    handler = partial(_Quiet, directory=str(path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def look(trapped, folder, html):
    """Open `html` and provoke it. Returns (what acted, what was asked outside, what could be provoked)."""
    trap, page = trapped
    path, address = folder
    (path / "page.html").write_text(html, encoding="utf-8")
    page.goto(f"{address}/page.html", wait_until="load")
    touched = trap.provoke(page)
    return trap.fired, trap.asked, touched


def test_the_control_page_fires_with_every_one_of_them(trapped, folder):
    trap, page = trapped
    path, address = folder
    (path / "control.html").write_text(control_page(), encoding="utf-8")

    page.goto(f"{address}/control.html", wait_until="commit")
    page.wait_for_function(f"document.querySelectorAll('iframe').length === {len(PAYLOADS)}")

    until(lambda: trap.provoke(page) and len(trap.fired | trap.asked) == len(PAYLOADS))
    assert len(PAYLOADS) == 60
    assert len(trap.asked) == 5


def test_no_tab_of_the_page_lets_any_of_them_act(browser):
    with PageServer("--port", "0", "--heated", "0", notebook=NOTEBOOK) as served:
        context = browser.new_context(viewport={"width": 1440, "height": 1000})
        context.set_default_timeout(PATIENCE_MS)
        trap, watched = Trap(context), Watched(context)
        page = watched.page
        page.goto(served.address())
        page.wait_for_selector(".wb.desk[data-phase=live] .bots tbody tr", timeout=PATIENCE_MS)

        for tab in range(page.locator("[role=tab]").count()):
            page.locator("[role=tab]").nth(tab).click()
            _use(page, trap)
        page.locator("button.halt").click()
        _still(page, trap)

        page.goto("about:blank")
        context.close()
    assert watched.outside == []
    assert watched.errors == []


def _use(page, trap):
    """Wait for the tab's words, open what opens, ask what can be asked, until all texts have gone round."""
    tab = page.locator("[role=tab][aria-selected=true]").inner_text()
    sheet = page.locator(".sheet:not([hidden])").first
    if sheet.locator(".ask-line").count():
        sheet.locator(".reply .reply-question").first.wait_for(state="visible", timeout=PATIENCE_MS)
        for line in LINES if tab == "Ask" else LINES[::12]:
            sheet.locator(".ask-line").fill(line)
            page.keyboard.press("Enter")
            until(lambda line=line: page.evaluate(ANSWERED, line))
    elif sheet.locator(".tab-widget").count():
        sheet.locator(SHOWN).first.wait_for(state="visible")
    else:
        seq = lambda: int(page.locator(".wb.desk").get_attribute("data-seq"))  # noqa: E731
        before = seq()
        page.evaluate(CLICK_ROWS)
        until(lambda: seq() > before + 16)
    _still(page, trap)


def _still(page, trap):
    assert trap.provoke(page) == 0
    assert page.locator(MARKUP).count() == 0
    assert trap.fired == set()
    assert trap.asked == set()


def outputs():
    """A cell's outputs, hostile in every form that a notebook knows."""
    for text in PAYLOADS:
        yield {"output_type": "stream", "name": "stdout", "text": text}
        yield {"output_type": "error", "ename": text, "evalue": text, "traceback": [text, f"\x1b[31m{text}"]}
        yield {"output_type": "error", "ename": text, "evalue": text, "traceback": []}
        for mime in ("text/html", "text/markdown", "text/plain", "text/latex", "application/javascript"):
            yield {"output_type": "display_data", "data": {mime: text, "text/plain": text}, "metadata": {}}
        drawn = f"<svg xmlns='http://www.w3.org/2000/svg'>{text}</svg>"
        yield {"output_type": "display_data", "data": {"image/svg+xml": drawn, "text/plain": text}, "metadata": {}}
        yield {"output_type": "display_data", "data": {"image/png": text, "text/plain": text}, "metadata": {}}
        table = f"<table><tr><td title='{text}'>{text}</td></tr></table>"
        yield {"output_type": "execute_result", "data": {"text/html": table}, "metadata": {}}


def test_a_jobs_report_and_the_index_of_runs_are_inert_without_their_policy_too(trapped, folder, tmp_path):
    cells = [{"cell_type": "markdown", "source": text} for text in PAYLOADS]
    cells += [{"cell_type": "code", "source": text, "outputs": []} for text in PAYLOADS]
    cells.append({"cell_type": "code", "source": "1", "outputs": list(outputs())})
    figures = [(text, text) for text in PAYLOADS]
    report = report_page({"cells": cells}, PAYLOADS[0], "\n".join(PAYLOADS), figures, "\n".join(PAYLOADS))
    runs = [
        JobRun(text, NOW, Origin.SCHEDULE, state, NOW, NOW, report=text, words=text, figures=((text, text),), by=text)
        for text, state in zip(PAYLOADS, list(RunState) * 60, strict=False)
    ]
    write_index(tmp_path, runs)

    for html in (report, (tmp_path / "index.html").read_text()):
        bare = html.replace('http-equiv="Content-Security-Policy"', "name=gone")
        assert POLICY.split(";")[0] in html.replace("&#x27;", "'")
        assert look(trapped, folder, bare) == (set(), set(), 0)


def test_a_chart_as_a_page_of_its_own_keeps_words_words(trapped, folder):
    piece = show_piece(120)
    panel = piece.panels[0]
    drawings = [replace(panel.drawings[0], text=text) for text in LINES]
    marks = tuple(PriceMark("stop", float(panel.candles["close"].iloc[-1]), by=text) for text in LINES)
    panels = (replace(panel, drawings=tuple(drawings), marks=marks), *piece.panels[1:])

    html = AdvancedRenderer(replace(piece, panels=panels, title=" ".join(PAYLOADS))).html()
    acted = look(trapped, folder, html)
    trapped[1].wait_for_selector("#chart canvas")

    assert acted == (set(), set(), 0)


def test_a_chats_messages_and_a_notebooks_answers_hold_no_markup_but_ours(trapped, folder):
    reply = hostile_reply()
    words = [page.html for page in pages(reply, PAYLOADS[0])]
    words += [page.html for text in PAYLOADS for page in told(Message(text, "\n".join(PAYLOADS)))]
    answers = [bundle.get("text/html", "") for bundle in shown(reply)]

    acted = look(trapped, folder, "<!DOCTYPE html><body>" + "<hr>".join(words + answers))
    tags = trapped[1].evaluate("[...new Set([...document.body.querySelectorAll('*')].map(node => node.localName))]")

    assert acted == (set(), set(), 0)
    assert set(tags) <= OURS
