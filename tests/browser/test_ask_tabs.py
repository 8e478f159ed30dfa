"""The tabs that ask, as a trader meets them: a line typed, completed, answered, and hostile names that stay text."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.test_desk_page import until
from tests.support.desk_page_floor import PageFloor
from tests.support.page_server import PageServer
from workbench.dashboard.page_settings import NOTEBOOK

pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    with PageFloor(tmp_path_factory.mktemp("asking") / "home") as floor:
        yield floor


@pytest.fixture(scope="module")
def page(browser, floor):
    with PageServer("--port", "0", "--heated", "0", notebook=NOTEBOOK, env=floor.env) as served:
        visits = Visits(browser, served)
        yield visits()
        visits.leave()


def sheet(page, tab):
    page.locator("[role=tab]", has_text=tab).click()
    return page.locator(".sheet:not([hidden]) .ask")


def asked(page, area, line):
    """The newest answer, once `line` has one."""
    before = area.locator(".reply").count()
    area.locator(".ask-line").fill(line)
    page.keyboard.press("Enter")
    until(lambda: area.locator(".reply").count() > before, PATIENCE_MS / 1000)
    return area.locator(".reply").first


def test_a_tab_begins_by_asking_and_offers_the_next_lines(page):
    area = sheet(page, "Ask")

    area.locator(".reply").first.wait_for(state="visible", timeout=PATIENCE_MS)
    expect(area.locator(".reply h3").first).to_have_text("Commands", use_inner_text=True)
    assert "/bots" in [chip.inner_text() for chip in area.locator(".ask-chips button").all()]


def test_a_typed_line_is_answered_with_a_table_that_can_be_sorted_and_taken_along(page):
    area = sheet(page, "Ask")

    reply = asked(page, area, "/bots")

    names = [cell.inner_text() for cell in reply.locator("tbody tr td:first-child").all()]
    assert sorted(names) == ["mean_reversion", "trend"]
    reply.locator("th button").first.click()
    assert [cell.inner_text() for cell in reply.locator("tbody tr td:first-child").all()] == sorted(names)
    with page.expect_download() as saved:
        reply.locator("button", has_text="CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")


def test_completion_goes_by_keyboard_and_history_comes_back(page):
    area = sheet(page, "Ask")
    line = area.locator(".ask-line")
    line.fill("")
    line.type("/pause tre")
    area.locator(".offers li", has_text="trend").wait_for(state="visible", timeout=PATIENCE_MS)
    page.keyboard.press("Tab")
    expect(line).to_have_value("/pause trend ")

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    asked(page, area, "/events 5")
    line.fill("")
    page.keyboard.press("ArrowUp")
    until(lambda: line.input_value() == "/events 5")


def test_a_wrong_line_says_what_was_meant_and_markup_stays_text(page):
    area = sheet(page, "Ask")

    wrong = asked(page, area, "/bost")
    expect(page.locator(".sheet:not([hidden]) .reply .reply-error").first).to_contain_text("/bots", use_inner_text=True)
    expect(wrong).to_have_attribute("data-ok", "false")

    asked(page, area, "/status <img src=x onerror=alert(1)>")
    assert page.locator(".ask img").count() == 0
    expect(area.locator(".reply .reply-line").first).to_contain_text("<img", use_inner_text=True)


def test_markets_are_compared_in_a_picture(page):
    area = sheet(page, "Correlation")

    area.locator(".reply-chart img").first.wait_for(state="visible", timeout=3 * PATIENCE_MS)  # brings numba and pandas
    assert area.locator(".reply-chart img").first.evaluate("node => node.naturalWidth") > 100


def test_a_destructive_line_asks_back_and_its_button_does_it(page, floor):
    area = sheet(page, "Ask")

    asked(page, area, "/halt trend --reason testing")
    offered = asked(page, area, "/release trend")
    offered.locator(".reply-question button").click()

    until(lambda: "trend" not in floor.ledger.states.all())


def test_the_live_chart_and_the_pattern_lab_are_tabs_of_the_page(page):
    sheet(page, "Live chart")
    chart = page.locator(".sheet:not([hidden]) .tab-widget .wb.candles canvas").first
    chart.wait_for(state="visible", timeout=3 * PATIENCE_MS)
    expect(page.locator(".sheet:not([hidden]) .tab-choices select")).to_have_count(2)

    sheet(page, "Pattern lab")
    lab = page.locator(".sheet:not([hidden]) .tab-widget canvas").first
    lab.wait_for(state="visible", timeout=3 * PATIENCE_MS)
    expect(page.locator(".sheet:not([hidden]) .tab-widget")).to_contain_text("brush a window", use_inner_text=True)
