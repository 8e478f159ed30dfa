"""The pattern lab in a real JupyterLab, started as `workbench up --lab` starts it: by mouse and by keys."""

import os
import secrets
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Visits
from tests.browser.test_pattern_lab import NOTEBOOK, READY, brush, labels, name
from workbench.bootstrap.parts import lab_spec, settled_port
from workbench.ledger.log import open_ledger
from workbench.settings import Settings

pytestmark = pytest.mark.browser
CELLS = ".jp-Notebook .jp-Cell"


class Lab:
    """JupyterLab over a folder with one notebook, and nobody else's settings."""

    def __init__(self, home, notebook):
        folder = home / "notebooks"
        folder.mkdir()
        (folder / "lab.ipynb").write_text(notebook)
        port, token = settled_port(0), secrets.token_urlsafe(8)
        spec = lab_spec(Settings(home=home), port, token, folder)
        own = {"WORKBENCH_LEDGER": str(home / "ledger.sqlite"), "IPYTHONDIR": str(home)}
        own |= {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        self._at, self._token = f"http://127.0.0.1:{port}", token
        with (home / "lab.log").open("w") as log:
            command = [sys.executable, "-m", spec.module, *spec.args]
            self._process = subprocess.Popen(command, env={**os.environ, **spec.env, **own}, stdout=log, stderr=log)

    def address(self, query):
        return f"{self._at}/lab/tree/lab.ipynb?token={self._token}&reset{query}"

    def wait(self):
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{self._at}/login", timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None, "JupyterLab ended; see lab.log"
                time.sleep(0.5)
        raise AssertionError("JupyterLab does not answer")

    def stop(self):
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture
def home(tmp_path):
    return tmp_path


@pytest.fixture
def page(browser, home):
    """The notebook with all cells run. Daily bars are few: learned and counted in seconds."""
    lab = Lab(home, NOTEBOOK.read_text().replace('timeframe: str = \\"1h\\"', 'timeframe: str = \\"1d\\"'))
    visits = Visits(browser, lab)
    try:
        lab.wait()
        opened = visits("", f"{CELLS} >> nth=4", viewport={"width": 1600, "height": 1200})
        opened.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=PATIENCE_MS)
        opened.get_by_role("menuitem", name="Run", exact=True).click()
        opened.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        opened.wait_for_selector(READY, timeout=PATIENCE_MS)
        yield opened
        visits.leave()
    finally:
        lab.stop()


@pytest.mark.timeout(700)
def test_brush_by_mouse_and_by_keys_name_train_and_see_what_is_recognised(page, home):
    page.locator(".pane").scroll_into_view_if_needed()
    cells = page.locator(CELLS).count()

    brush(page)
    page.locator(".similar .card").first.wait_for(timeout=PATIENCE_MS)
    name(page, "flag")
    labels(page, 1)
    expect(page.locator(".band.label .tag")).to_have_text("flag", use_inner_text=True)

    page.locator(".pane").focus()
    for key in ("End", "a", "PageUp", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".band.brush .span-words")).to_have_text("21 bars", use_inner_text=True)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of the pattern")).to_be_focused()
    page.keyboard.type("flag")
    page.keyboard.press("Enter")
    labels(page, 2)
    page.keyboard.press("n")
    expect(page.locator(".band.label.chosen")).to_have_count(1)
    page.keyboard.press("Delete")
    labels(page, 1)
    page.keyboard.press("u")
    labels(page, 2)
    assert page.locator(CELLS).count() == cells  # the notebook's own keys (a: a cell above) heard none of it

    page.locator(".similar .card .main").first.click()
    labels(page, 3)
    page.locator("button.train").click()
    page.wait_for_function("Number(document.querySelector('.wb.lab').dataset.findings) > 0", timeout=PATIENCE_MS * 2)
    page.locator(".found-list li").first.click()
    assert 1 <= page.locator(".beside .examples canvas").count() <= 3

    ledger = open_ledger(home / "ledger.sqlite")
    assert [one.pattern for one in ledger.annotations.all("you")] == ["flag"] * 3
    ledger.close()
