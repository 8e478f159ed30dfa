"""Trades, stops and targets on the live chart: drawn, told, filtered, by mouse, finger and keys; never markup."""

import base64
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.test_candles import drew, ink
from tests.browser.test_desk_page import until
from tests.support.candle_page import FIRST, STEP, candle_page, chart, reopen, row
from tests.support.live_desk import LiveDesk
from tests.support.page_server import ROOT, PageServer
from tests.support.xss import PAYLOADS, PROVOKE, WATCH
from workbench.domain.candles import INDEX
from workbench.visual.chart_spec import TradeMark
from workbench.visual.trade_rows import colours
from workbench.widgets.history_panel import HistoryPanel

pytestmark = pytest.mark.browser


def trade(first, last, by="trend", amount=0.5, **more):
    """In at the close of the first bar, out at that of the last."""
    entry, left = row(first)[4], None if last is None else row(last)[4]
    told = {
        "id": f"{by} {first} {last}",
        "by": by,
        "amount": amount,
        "in": [FIRST + first * STEP + 60_000, entry],
        "out": None if last is None else [FIRST + last * STEP, left],
        "pnl": None if last is None else amount * (left - entry) - 1,
        "fees": 1.0,
        "reason": "" if last is None else "target",
    }
    return told | {"stop": None, "targets": [], "told": None} | more


def trading(rows, held=(), older=0):
    return {"open": list(held), "bots": colours([*rows, *held]), "older": older}


CLOSED = [trade(240, 250), trade(262, 268, "breakout", -0.2), trade(272, 280, "breakout")]
HELD = trade(290, None, stop=7100.0, targets=[7400.0, 7600.0])


@pytest.fixture(scope="module")
def opened(browser):
    with candle_page(browser) as found:
        yield found


@pytest.fixture
def page(opened):
    """A chart of 300 bars with three finished trades of two bots and an open one."""
    reopen(opened, chart(300, trades=CLOSED, trading=trading(CLOSED, [HELD])))
    opened.wait_for_function("document.querySelector('.wb.candles').dataset.marks === '7'")
    return opened


def data(page, name):
    return page.locator(".wb.candles").get_attribute(f"data-{name}")


def prices(page):
    return page.evaluate(
        "[...document.querySelector('.wb.candles').trades.waits.values()].map((l) => l.options().price)"
    )


def hover(page, mark):
    """Put the mouse on the n-th mark from the left."""
    box = page.locator(".pane").bounding_box()
    x, y = page.evaluate(
        "n => { const m = document.querySelector('.wb.candles').trades.marks.at(n); return [m.x, m.y]; }", mark
    )
    page.mouse.move(box["x"] + x + 30, box["y"] + y + 40)
    page.mouse.move(box["x"] + x, box["y"] + y)


def test_trades_are_drawn_and_summed_and_stops_and_targets_stand_as_lines(page):
    expect(page.locator(".trades-bar .trade-sums")).to_have_text(
        f"1 open · 3 closed {sum(one['pnl'] for one in CLOSED):+.2f} USD"
    )
    assert page.locator(".trades-bar .trade-bot .trade-name").all_inner_texts() == ["breakout", "trend"]
    assert prices(page) == [7100.0, 7400.0, 7600.0]
    before = ink(page)

    page.locator(".trades-bar .trade-toggle").click()

    page.wait_for_function("document.querySelector('.wb.candles').dataset.marks === '0'")
    assert (prices(page), ink(page) != before) == ([], True)
    expect(page.locator(".trades-bar .trade-sums")).to_have_text("hidden")


def test_the_mouse_tells_all_of_a_trade(page):
    hover(page, 0)
    expect(page.locator(".trade-tip")).to_contain_text("trend · long 0.5 BTC")
    expect(page.locator(".trade-tip")).to_contain_text("target")

    hover(page, -1)
    expect(page.locator(".trade-tip")).to_contain_text("stop 7,100.00 · target 7,400.00 · target 7,600.00")
    expect(page.locator(".trade-tip")).to_contain_text("open, now")

    page.mouse.move(5, 5)
    expect(page.locator(".trade-tip")).to_be_hidden()


def test_keys_toggle_choose_a_bot_and_step_from_trade_to_trade(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("b")
    expect(page.locator(".wb.candles")).to_have_attribute("data-trades", "0")
    page.keyboard.press("b")
    expect(page.locator(".wb.candles")).to_have_attribute("data-trades", "4")

    for bot, shown in (("breakout", "2"), ("trend", "2"), (None, "4")):
        page.keyboard.press("Shift+B")
        expect(page.locator(".wb.candles")).to_have_attribute("data-trades", shown)
        pressed = page.locator(".trades-bar .trade-bot[aria-pressed=true] .trade-name")
        expect(pressed).to_have_text([bot] if bot else ["breakout", "trend"])

    page.keyboard.press(".")
    expect(page.locator(".trade-tip")).to_contain_text("open, now")
    page.keyboard.press(",")
    expect(page.locator(".trade-tip")).to_contain_text("breakout · long 0.5 BTC")
    for _ in range(5):
        page.keyboard.press(",")
    expect(page.locator(".trade-tip")).to_contain_text("trend · long 0.5 BTC")
    page.keyboard.press("Escape")
    expect(page.locator(".trade-tip")).to_be_hidden()


def test_a_bots_button_hides_its_trades_alone(page):
    page.locator(".trades-bar .trade-bot", has_text="trend").click()

    expect(page.locator(".wb.candles")).to_have_attribute("data-trades", "2")
    assert prices(page) == []
    page.locator(".trades-bar .trade-bot", has_text="trend").click()
    expect(page.locator(".wb.candles")).to_have_attribute("data-trades", "4")


def test_news_moves_a_stop_closes_a_trade_and_opens_another_without_the_chart_anew(page):
    page.evaluate("window.lines = [...document.querySelector('.wb.candles').trades.waits.values()]")
    page.evaluate("window.bars = document.querySelector('.wb.candles').chart.feed.rows")
    moved = HELD | {"stop": 7150.0}
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 1, "rev": 2, "trading": trading(CLOSED, [moved])})
    drew(page, 2)
    assert prices(page) == [7150.0, 7400.0, 7600.0]
    assert page.evaluate(
        "lines.every((l, n) => l === [...document.querySelector('.wb.candles').trades.waits.values()][n])"
    )

    closed = trade(290, 295)
    news = {"kind": "diff", "since": 2, "rev": 3, "trades": [closed], "trading": trading([*CLOSED, closed])}
    page.evaluate("m => tell(m)", news)
    drew(page, 3)
    assert prices(page) == []
    expect(page.locator(".trades-bar .trade-sums")).to_contain_text("0 open · 4 closed")

    late = trade(297, None, "learning", -1.0, stop=7500.0, told=FIRST)
    news = {"kind": "diff", "since": 3, "rev": 4, "trading": trading([*CLOSED, closed], [late])}
    page.evaluate("m => tell(m)", news)
    drew(page, 4)
    assert prices(page) == [7500.0]
    assert (
        page.evaluate("[...document.querySelector('.wb.candles').trades.waits.values()][0].options().title")[0] == "◷"
    )
    hover(page, -1)
    expect(page.locator(".trade-tip")).to_contain_text("stale: last heard of")
    assert page.evaluate("bars === document.querySelector('.wb.candles').chart.feed.rows")


def test_a_chart_without_a_desk_has_no_trades_bar_and_one_without_trades_says_so(opened):
    reopen(opened, chart(300))
    expect(opened.locator(".trades-bar")).to_be_hidden()

    reopen(opened, chart(300, trading=trading([])))
    expect(opened.locator(".trades-bar .trade-sums")).to_have_text("No bot has traded BTC/USD in these bars")


def test_two_thousand_trades_are_counted_where_they_are_too_many_and_told_when_zoomed(opened):
    many = [trade(n % 290, n % 290 + 3, ("a", "b", "c")[n % 3], id=str(n)) for n in range(2000)]
    reopen(opened, chart(300, trades=many, trading=trading(many, older=412)))

    expect(opened.locator(".trades-bar .trade-sums")).to_contain_text("412 older left out")
    expect(opened.locator(".trades-bar .trade-sums")).to_contain_text("zoom in for each")
    shown = "document.querySelector('.wb.candles').trades.marks.map((m) => m.count)"
    until(lambda: sum(opened.evaluate(shown)) == int(data(opened, "signs")))
    assert len(opened.evaluate(shown)) < 100
    apart = "document.querySelector('.wb.candles').trades.marks.map((m) => m.x)"
    assert opened.evaluate(apart) == sorted(opened.evaluate(apart))


@pytest.fixture
def trapped(browser):
    with candle_page(browser) as found:
        fired = []
        found.on("console", lambda message: fired.append(message.text) if "FIRED" in message.text else None)
        found.evaluate(f"() => {{ {WATCH} }}")
        yield found, fired


def test_hostile_names_and_reasons_stay_text(trapped):
    page, fired = trapped
    rows = [trade(210 + n % 80, 212 + n % 80, text, id=f"t{n}", reason=text) for n, text in enumerate(PAYLOADS)]
    held = [HELD | {"id": f"h{n}", "by": text} for n, text in enumerate(PAYLOADS[:20])]
    bots = {text: {"dark": "#58a6ff", "light": "#1f6feb"} for text in PAYLOADS}
    reopen(page, chart(300, trades=rows, trading={"open": held, "bots": bots, "older": 0}))

    assert set(
        page.locator(".trades-bar .trade-bot .trade-name").evaluate_all("all => all.map((n) => n.textContent)")
    ) == set(PAYLOADS)
    page.locator(".wb.candles").focus()
    for _ in range(60):
        page.keyboard.press(",")
    expect(page.locator(".trade-tip")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Shift+B")
    touched = page.evaluate(PROVOKE)

    assert (fired, touched) == ([], 0)
    assert page.locator(":is(.trades-bar, .trade-tip) :not(button, span, kbd, p, strong)").count() == 0


def test_a_finger_tells_a_trade_on_a_phone_and_all_is_in_its_width(browser):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
    with candle_page(browser, chart(300, trades=CLOSED, trading=trading(CLOSED, [HELD])), **phone) as page:
        page.wait_for_function("Number(document.querySelector('.wb.candles').dataset.marks) > 1")
        box = page.locator(".pane").bounding_box()
        x, y = page.evaluate(
            "(() => { const m = document.querySelector('.wb.candles').trades.marks.at(-1); return [m.x, m.y]; })()"
        )
        page.touchscreen.tap(box["x"] + x + 8, box["y"] + y + 8)
        expect(page.locator(".trade-tip")).to_contain_text("open, now")
        tip = page.locator(".trade-tip").bounding_box()

        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tip["x"] >= 0
        assert tip["x"] + tip["width"] <= 390
        assert page.locator(".trades-bar .trade-toggle").bounding_box()["height"] >= 40


def call(page, expression):
    script = f"async () => {{ const m = await import('/candles/trade_marks.js'); return {expression}; }}"
    return page.evaluate(script)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("m.coins('BTC/USDT:USDT')", ["BTC", "USDT"]),
        ("m.coins('odd')", ["odd", ""]),
        ("m.quantity(0.30000000000000004)", "0.3"),
        ("m.quantity(123456)", "123,456"),
        ("m.quantity(null)", "–"),
        ("m.gained({amount: -2, in: [0, 100]}, 90)", 20),
        ("m.gained({amount: null, in: [0, 100]}, 90)", None),
        ("m.label({way: 'out', price: 101, trade: {by: 'a', pnl: -3}}, 2, false)", "a −3.00 @ 101.00"),
        ("m.label({way: 'in', price: 101, trade: {by: 'a', amount: -2}}, 2, false)", "a short 2 @ 101.00"),
        ("m.label({way: 'out', price: 101, trade: {by: 'a', pnl: null}}, 2, true)", "–"),
        (
            "m.sums([{out: [1, 2], pnl: 3}, {out: null}, {out: [1, 2], pnl: null}])",
            {"closed": 2, "open": 1, "pnl": None},
        ),
    ],
)
def test_what_is_told_of_a_trade_reads_as_promised(opened, expression, value):
    assert call(opened, expression) == value


def test_signs_are_in_the_order_of_time_and_a_short_goes_in_by_selling(opened):
    steps = """(() => {
      const [long, short] = [{ in: [5, 1], out: [9, 2], amount: 1 }, { in: [2, 3], out: null, amount: -1 }];
      const signs = m.signsOf([long, short, { in: [1, null], out: null, amount: 1 }]);
      return [signs.map((s) => [s.ms, s.way, s.buys]), m.between(signs, 5, 9).length, m.between(signs, 6, 8).length];
    })()"""

    assert call(opened, steps) == [[[2, "in", False], [5, "in", True], [9, "out", False]], 2, 0]


def test_no_sign_is_lost_in_marks_that_count(opened):
    steps = """(() => {
      const signs = Array.from({ length: 500 }, (_, n) => ({ ms: n, price: 100 + (n % 7), trade: { id: n } }));
      return [0.5, 5, 50].map((wide) => {
        const marks = m.marksOf(signs, (ms) => ms * wide, (price) => price * 3);
        return [marks.reduce((sum, mark) => sum + mark.count, 0), marks.length, marks.filter(m.single).length];
      });
    })()"""

    (total, few, alone), (_, more, _), (_, every, single) = call(opened, steps)

    assert (total, every, single, alone) == (500, 500, 500, 0)
    assert few < more < every


def test_ten_thousand_trades_on_half_a_million_bars_are_counted_then_told_on_zooming(browser):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4, 500_000)))
    index = pd.date_range("2018-01-01", periods=len(close), freq="min", tz="UTC", name=INDEX, unit="ms")
    table = pd.DataFrame(
        {"open": close, "high": close * 1.001, "low": close * 0.999, "close": close, "volume": 1.0}, index
    )
    at = np.sort(rng.integers(0, len(close) - 100, 10_000))
    opened, left = index[at].to_pydatetime(), index[at + 60].to_pydatetime()
    marks = [
        TradeMark(opened[n], close[k], left[n], close[k + 60], 1.0, ("a", "b")[n % 2], 1.0) for n, k in enumerate(at)
    ]
    panel = HistoryPanel(table, "BTC/USD", "1m", marks)
    with candle_page(browser) as page:
        page.evaluate("given => open_chart(given)", {"history": panel.history, "trading": panel.trading})
        answer(page, panel)
        expect(page.locator(".trades-bar .trade-sums")).to_contain_text("20,000 signs in")
        assert page.locator(".trades-bar .trade-bot .figure").all_inner_texts() == ["5,000", "5,000"]

        page.locator(".trades-bar .trade-bot", has_text="a").first.click()
        answer(page, panel)
        expect(page.locator(".trades-bar .trade-sums")).to_contain_text("10,000 signs in")

        box = page.locator(".pane").bounding_box()
        page.mouse.move(box["x"] + 400, box["y"] + 100)
        for _ in range(60):
            page.mouse.wheel(0, -1200)
            page.wait_for_timeout(150)  # a zoom is over when it has paused
            answer(page, panel, asked=False)
            if data(page, "trades") != "0" and 0 < int(data(page, "signs")) < 60:
                break
        expect(page.locator(".trades-bar .trade-sums")).to_contain_text("closed +")


def answer(page, panel, asked=True):
    """What the page has asked for last, as its kernel would."""
    if asked:
        page.wait_for_function("said.some((m) => m.kind === 'look')")
    looks = [message for message in page.evaluate("window.said.splice(0)") if message["kind"] == "look"]
    if looks:
        last = looks[-1]
        about, rows = panel.look(last["from"], last["to"], last["most"], frozenset(last["hidden"]))
        page.evaluate(
            "([m, b]) => tell(m, b)", [{"kind": "bars", "ask": last["ask"], **about}, base64.b64encode(rows).decode()]
        )


@pytest.fixture(scope="module")
def charted():
    notebook = ROOT / "tests" / "support" / "live_page.ipynb"
    with PageServer("--port", "0", "--heated", "1", "--viewers", "6", notebook=notebook) as page:
        yield page


@pytest.mark.timeout(400)
def test_a_real_desks_bot_is_seen_to_hold_with_its_stop_and_to_close(browser, charted, tmp_path):
    visits = Visits(browser, charted)
    with LiveDesk(tmp_path) as desk:
        charted.wait_until_warm(90)
        query = urlencode({"venue": desk.url, "home": str(tmp_path), "symbol": "BTC/USD"})
        page = visits(query, ready=".wb.candles")
        expect(page.locator(".trades-bar .trade-sums")).to_have_text("No bot has traded BTC/USD in these bars")
        desk.let(run=True)
        page.wait_for_function("Number(document.querySelector('.wb.candles').dataset.waits) > 0")
        desk.let(run=False)
        until(lambda: prices(page)[0] == pytest.approx(stop_of(desk)))
        held = [one for one in desk.statuses()["trend"]["positions"] if one["symbol"] == "BTC/USD"]
        shown = page.evaluate("document.querySelector('.wb.candles').trades.open[0]")
        assert (shown["by"], shown["in"][1], shown["amount"]) == ("trend", held[0]["entry_price"], held[0]["amount"])
        assert len(shown["targets"]) == 3
        page.evaluate("window.news = document.querySelector('.wb.candles').chart.feed.rows")

        desk.halt()

        expect(page.locator(".trades-bar .trade-sums")).to_contain_text("0 open · 1 closed")
        assert prices(page) == []
        assert page.evaluate("news === document.querySelector('.wb.candles').chart.feed.rows"), (
            "the chart was sent anew"
        )
        page.locator(".wb.candles").focus()
        page.keyboard.press(".")
        expect(page.locator(".trade-tip")).to_contain_text("trend · long")
        expect(page.locator(".trade-tip")).to_contain_text("P&L")
        visits.leave()


def stop_of(desk):
    """What the bot says now: it moves up with the price."""
    return next(one["stop"] for one in desk.statuses()["trend"]["positions"] if one["symbol"] == "BTC/USD")
