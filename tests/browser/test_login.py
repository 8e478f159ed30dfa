"""Logging in as a person does: the terminal's address, the form by keyboard, dark, light and on a phone, and out."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched

pytestmark = pytest.mark.browser
LIVE = ".wb.desk[data-phase=live]"
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def stranger(browser):
    """Somebody without a cookie; nothing may fail and nothing may leave this machine."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context)
    yield watched.page
    watched.page.goto("about:blank")
    context.close()
    assert [url for url in watched.outside if not url.startswith("file:")] == []
    assert [words for words in watched.errors if "401 (Unauthorized)" not in words] == []


def test_the_form_lets_in_by_keyboard_and_the_button_lets_out(stranger, served):
    page = stranger
    page.goto(f"{served.url}?case=empty")

    assert page.title() == "Workbench: log in"
    assert page.evaluate(GROUND) == "rgb(247, 248, 250)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == "rgb(15, 20, 27)"
    expect(page.locator("#secret:focus")).to_have_count(1)

    page.keyboard.type("not the token")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_have_text("That is not the token.", use_inner_text=True)

    page.keyboard.type(served.token)
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice[data-code=empty]")
    assert page.url == f"{served.url}?case=empty"

    page.locator(".logout button").click()
    page.wait_for_selector("#secret")
    page.goto(served.url)
    assert page.title() == "Workbench: log in"


def test_the_terminals_address_leads_on_without_its_token_from_a_file_too(stranger, served, tmp_path):
    """As `workbench up` opens it: a file that leads on. Its visit is another site's, which brings no strict cookie."""
    page = stranger
    door = tmp_path / "open.html"
    door.write_text(f'<meta http-equiv="refresh" content="0; url={served.address()}">')

    page.goto(door.as_uri())
    page.wait_for_selector(LIVE)

    assert page.url == served.url
    assert served.token not in page.content()
    assert page.evaluate("document.cookie") == ""


def test_who_is_logged_in_comes_back_by_a_link_elsewhere(stranger, served, tmp_path):
    page = stranger
    link = tmp_path / "mail.html"
    link.write_text(f'<a href="{served.url}?case=empty">the desk</a>')
    page.goto(served.address())
    page.wait_for_selector(LIVE)

    page.goto(link.as_uri())
    page.locator("a").click()

    page.wait_for_selector(".notice[data-code=empty]")
