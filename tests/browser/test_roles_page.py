"""What a role may not do is not offered, or says why; who is logged in stands in the page's head."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.support.desk_page_floor import PageFloor
from tests.support.page_server import PageServer
from workbench.commands.spec import Role
from workbench.dashboard.page_settings import NOTEBOOK
from workbench.dashboard.passwords import forget, store
from workbench.domain.desk import DeskState

pytestmark = pytest.mark.browser
LIVE = ".wb.desk[data-phase=live]"
SECRET = "the password of {}"


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    with PageFloor(tmp_path_factory.mktemp("roles") / "home") as floor:
        for role in Role:
            store(floor.home, f"the-{role}", SECRET.format(role), role)
        yield floor


@pytest.fixture(scope="module")
def served(floor):
    env = {**floor.env, "WORKBENCH_PAGE_TOKEN": ""}
    with PageServer("--port", "0", "--heated", "1", "--viewers", "4", notebook=NOTEBOOK, env=env) as page:
        yield page


@pytest.fixture
def logged_in(browser, served):
    """logged_in(role, **how the browser is) → the page of whoever has that role."""
    opened = []

    def log_in(role, **how):
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}, "color_scheme": "dark"} | how))
        context.set_default_timeout(PATIENCE_MS)
        watched = Watched(context)
        opened.append((context, watched))
        watched.page.goto(served.url)
        watched.page.locator("#name").fill(f"the-{role}")
        watched.page.locator("#secret").fill(SECRET.format(role))
        watched.page.keyboard.press("Enter")
        watched.page.wait_for_selector(LIVE)
        return watched.page

    yield log_in
    for context, watched in opened:
        watched.page.goto("about:blank")
        context.close()
        assert watched.outside == []
        assert watched.errors == []


def test_a_viewer_is_told_who_may_halt_and_has_no_form_for_it(logged_in):
    page = logged_in("viewer")

    expect(page.locator(".person")).to_have_text("the-viewer, viewer")
    page.locator("button.halt").click()
    expect(page.locator(".halt-dialog h2").first).to_have_text("You cannot halt from here")
    expect(page.locator(".halt-lead")).to_contain_text("Halting is for operators and admins, and you are a viewer.")
    expect(page.locator(".halt-form")).to_be_hidden()
    expect(page.locator(".release")).to_be_hidden()
    expect(page.locator(".halt-instead")).to_be_hidden()


def test_a_viewer_sees_the_live_chart_without_tools_to_draw(logged_in):
    page = logged_in("viewer")

    page.locator("[role=tab]", has_text="Live chart").click()
    page.locator(".wb.candles canvas").first.wait_for(state="visible", timeout=3 * PATIENCE_MS)

    expect(page.locator(".wb.candles .tools")).to_be_hidden()


def test_an_operator_halts_and_is_told_who_releases(logged_in, floor):
    page = logged_in("operator")

    page.locator("button.halt").click()
    page.locator(".halt-form .typed").fill("halt")
    page.keyboard.press("Enter")
    expect(page.locator(".halt-dialog h2").first).to_contain_text("2 of 2 confirmed")

    expect(page.locator(".release")).to_contain_text("Releasing is for admins, and you are an operator.")
    expect(page.locator(".release button")).to_have_count(2)
    expect(page.locator(".release button:visible")).to_have_count(0)
    standing = floor.ledger.states.all()["desk"]
    assert (standing.state, standing.set_by) == (DeskState.HALTED, "the-operator")


def test_on_a_phone_the_name_leaves_figures_and_halt_in_reach(logged_in):
    page = logged_in("admin", viewport={"width": 390, "height": 844}, has_touch=True)

    expect(page.locator(".person")).to_have_text("the-admin, admin")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert 844 - 70 < page.locator("button.halt").bounding_box()["y"] < 844


def test_who_is_let_in_no_more_finds_the_form(logged_in, floor):
    page = logged_in("admin")

    forget(floor.home, "the-admin")

    page.wait_for_selector("#secret")
    assert page.title() == "Workbench: log in"
