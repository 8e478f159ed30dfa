"""The risk page as a trader meets it: its figures are the desk's, its tabs go by keyboard, its names are text."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.test_desk_page import text, until
from tests.support import desk_page_risk
from tests.support.desk_page_floor import PageFloor
from tests.support.page_server import PageServer
from workbench.dashboard.page_settings import NOTEBOOK

pytestmark = pytest.mark.browser
READY = ".risk-figures"


def fixed(value):
    return f"{value:,.2f}"


def open_risk(page):
    page.locator("[role=tab]", has_text="Risk").click()
    page.locator(READY).wait_for(state="visible", timeout=60_000)


def test_tabs_go_by_keyboard_and_the_address_remembers(visit):
    page = visit()
    tabs = page.locator("[role=tab]")
    assert [tab.inner_text() for tab in tabs.all()] == ["Overview", "Risk"]
    expect(page.locator("[role=tabpanel]:visible")).to_have_count(1)

    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    assert page.evaluate("document.activeElement.textContent") == "Risk"
    page.locator(READY).wait_for(state="visible", timeout=60_000)
    assert page.evaluate("location.hash") == "#risk"
    expect(page.locator(".panels")).to_be_hidden()

    page.reload()
    page.locator(READY).wait_for(state="visible", timeout=60_000)
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("Home")
    expect(page.locator(".panels")).to_be_visible()
    expect(page.locator(".u-over")).to_be_visible()


def test_every_figure_on_the_screen_is_the_desks(visit):
    page = visit()
    open_risk(page)
    desk = desk_page_risk.PlayedRisk().desk(desk_page_risk.HELD)

    values = [box.inner_text() for box in page.locator(".risk-figures .value").all()]
    assert values == [
        f"{fixed(desk.gross)} USD",
        f"+{fixed(desk.net)} USD",
        f"{desk.volatility.annual * 100:.1f} % a year",
        f"{fixed(desk.var.historical_money)} USD",
        f"{fixed(desk.cvar.historical_money)} USD",
    ]
    cells = [cell.inner_text() for cell in page.locator(".heatmap tbody tr").first.locator("td").all()]
    assert cells == ["+5,200", "+1,800", "·", "·", "+7,000"]
    shares = {
        row.locator(".share-name").inner_text(): [cell.inner_text() for cell in row.locator(".figure").all()]
        for row in page.locator(".by_bot li").all()
    }
    minus = lambda share: f"{share * 100:.1f} %".replace("-0.0", "0.0").replace("-", "\u2212")  # noqa: E731
    assert shares == {row.name: [minus(row.volatility), minus(row.cvar)] for row in desk.contributions_by_bot}
    limits = [[cell.inner_text() for cell in row.locator("td").all()] for row in page.locator(".limits tbody tr").all()]
    assert limits[0][:6] == ["BTC/USD", "symbol", "100 %", "5,800.00", "5,800.00", "0.00"]
    assert limits[0][6] == "correlation of the markets is 0.86"
    assert len(limits) == len(desk.limits)
    expect(page.locator(".rungs li:nth-child(3)").first).to_contain_text(
        "below the 5 % step; limits at 70 %; next step at 10 %", use_inner_text=True
    )
    expect(page.locator(".states").first).to_contain_text("REDUCING", use_inner_text=True)


def test_what_if_stands_beside_the_present_figures(visit):
    page = visit()
    open_risk(page)
    played = desk_page_risk.PlayedRisk()
    before = text(page, ".risk-figures .value")

    page.locator(".what-if select").select_option("breakout")
    expect(page.locator(".what-said")).to_contain_text("breakout holds half")
    half = dict(desk_page_risk.HELD)
    half["breakout"] = {s: v / 2 for s, v in half["breakout"].items()}
    expect(page.locator(".risk-figures .value").first).to_have_text(before, use_inner_text=True)
    expect(page.locator(".risk-figures .other").first).to_have_text(
        f"→ {fixed(played.desk(half).gross)} USD", use_inner_text=True
    )
    expect(page.locator(".by_bot .ghost:visible")).to_have_count(8)

    page.locator("[data-what=correlations]").click()
    expect(page.locator(".what-said")).to_contain_text("every correlation is 1")
    annual = played.desk(desk_page_risk.HELD, correlated=True).volatility.annual
    expect(page.locator(".risk-figures .other").nth(2)).to_have_text(
        f"→ {annual * 100:.1f} % a year", use_inner_text=True
    )

    assert "by the normal law" not in page.locator(".risk-figures .other").nth(3).inner_text()  # this one has a history

    page.locator("[data-what=correlations]").click()
    expect(page.locator(".what-said")).to_have_text("")
    expect(page.locator(".risk-figures .other:visible")).to_have_count(0)


def test_what_is_unknown_is_a_dash_with_its_reason_and_never_zero(visit):
    page = visit("case=unknown")
    open_risk(page)

    assert [box.inner_text() for box in page.locator(".risk-figures .value").all()] == ["–"] * 5
    assert "mean_reversion was never heard" in page.locator(".risk-figures .value").first.get_attribute("title")
    expect(page.locator(".unknown").first).to_contain_text("mean_reversion was never heard", use_inner_text=True)
    expect(page.locator(".heatmap tbody tr").nth(1).locator("td").first).to_have_text("–", use_inner_text=True)
    expect(page.locator(".limits tbody tr td:nth-child(3)").first).to_have_text("–", use_inner_text=True)


def test_a_phone_gets_the_risk_in_one_column(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    open_risk(page)

    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    assert 844 - 70 < page.locator("button.halt").bounding_box()["y"] < 844
    page.locator("button.halt").tap()
    assert page.locator(".halt-dialog").bounding_box()["width"] <= 390


def test_every_name_on_the_risk_page_is_text(visit):
    page = visit("case=hostile")
    open_risk(page)
    page.locator("[data-what=halve]").click()
    expect(page.locator(".what-said")).to_contain_text("holds half")
    for row in page.locator(".limits tbody tr:not(.detail)").all()[:4]:
        row.click()

    assert page.evaluate("window.fired") is None
    tags = "document.querySelectorAll('.wb img, .wb script, .wb iframe, .wb a, .wb svg, .wb link').length"
    assert page.evaluate(tags) == 0
    names = [name.get_attribute("title") for name in page.locator(".heatmap th[scope=row] .outside").all()]
    assert '<img src=x onerror="window.fired=1">' in names
    assert page.evaluate("({}).id === undefined")
    page.locator("button.halt").click()
    assert page.evaluate("window.fired") is None


def test_on_a_real_exchange_the_page_shows_what_the_venue_holds(browser, tmp_path):
    with (
        PageFloor(tmp_path / "home") as floor,
        PageServer("--port", "0", "--heated", "0", notebook=NOTEBOOK, env=floor.env) as served,
    ):
        visits = Visits(browser, served)
        page = visits()
        open_risk(page)
        until(lambda: re.fullmatch(r"[\d,]+\.\d\d USD", text(page, ".risk-figures .value")))

        amount = float(floor.holdings()["trend"]["BTC"])
        shown = float(text(page, ".risk-figures .value").split()[0].replace(",", ""))
        limits = {
            row.locator("td").nth(1).inner_text(): row.locator("td").nth(3).inner_text()
            for row in page.locator(".limits tbody tr").all()
        }
        until(lambda: "%" in page.locator(".risk-figures .value").nth(2).inner_text())
        volatility = page.locator(".risk-figures .value").nth(2).inner_text()

        assert shown == pytest.approx(amount * floor.price("BTCUSD"), rel=1e-3)
        assert limits["gross"] == fixed(shown)
        assert re.fullmatch(r"\d+\.\d % a year", volatility)
        visits.leave()


def test_a_what_if_without_a_history_is_compared_by_one_law(modules):
    figures = """{gross: 1, gross_share: 1, net: 1, net_share: 1, volatility_year: 1, volatility_bar: 1,
      var: LOSS, cvar: LOSS}"""
    loss = "{historical: {money: HISTORY, share: 0.1}, parametric: {money: NORMAL, share: 0.1}}"

    def told(history, normal):
        return figures.replace("LOSS", loss.replace("HISTORY", history).replace("NORMAL", normal))

    steps = f"""(() => {{
      const strip = m.figuresStrip();
      const what = {{label: "together", figures: {told("null", "190.45")}}};
      const now = {told("197.04", "171.69")};
      const view = {{figures: now, what_if: what, currency: "USD", confidence: 0.975, unknown: []}};
      strip.update(view, {{market: null, bots: new Map()}});
      return [".value", ".other"].map((css) => strip.node.querySelectorAll(css)[3].textContent);
    }})()"""

    seen = modules.evaluate(f"async () => {{ const m = await import('/risk_figures.js'); return {steps}; }}")

    assert seen == ["197.04 USD", "→ 190.45 USD, now 171.69 USD, by the normal law"]
