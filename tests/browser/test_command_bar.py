"""The command bar of a notebook in Chromium: completion, an answer below, history that outlives a reload."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.support.page_server import ROOT, PageServer

pytestmark = pytest.mark.browser
BAR = ".wb.desk.bar .ask-line"


@pytest.fixture(scope="module")
def served():
    notebook = ROOT / "tests" / "support" / "bar_page.ipynb"
    with PageServer("--port", "0", "--heated", "1", "--viewers", "2", notebook=notebook) as page:
        yield page


def test_a_line_is_completed_asked_and_remembered(browser, served):
    visits = Visits(browser, served)
    served.wait_until_warm(90)
    page = visits("", ready=BAR)
    line = page.locator(BAR)
    page.locator(".ask-chips button", has_text="/bots").wait_for()

    line.press_sequentially("/cross f")
    page.locator(".offers li", has_text="forecast").wait_for()
    line.press("Tab")
    expect(line).to_have_value("/cross forecast ")
    line.press_sequentially("BTCUSD 30m")
    line.press("Enter")
    page.locator(".reply h3", has_text="Forecasts of BTC/USD").wait_for()
    page.locator(".ask-chips button", has_text="/bots").click()
    page.locator(".reply h3", has_text="3 bots, 3 healthy").wait_for()
    line.fill("")
    line.press("Escape")
    line.press("ArrowUp")
    line.press("ArrowUp")

    expect(line).to_have_value("/cross forecast BTCUSD 30m")
    expect(page.locator(".reply")).to_have_count(2)
    visits.leave()
