"""Trades, profit by period, files, and a look that is remembered: as a trader uses them."""

import csv
import io

import pytest
from playwright.sync_api import expect
from pyarrow import parquet as pq

from tests.browser.conftest import Visits
from tests.browser.test_desk_page import text, until
from tests.support.page_server import PageServer
from workbench.ledger.log import open_ledger

pytestmark = pytest.mark.browser
FIGURES = ".spread .facts"


def rows_of(page, panel):
    return page.locator(f".{panel} tbody tr:not(.detail)")


def saved(page, panel, kind):
    with page.expect_download() as download:
        page.locator(f".{panel} .panel-head button", has_text=kind).click()
    return download.value.path().read_bytes()


def money(said):
    return float(said.removesuffix(" USD").replace("−", "-").replace("+", "").replace(",", ""))


def test_periods_of_every_length_sum_to_the_record(live):
    page = live
    page.wait_for_selector(FIGURES)
    total = money(page.locator(f"{FIGURES} div", has_text="Sum").locator("dd").inner_text())

    for unit in ("Week", "Month", "Day"):
        page.locator(".periods button", has_text=unit).click()
        told = list(csv.DictReader(io.StringIO(saved(page, "periods", "CSV").decode())))
        assert abs(sum(float(row["Profit"]) for row in told) - total) < 0.006
        assert sum(int(row["Trades"]) for row in told) == 360
        assert {row["Profit currency"] for row in told} == {"USD"}


def test_trades_are_filtered_sorted_opened_and_taken_along(live):
    page = live
    page.wait_for_selector(".trades tbody tr")
    expect(page.locator(".trades .more").first).to_contain_text("300 of 360 rows shown", use_inner_text=True)

    page.locator(".trades .filter").fill("breakout stop")
    assert rows_of(page, "trades").count() == 30
    page.locator(".trades th[data-column=pnl] button").click()
    gains = [money(cell.inner_text()) for cell in page.locator(".trades td:nth-child(8)").all()]
    assert gains == sorted(gains, reverse=True)

    rows_of(page, "trades").first.click()
    expect(page.locator(".trades .detail").first).to_contain_text("Closed, UTC", use_inner_text=True)
    page.keyboard.press("Escape")

    sheet = list(csv.DictReader(io.StringIO(saved(page, "trades", "CSV").decode())))
    table = pq.read_table(io.BytesIO(saved(page, "trades", "Parquet")))
    assert len(sheet) == table.num_rows == 30
    assert [float(row["P&L"]) for row in sheet] == table.column("P&L").to_pylist()
    assert table.schema.field("Closed").type.tz == "UTC"
    assert sheet[0]["Closed"] == f"{table.column('Closed')[0].as_py():%Y-%m-%dT%H:%M:%S.}" + (
        f"{table.column('Closed')[0].as_py().microsecond // 1000:03d}Z"
    )
    page.locator(".trades .filter").fill("nobody")
    expect(page.locator(".trades .blank").first).to_contain_text("No row has", use_inner_text=True)
    page.locator(".trades .filter").fill("")


def test_names_of_an_enemy_are_text_in_every_file(visit):
    page = visit("case=hostile")
    page.wait_for_selector(".trades tbody tr")

    sheet = list(csv.reader(io.StringIO(saved(page, "trades", "CSV").decode())))
    table = pq.read_table(io.BytesIO(saved(page, "trades", "Parquet")))

    assert not [value for row in sheet for value in row if value.lstrip()[:1] in "=+@" and value.strip()]
    assert any(name.startswith("=HYPERLINK") for name in table.column("Market").to_pylist())
    assert page.evaluate("window.fired") is None


def test_a_bot_of_none_shows_what_is_missing(visit):
    page = visit("case=empty")

    until(lambda: text(page, ".trades .blank") == "No trade has been finished in this run.")
    expect(page.locator(".periods .columns")).to_be_hidden()


@pytest.fixture(scope="module")
def remembering(tmp_path_factory):
    """Servers that begin afresh over one ledger: start() gives the next, known() what the ledger then knows."""
    ledger, running = tmp_path_factory.mktemp("ledger") / "ledger.sqlite", []

    def start():
        for server in running:
            server.__exit__()
        running[:] = [PageServer("--port", "0", "--heated", "0").__enter__()]
        return running[0], f"ledger={ledger}"

    def known():
        opened = open_ledger(ledger)
        found = opened.page_choices("desk").all()
        opened.close()
        return found

    yield start, known
    for server in running:
        server.__exit__()


def test_the_look_is_the_same_after_a_restart_and_in_another_browser(browser, remembering):
    start, known = remembering
    served, query = start()
    first = Visits(browser, served)
    page = first(query)
    page.wait_for_selector(".trades tbody tr")
    page.keyboard.press("?")
    page.locator("dialog[open] button", has_text="Light").click()
    page.locator("dialog[open] button", has_text="Blue, orange").click()
    page.locator("dialog[open] select").select_option("Asia/Tokyo")
    page.locator("dialog[open] summary").click()
    page.locator("dialog[open] [data-panel=trades] [data-step='-1']").click()
    page.keyboard.press("Escape")
    page.locator(".events-panel .fold").click()
    page.locator("[role=tab][data-page=risk]").click()
    until(lambda: known().get("tab") == "risk")
    first.leave()

    served, query = start()
    second = Visits(browser, served)
    page = second(query, color_scheme="dark", timezone_id="America/New_York")

    expect(page.locator("[role=tab][aria-selected=true]")).to_have_attribute("data-page", "risk")
    expect(page.locator(".wb.desk")).to_have_attribute("data-theme", "light")
    expect(page.locator(".wb.desk")).to_have_attribute("data-pair", "blue-orange")
    expect(page.locator(".clock .value").first).to_contain_text("Asia/Tokyo", use_inner_text=True)
    page.locator("[role=tab][data-page=overview]").click()
    until(lambda: "Asia/Tokyo" in text(page, ".periods .panel-note"))
    expect(page.locator(".events-panel .panel-body")).to_be_hidden()
    places = [
        page.locator(f".{name}").first.evaluate("node => +node.style.order") for name in ("trades", "events-panel")
    ]
    assert places[0] < places[1]
    second.leave()

    other = Visits(browser, served)
    page = other(f"{query}&viewer=ben")
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_attribute("data-page", "overview")
    assert page.locator(".wb.desk").get_attribute("data-theme") is None
    other.leave()
