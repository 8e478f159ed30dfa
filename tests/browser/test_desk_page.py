"""The page as a trader meets it."""

import csv
import io
import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from workbench.commands.catalogue import find

pytestmark = pytest.mark.browser


def text(page, selector):
    return page.locator(selector).first.inner_text()


def until(condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_figures_are_live_sorted_opened_and_exported(live):
    page = live
    before = text(page, ".clock .value")

    expect(page.locator(".state").first).to_have_text("ACTIVE", use_inner_text=True)
    assert re.fullmatch(r"[\d,]+\.\d\d USD", text(page, ".sums .value"))
    expect(page.locator(".top .chip").first).to_have_text("REPLAY ×900", use_inner_text=True)
    assert "Europe/Berlin" in before
    until(lambda: text(page, ".clock .value") != before)

    names = [cell.inner_text() for cell in page.locator(".bots tbody .name").all()]
    assert names == ["trend", "mean_reversion", "breakout", "learning"]
    page.locator(".bots th[data-column=bot] button").click()
    assert [cell.inner_text() for cell in page.locator(".bots tbody .name").all()] == sorted(names)
    expect(page.locator(".bots th[data-column=bot]")).to_have_attribute("aria-sort", "ascending")

    page.locator(".bots tbody tr").first.click()
    expect(page.locator(".bots .detail").first).to_contain_text("Acted on the market up to", use_inner_text=True)

    with page.expect_download() as saved:
        page.locator(".bots .panel-head button", has_text="CSV").click()
    rows = list(csv.reader(io.StringIO(saved.value.path().read_text())))
    assert rows[0][:2] == ["Bot", "Health"]
    assert len(rows) == 5
    assert float(rows[1][rows[0].index("Equity")]) > 0
    page.locator(".bots tbody tr").first.click()


def test_everything_goes_by_keyboard(live):
    page = live

    page.locator(".bots tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    opened = page.locator(".bots tr[aria-expanded=true] .name")
    expect(opened).to_have_text(page.locator(".bots tbody .name").nth(1).inner_text(), use_inner_text=True)
    page.keyboard.press("Escape")
    expect(page.locator(".bots .detail")).to_have_count(0)
    page.keyboard.press("End")
    assert (
        page.locator(".bots tbody tr:focus .name").inner_text() == page.locator(".bots tbody .name").last.inner_text()
    )

    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)

    page.locator(".canvas").focus()
    page.keyboard.press("+")
    expect(page.locator(".chart button", has_text="Whole run")).to_be_visible()
    page.keyboard.press("0")
    expect(page.locator(".chart button", has_text="Whole run")).to_be_hidden()


def test_the_chart_zooms_at_the_pointer_and_a_double_click_resets(live):
    page = live
    box = page.locator(".u-over").bounding_box()
    whole = page.locator(".chart button", has_text="Whole run")

    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 60)
    page.mouse.wheel(0, -240)
    whole.wait_for(state="visible")
    expect(page.locator(".cross-x")).to_be_visible()
    page.mouse.dblclick(box["x"] + 80, box["y"] + 60)
    whole.wait_for(state="hidden")

    page.locator(".chart .segmented button", has_text="Return").click()
    assert text(page, ".legend .figure").endswith("%")
    page.locator(".legend button").first.click()
    expect(page.locator(".legend button").first).to_have_attribute("aria-pressed", "false")
    page.locator(".legend button").first.click()


def test_a_page_that_cannot_halt_says_what_to_type(live):
    page = live

    page.locator("button.halt").click()
    words = text(page, ".halt-instead")
    page.keyboard.press("Escape")

    assert "workbench ask '/halt all'" in words
    assert find(("halt",))
    expect(page.locator(".halt-form")).to_be_hidden()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_theme_pair_and_sort_are_remembered_and_readable(visit):
    page = visit(color_scheme="light")
    ground = "getComputedStyle(document.querySelector('.wb.desk')).backgroundColor"
    assert page.evaluate(ground) == "rgb(247, 248, 250)"

    page.keyboard.press("t")
    assert page.evaluate(ground) == "rgb(15, 20, 27)"
    page.keyboard.press("?")
    page.locator("dialog button", has_text="Blue, orange").click()

    assert page.evaluate("localStorage.getItem('workbench.theme')") == '"dark"'
    assert page.evaluate("document.querySelector('.wb.desk').dataset.pair") == "blue-orange"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(
    ("case", "code", "words", "mend"),
    [
        ("not_running", "off", "The desk is not running.", "workbench up"),
        ("empty", "empty", "No bot is registered.", "workbench up --with BOT"),
        ("broken", "trouble", "cannot be read: disk I/O error", "workbench doctor"),
        ("troubled", "nobody", "Nobody executes commands now", "workbench up"),
    ],
)
def test_what_is_wrong_is_said_with_the_command_that_mends_it(visit, case, code, words, mend):
    page = visit(f"case={case}", ready=f".notice[data-code={code}]")

    assert words in text(page, f".notice[data-code={code}]")
    assert text(page, f".notice[data-code={code}] code") == mend
    if case == "troubled":
        rows = [row.inner_text().replace("\n", " ") for row in page.locator(".bots tbody tr").all()]
        assert re.search(r"stale.*its newest candle", rows[0])
        assert "◷ stale" in rows[0]
        assert re.search(r"down.*–.*–", rows[1])
        assert "paused" in rows[2]
        expect(page.locator(".sums .value").first).to_have_text("–", use_inner_text=True)
        assert "never heard" in page.locator(".sums .value").first.get_attribute("title")


def test_a_phone_gets_one_column_and_keeps_figures_and_halt_in_reach(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)

    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    page.mouse.wheel(0, 600)
    until(lambda: page.evaluate("scrollY > 0"))
    sums, halt = page.locator(".sums").bounding_box(), page.locator("button.halt").bounding_box()

    assert widths[0] <= widths[1]
    assert sums["y"] + sums["height"] == pytest.approx(844, abs=1)
    assert 844 - 70 < halt["y"] < 844
    assert page.locator(".bots .grid").evaluate("table => table.scrollWidth <= table.parentNode.clientWidth")


def test_every_name_from_outside_is_text(visit):
    page = visit("case=hostile")
    for row in page.locator(".bots tbody tr").all():
        row.click()
    page.mouse.move(600, 300)
    seen = int(page.locator(".wb.desk").get_attribute("data-seq"))
    until(lambda: int(page.locator(".wb.desk").get_attribute("data-seq")) > seen + 2)  # drawn anew with all of it open

    assert page.evaluate("window.fired") is None
    assert (
        page.evaluate("document.querySelectorAll('.wb img, .wb script, .wb iframe, .wb a, .wb svg, .wb link').length")
        == 0
    )
    assert '<img src=x onerror="window.fired=1">' in [c.inner_text() for c in page.locator(".bots .name").all()]
    assert "__proto__" in [c.inner_text() for c in page.locator(".bots .name").all()]
    expect(page.locator(".events li")).to_have_count(60)
    assert page.evaluate("({}).id === undefined")


def test_the_control_page_fires(browser):
    """The same payload put in as markup does run, so the test above can fail."""
    page = browser.new_page()
    page.set_content("<div></div>")
    page.evaluate("""document.querySelector('div').innerHTML = '<img src="x:" onerror="window.fired=1">'""")

    page.wait_for_function("window.fired === 1", timeout=60_000)
    page.close()


def test_the_control_request_is_seen_and_stopped(browser, served):
    """A page that does ask outside is caught, by the policy and by the watch, so the other tests can fail."""
    context = browser.new_context()
    watched = Watched(context)
    watched.page.goto(served.address())
    watched.page.wait_for_selector(".wb.desk", timeout=60_000)

    watched.page.evaluate("new Image().src = 'http://192.0.2.1/x.png'")
    until(lambda: watched.page.evaluate("1") and (watched.outside or watched.errors))

    watched.page.goto("about:blank")
    context.close()
    assert watched.outside or "Content Security Policy" in " ".join(watched.errors)


def test_a_reload_restores_and_leaves_one_kernel(visit, served):
    page = visit()
    until(lambda: int(page.locator(".wb.desk").get_attribute("data-seq")) > 3)
    before = len(served.kernels())

    page.reload()
    page.wait_for_selector(".wb.desk[data-phase=live]", timeout=60_000)

    expect(page.locator(".bots tbody tr")).to_have_count(4)
    until(lambda: len(served.kernels()) <= before + 1)


def test_a_dead_kernel_turns_the_figures_stale_in_words(visit, served):
    page = visit()
    page.evaluate("window.realNow = Date.now; Date.now = () => window.realNow() + 60000")  # silence for a minute
    kernel_id = json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]
    served.kernel(kernel_id).kill()

    page.evaluate("Date.now = () => window.realNow() + 120000")
    page.wait_for_selector(".notice[data-code=silent]", timeout=60_000)

    expect(page.locator(".notice[data-code=silent]").first).to_contain_text("Reload the page", use_inner_text=True)
    expect(page.locator(".state").first).to_have_text("STALE", use_inner_text=True)


def test_hundreds_of_updates_do_not_grow_the_page(visit):
    page = visit("every=0.02&gap=0.02")
    session = page.context.new_cdp_session(page)
    seq = lambda: int(page.locator(".wb.desk").get_attribute("data-seq"))  # noqa: E731

    def heap_mb():
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    until(lambda: seq() > 60)
    first, nodes, at = heap_mb(), page.evaluate("document.querySelectorAll('*').length"), seq()
    until(lambda: seq() > at + 240, 60)

    assert heap_mb() - first < 2
    assert abs(page.evaluate("document.querySelectorAll('*').length") - nodes) < 40
