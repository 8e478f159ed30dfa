"""The pattern lab as a trader meets it: brush by mouse and by keys, name, train, see; a reload shows the same."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.test_desk_page import until
from tests.support.page_server import ROOT, PageServer
from workbench.domain.events import NewEvent
from workbench.ledger.accepted_patterns import PATTERNS, SHARING_CHANGED, accepted
from workbench.ledger.log import open_ledger

pytestmark = pytest.mark.browser
READY = ".wb.lab[data-ready=yes]"
NOTEBOOK = ROOT / "notebooks" / "pattern_lab.ipynb"
HOSTILE = '<img src=x onerror="window.fired=1">'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab_page(home):
    env = {"WORKBENCH_HOME": str(home), "WORKBENCH_LEDGER": str(home / "ledger.sqlite")}
    with PageServer("--port", "0", "--heated", "1", "--viewers", "4", notebook=NOTEBOOK, env=env) as served:
        yield served


@pytest.fixture(scope="module")
def visits(browser, lab_page):
    made = Visits(browser, lab_page)

    def visit(**how):
        lab_page.wait_until_warm(120)  # a kernel that starts under load takes its time
        return made("timeframe=1d", READY, **how)  # few bars: learned and counted in seconds

    yield visit
    made.leave()


@pytest.fixture(scope="module")
def opened(visits):
    return visits()


@pytest.fixture
def page(opened, home):
    """The one page, without labels."""
    ledger = open_ledger(home / "ledger.sqlite")
    for one in ledger.annotations.all("you"):
        ledger.annotations.delete("you", one.annotation_id)
    ledger.close()
    opened.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when somebody comes back to the tab
    labels(opened, 0)
    opened.locator(".pane").press("Escape")
    opened.locator(".pane").press("b")
    return opened


def labels(page, count):
    page.wait_for_selector(f".wb.lab[data-labels='{count}']")


def brush(page, since=0.45, to=0.65):
    """Drag over the chart, from one share of its width to another."""
    box = page.locator(".pane").bounding_box()
    y = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + since * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + to * box["width"], y, steps=8)
    page.mouse.up()


def name(page, words):
    page.locator(".label-form").wait_for(state="visible")
    page.get_by_label("Name of the pattern").fill(words)
    page.keyboard.press("Enter")


@pytest.mark.timeout(700)
def test_brush_by_mouse_name_train_recognise_and_reload(page, visits):
    brush(page)
    page.wait_for_selector(".similar .card")
    until(lambda: "after" in page.locator(".ended").inner_text() or "Open" in page.locator(".ended").inner_text())
    expect(page.get_by_label("Name of the pattern")).to_be_focused()
    name(page, "flag")
    labels(page, 1)
    expect(page.locator(".band.label .tag")).to_have_text("flag", use_inner_text=True)
    expect(page.locator(".similar h2")).to_have_text("Similar to flag", use_inner_text=True)

    for count in (2, 3):
        page.locator(".similar .card .main").first.click()
        labels(page, count)
    page.locator(".proposals .card").first.wait_for()
    expect(page.locator(".proposals .card b").first).to_have_text("flag?", use_inner_text=True)

    with page.expect_download() as taken:
        page.locator(".parcels").get_by_text("JSON").click()
    kept = {"name": "kept.json", "mimeType": "application/json", "buffer": taken.value.path().read_bytes()}
    page.locator(".parcels input").set_input_files(kept)
    page.get_by_text("nothing new in that file").wait_for()

    page.locator("button.train").click()
    page.wait_for_function("Number(document.querySelector('.wb.lab').dataset.findings) > 0", timeout=240_000)
    page.locator(".found-list li").first.click()
    expect(page.locator(".beside .this canvas")).to_have_count(1)
    assert 1 <= page.locator(".beside .examples canvas").count() <= 3
    assert page.locator(".band.finding.chosen .tag").inner_text().startswith("flag ")
    until(lambda: page.locator(".records td.verdict").first.inner_text().startswith(("Too few", "No evidence")), 200)
    page.locator(".records tbody tr").first.click()
    expect(page.locator(".records .detail")).to_contain_text("hindsight", use_inner_text=True)

    again = visits()
    labels(again, 3)
    rows = again.locator(".labels tbody tr")
    assert [row.locator("td").first.inner_text() for row in rows.all()] == ["flag"] * 3
    again.wait_for_function("Number(document.querySelector('.wb.lab').dataset.findings) > 0", timeout=240_000)


def test_brush_by_keys_alone_edit_undo_and_delete(page, home):
    page.locator(".pane").focus()
    for key in ("ArrowLeft", "ArrowLeft", "a", "PageUp", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    page.locator(".band.brush .span-words").get_by_text("21 bars").wait_for()  # drawn in the next frame
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of the pattern")).to_be_focused()
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    labels(page, 1)
    expect(page.locator(".pane")).to_be_focused()

    page.keyboard.press("n")
    expect(page.locator(".band.label.chosen")).to_have_count(1)
    page.keyboard.press("Delete")
    labels(page, 0)
    page.keyboard.press("Control+z")
    labels(page, 1)

    row = page.locator(".labels tbody tr").first
    row.focus()
    page.keyboard.press("Enter")
    page.locator(".labels .detail").get_by_text("Edit").press("Enter")
    expect(page.get_by_label("Name of the pattern")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("other name")
    page.locator(".label-form").get_by_role("button", name="Success").press("Enter")
    page.get_by_label("Note").last.fill("seen twice")
    page.keyboard.press("Control+Enter")
    until(lambda: page.locator(".labels tbody td").first.inner_text() == "other name")

    ledger = open_ledger(home / "ledger.sqlite")
    (kept,) = ledger.annotations.all("you")
    ledger.close()
    assert (kept.pattern, kept.outcome.value, kept.note, len(kept.bars)) == ("other name", "success", "seen twice", 21)


def test_escape_gives_up_and_a_short_brush_asks_for_more(page):
    page.locator(".pane").focus()
    page.keyboard.press("a")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".span-words")).to_have_text("2 bars, at least 8", use_inner_text=True)
    expect(page.locator(".label-form")).to_be_hidden()
    page.keyboard.press("Escape")
    until(lambda: page.locator(".band.brush").is_hidden())

    brush(page)
    page.locator(".label-form").wait_for(state="visible")
    page.get_by_label("Name of the pattern").press("Escape")
    until(lambda: page.locator(".band.brush").is_hidden())
    expect(page.locator(".labels tbody tr")).to_have_count(0)


def test_a_name_that_looks_like_markup_stays_text(page):
    brush(page)
    name(page, HOSTILE)
    labels(page, 1)
    brush(page, 0.2, 0.35)
    page.locator(".used .chip").first.wait_for()

    expect(page.locator(".used .chip").first).to_have_text(HOSTILE, use_inner_text=True)
    expect(page.locator(".band.label .tag")).to_have_text(HOSTILE, use_inner_text=True)
    expect(page.locator(".labels tbody td").first).to_have_text(HOSTILE, use_inner_text=True)
    assert page.locator(".wb.lab img").count() == 0
    assert page.evaluate("window.fired") is None


def test_a_pattern_of_somebody_else_is_taken_and_given_back(page, home):
    brush(page)
    name(page, "flag")
    labels(page, 1)
    ledger = open_ledger(home / "ledger.sqlite")
    (mine,) = ledger.annotations.all("you")
    ledger.annotations.add(replace(mine, annotation_id="ann-1", user_id="ann", pattern=HOSTILE, shared=True))
    facts = {"user": "ann", "topic": PATTERNS, "share": True, "by": "ann", "words": "ann shares patterns"}
    ledger.append([NewEvent(SHARING_CHANGED, "ann", facts, "sharing:ann", datetime.now(UTC))])
    assert page.locator(".others .card").count() == 0

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    card = page.locator(".others .card")
    expect(card.locator("b")).to_have_text(HOSTILE, use_inner_text=True)
    card.get_by_role("button").press("Enter")
    expect(card).to_contain_text("accepted")
    assert accepted(ledger, "you") == [("ann", HOSTILE)]
    expect(page.locator(".labels tbody tr")).to_have_count(1)  # it stays ann's
    card.get_by_role("button", name="no longer").click()
    expect(card).not_to_contain_text("accepted")
    assert accepted(ledger, "you") == []

    ledger.annotations.delete("ann", "ann-1")
    ledger.close()
    assert page.locator(".wb.lab img").count() == 0


def test_a_phone_gets_one_column_and_a_finger_brushes(visits):
    page = visits(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="light")
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]

    brush(page, 0.2, 0.6)
    page.locator(".label-form").wait_for(state="visible")
    form, chart = page.locator(".side").bounding_box(), page.locator(".panel.chart").bounding_box()
    assert form["y"] >= chart["y"] + chart["height"]
    assert form["width"] > 350
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
