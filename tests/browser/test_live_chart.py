"""The live chart end to end: a replayed exchange, a kernel with a ledger, Voila, Chromium."""

import time
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.support.page_server import ROOT, PageServer
from tests.support.replay_floor import ReplayFloor

pytestmark = pytest.mark.browser
LIVE = ".wb.candles[data-state=live]"


@pytest.fixture(scope="module")
def floor():
    with ReplayFloor() as running:
        yield running


@pytest.fixture(scope="module")
def charted():
    notebook = ROOT / "tests" / "support" / "live_page.ipynb"
    with PageServer("--port", "0", "--heated", "1", "--viewers", "6", notebook=notebook) as page:
        yield page


@pytest.fixture
def visit(browser, charted, floor, tmp_path):
    visits = Visits(browser, charted)

    def look(ready=LIVE, browsing=None, **asked):
        charted.wait_until_warm(90)
        address = urlencode({"venue": floor.url, "home": str(tmp_path), **asked})
        return visits(address, ready=ready, **(browsing or {}))

    yield look
    visits.leave()


def until(condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def rev(page):
    return int(page.locator(".wb.candles").get_attribute("data-rev"))


def python_value(page):
    return page.locator(".python-value").inner_text()


def draw(page, key, *places):
    box = page.locator(".pane").bounding_box()
    page.locator(".wb.candles").focus()
    page.keyboard.press(key)
    points = [(box["x"] + x * (box["width"] - 80), box["y"] + y * (box["height"] - 30)) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[-1], steps=4)
    page.mouse.up()
    page.keyboard.press("Escape")


def test_prices_arrive_drawings_reach_python_stay_after_a_reload_and_in_a_second_notebook(visit, charted):
    page = visit()
    first = rev(page)
    until(lambda: rev(page) > first + 3)
    expect(page.locator(".chip")).to_have_text("REPLAY ×900", use_inner_text=True)
    assert python_value(page) == ""

    draw(page, "h", (0.5, 0.4))
    until(lambda: "Level(price=" in python_value(page))
    draw(page, "z", (0.3, 0.6), (0.5, 0.45))
    until(lambda: "Zone(low=" in python_value(page))
    draw(page, "t", (0.2, 0.7), (0.6, 0.5))
    until(lambda: "TrendLine(start=" in python_value(page))
    held = python_value(page)

    charted.wait_until_warm(90)
    page.reload()
    page.wait_for_selector(LIVE, timeout=30_000)
    assert python_value(page) == held
    expect(page.locator(".wb.candles")).to_have_attribute("data-drawings", "3")

    second = visit()
    assert python_value(second) == held
    second.locator(".wb.candles").focus()
    second.keyboard.press("Control+z")
    until(lambda: "TrendLine" not in python_value(second))
    until(lambda: python_value(page) == python_value(second))
    until(lambda: page.locator(".wb.candles").get_attribute("data-drawings") == "2")


def test_a_page_that_is_left_frees_its_kernel_and_its_subscription(visit, charted, floor):
    page = visit()
    assert floor.subscriptions() == ["btcusd@kline_30m"]
    charted.wait_until_warm(90)
    before = len(charted.kernels())

    page.goto("about:blank")

    until(lambda: floor.subscriptions() == [], 60)
    until(lambda: len(charted.kernels()) == before - 1, 60)


def test_a_page_that_falls_silent_gives_its_feed_back_and_a_returning_one_is_whole_again(visit, charted, floor):
    page = visit(lapse=4)  # of a page that beats every ten seconds
    page.evaluate("window.requestAnimationFrame = () => 0")  # as in a hidden tab: nothing is drawn or acknowledged
    until(lambda: floor.subscriptions() == [], 60)

    charted.wait_until_warm(90)
    page.reload()
    page.wait_for_selector(LIVE, timeout=30_000)
    until(lambda: floor.subscriptions() == ["btcusd@kline_30m"], 60)


def test_a_paused_replay_is_quiet_and_a_phone_has_it_all_in_its_width(visit, floor):
    page = visit(browsing={"viewport": {"width": 390, "height": 800}, "has_touch": True})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [page.locator(name).bounding_box() for name in (".head", ".pane", ".tools")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert boxes[1]["y"] + boxes[1]["height"] <= boxes[2]["y"] + 1

    floor.command("pause")
    try:
        page.wait_for_selector(".wb.candles[data-state=quiet]", timeout=60_000)
        until(lambda: "PAUSED" in page.locator(".chip").inner_text())
    finally:
        floor.command("resume")
    page.wait_for_selector(LIVE, timeout=60_000)
