"""The live chart's own half, its kernel played: what it draws, what the mouse draws, what it costs."""

import pytest
from playwright.sync_api import expect

from tests.support.candle_page import FIRST, STEP, candle_page, chart, reopen, row

pytestmark = pytest.mark.browser
LEVEL = {"kind": "level", "price": 7200.0}


@pytest.fixture(scope="module")
def opened(browser):
    with candle_page(browser) as found:
        yield found


@pytest.fixture
def page(opened):
    """A chart of 300 bars, anew."""
    reopen(opened, chart(300))
    return opened


def said(page, kind):
    return [message for message in page.evaluate("window.said") if message["kind"] == kind]


def ink(page):
    """Which pixels of the chart differ from its ground: a number that changes with the picture."""
    script = """() => [...document.querySelectorAll('.pane canvas')].map((canvas) => {
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + 7 * data[i + 1]) % 1000000007;
      return sum;
    }).join(',')"""
    return page.evaluate(script)


def drew(page, rev):
    page.wait_for_function(f"said.some((m) => m.kind === 'drew' && m.rev >= {rev})")


def place(page, share_x, share_y):
    box = page.locator(".pane").bounding_box()
    return box["x"] + share_x * (box["width"] - 80), box["y"] + share_y * (box["height"] - 30)


def drag(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=6)
    page.mouse.up()


def drawn(drawing_id, shape, user="you", text=""):
    board = {"user": user, "symbol": "BTC/USD", "timeframe": "30m"}
    style = {"ink": "accent", "width": 1.5, "dash": "solid"}
    return {"id": drawing_id, **board, "shape": shape, "text": text, "style": style}


def test_a_word_of_the_market_is_seen_and_acknowledged(page):
    before = ink(page)

    page.evaluate("m => tell(m)", {"kind": "diff", "since": 1, "rev": 2, "forming": row(300, 7300.0), "age_ms": 20})
    drew(page, 2)

    assert ink(page) != before
    expect(page.locator(".ohlc")).to_contain_text("C\u00a07,300.00", use_inner_text=True)
    expect(page.locator(".ohlc")).to_contain_text("forming", use_inner_text=True)
    expect(page.locator(".state")).to_have_text("live · 0 s", use_inner_text=True)


def test_a_closed_bar_is_no_longer_forming_and_the_next_one_is(page):
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 1, "rev": 2, "forming": row(300, 7300.0)})
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 2, "rev": 3, "bars": [row(300, 7310.0)], "forming": None})
    drew(page, 3)
    expect(page.locator(".ohlc")).not_to_contain_text("forming", use_inner_text=True)

    page.evaluate("m => tell(m)", {"kind": "diff", "since": 3, "rev": 4, "forming": row(301, 7320.0)})
    drew(page, 4)
    expect(page.locator(".ohlc")).to_contain_text("forming", use_inner_text=True)
    expect(page.locator(".ohlc")).to_contain_text("2018-06-11 08:30", use_inner_text=True)


def test_a_missed_difference_is_asked_for(page):
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 7, "rev": 8, "forming": row(300)})

    assert said(page, "hello")[-1] == {"kind": "hello", "rev": 1}


def test_a_silent_kernel_and_a_silent_venue_are_stale_in_words(page):
    page.evaluate(
        "m => tell(m)",
        {"kind": "diff", "since": 1, "rev": 2, "status": {"state": "stale", "words": "x"}, "age_ms": 7000},
    )
    page.wait_for_selector(".wb.candles[data-state=stale]")
    expect(page.locator(".state")).to_have_text("◷ stale · 7 s", use_inner_text=True)

    page.evaluate(
        "m => tell(m)", {"kind": "diff", "since": 2, "rev": 3, "status": {"state": "live", "words": ""}, "age_ms": 0}
    )
    page.wait_for_selector(".wb.candles[data-state=live]")
    page.evaluate("window.now = Date.now; Date.now = () => window.now() + 4600")
    page.wait_for_selector(".wb.candles[data-state=stale]")
    page.evaluate("Date.now = window.now")
    assert "kernel" in page.locator(".state").get_attribute("title")


def test_a_level_by_key_and_click_snaps_to_the_bar(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("h")
    expect(page.locator("[aria-pressed=true]").first).to_have_attribute("title", "Level (H)")
    page.mouse.click(*place(page, 0.5, 0.4))
    page.keyboard.press("Escape")

    [act] = said(page, "draw")
    [drawing] = act["put"]
    assert drawing["shape"]["kind"] == "level"
    assert 6900 < drawing["shape"]["price"] < 7500
    expect(page.locator(".wb.candles")).to_have_attribute("data-drawings", "1")


def test_a_line_and_a_zone_by_dragging_stand_on_bars(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("t")
    drag(page, (0.2, 0.6), (0.6, 0.3))
    page.keyboard.press("z")
    drag(page, (0.3, 0.7), (0.7, 0.5))
    page.keyboard.press("Escape")

    line, zone = (act["put"][0]["shape"] for act in said(page, "draw"))
    assert line["kind"] == "line"
    assert line["start"]["at"] < line["end"]["at"]
    assert zone["kind"] == "zone"
    assert zone["low"] < zone["high"]
    assert zone["since"] < zone["until"]
    for at in (line["start"]["at"], line["end"]["at"], zone["since"], zone["until"]):
        assert (at - FIRST) % STEP == 0


def test_a_line_by_two_clicks_and_a_note_with_its_text(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("t")
    page.mouse.click(*place(page, 0.2, 0.6))
    page.mouse.click(*place(page, 0.5, 0.4))
    page.keyboard.press("a")
    page.mouse.click(*place(page, 0.4, 0.5))
    page.wait_for_selector("input.writer:focus")
    page.keyboard.type("<img src=x onerror=alert(1)> sweep")
    page.keyboard.press("Enter")

    line, note = (act["put"][0] for act in said(page, "draw"))
    assert line["shape"]["kind"] == "line"
    assert note["text"] == "<img src=x onerror=alert(1)> sweep"
    assert page.locator(".wb.candles img").count() == 0


def test_what_is_selected_is_moved_and_deleted(page):
    reopen(page, chart(300), [drawn("d-1", LEVEL)])
    x, y = page.locator(".pane").bounding_box()["x"] + 300, page.evaluate(Y_OF, 7200.0)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=4)
    page.mouse.up()
    page.keyboard.press("Delete")

    moved, deleted = said(page, "draw")
    assert moved["put"][0]["id"] == "d-1"
    assert moved["put"][0]["shape"]["price"] > 7205
    assert deleted["drop"] == ["d-1"]
    expect(page.locator(".wb.candles")).to_have_attribute("data-drawings", "0")


def test_a_line_is_held_by_its_ends_or_taken_whole(page):
    ends = [{"at": FIRST + n * STEP, "price": price} for n, price in ((215, 7150.0), (260, 7300.0))]
    reopen(page, chart(300), [drawn("d-1", {"kind": "line", "start": ends[0], "end": ends[1], "extended": False})])
    xy = "([ms, price]) => { const box = document.querySelector('.pane').getBoundingClientRect();"
    xy += "return [box.left + candles.xOf(ms), box.top + candles.yOf(price)]; }"
    (x1, y1), (x2, y2) = (page.evaluate(xy, [end["at"], end["price"]]) for end in ends)
    pull(page, ((x1 + x2) / 2, (y1 + y2) / 2), (x1 + 80, y1))
    moved = said(page, "draw")[-1]["put"][0]["shape"]
    pull(page, page.evaluate(xy, [moved["end"]["at"], moved["end"]["price"]]), (x2 - 90, y2 + 40))
    held = said(page, "draw")[-1]["put"][0]["shape"]

    assert moved["end"]["at"] - moved["start"]["at"] == 45 * STEP
    assert moved["end"]["price"] - moved["start"]["price"] == pytest.approx(150.0)
    assert moved["start"] != ends[0]
    assert held["start"] == moved["start"]
    assert held["end"] != moved["end"]


def pull(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


Y_OF = "(price) => document.querySelector('.pane').getBoundingClientRect().top + candles.yOf(price)"


def test_others_drawings_are_shown_and_not_changed_and_a_refusal_is_said(page):
    reopen(page, chart(300), [drawn("d-9", LEVEL, user="bot:trend")])
    page.mouse.click(page.locator(".pane").bounding_box()["x"] + 300, page.evaluate(Y_OF, 7200.0))
    page.keyboard.press("Delete")
    assert said(page, "draw") == []

    page.keyboard.press("h")
    page.mouse.click(*place(page, 0.5, 0.4))
    [act] = said(page, "draw")
    expect(page.locator(".wb.candles")).to_have_attribute("data-drawings", "2")
    page.evaluate("m => tell(m)", {"kind": "refused", "page": act["page"], "turn": act["turn"], "words": "full"})
    expect(page.locator(".notice")).to_have_text("full", use_inner_text=True)
    expect(page.locator(".wb.candles")).to_have_attribute("data-drawings", "1")


def test_after_a_note_is_written_the_keys_of_the_chart_work_on(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("a")
    page.mouse.click(*place(page, 0.5, 0.4))
    page.locator("input.writer").fill("sold off here")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+z")

    assert [m["kind"] for m in page.evaluate("said") if m["kind"] in ("draw", "undo")] == ["draw", "undo"]


def test_undo_and_redo_are_asked_of_the_ledger(page):
    page.locator(".wb.candles").focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")

    assert [m["kind"] for m in page.evaluate("said") if m["kind"] in ("undo", "redo")] == ["undo", "redo"]


def test_drawing_does_not_pan_and_panning_does_not_draw(page):
    before = page.evaluate("candles.time.scrollPosition()")
    page.locator(".wb.candles").focus()
    page.keyboard.press("z")
    drag(page, (0.3, 0.7), (0.6, 0.4))
    page.keyboard.press("Escape")
    assert page.evaluate("candles.time.scrollPosition()") == before

    page.locator(".wb.candles").focus()
    page.keyboard.press("Escape")
    drag(page, (0.8, 0.12), (0.9, 0.12))
    assert page.evaluate("candles.time.scrollPosition()") != before
    assert len(said(page, "draw")) == 1


def test_the_price_axis_stays_while_a_bar_forms_and_the_newest_bar_keeps_its_place(page):
    top = page.evaluate("candles.yOf(7200)")
    at = page.evaluate("candles.time.scrollPosition()")
    for n, close in enumerate((7250.0, 7260.0, 7240.0)):
        page.evaluate("m => tell(m)", {"kind": "diff", "since": 1 + n, "rev": 2 + n, "forming": row(300, close)})
    drew(page, 4)

    assert page.evaluate("candles.yOf(7200)") == top
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 4, "rev": 5, "bars": [row(300)], "forming": row(301)})
    drew(page, 5)
    assert page.evaluate("candles.time.scrollPosition()") == at


def test_two_thousand_updates_leave_the_heap_where_it_was(page):
    reopen(page, chart(1000))
    session = page.context.new_cdp_session(page)

    def heap_mb():
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    page.evaluate(PLAY, [row(1000), STEP, 1, 40])
    first, nodes = heap_mb(), page.evaluate("document.querySelectorAll('*').length")
    page.evaluate(PLAY, [row(1010), STEP, 41, 2000])

    assert heap_mb() - first < 10
    assert page.evaluate("document.querySelectorAll('*').length") == nodes


def test_a_chart_made_before_it_has_a_place_is_seated_once_it_has_one(page):
    page.evaluate("document.getElementById('host').style.display = 'none'")
    reopen(page, chart(1000))
    page.evaluate("document.getElementById('host').style.display = ''")

    page.wait_for_function("candles.host.clientWidth > 0 && candles.barWidth > 4")
    shown = page.evaluate("candles.time.getVisibleLogicalRange()")
    assert 995 < shown["to"] < 1020
    assert shown["from"] > 800


# updates from revision `since`, forty a frame; every fourth closes a bar
PLAY = """async ([first, step, since, count]) => {
  let bar = [...first];
  for (let n = 0; n < count; n += 1) {
    const over = n % 4 === 3;
    bar = [bar[0], bar[1], bar[2], bar[3], bar[3] + ((n * 7) % 20), bar[5] + 1];
    const message = { kind: "diff", since: since + n, rev: since + n + 1, age_ms: 0, forming: over ? null : bar };
    if (over) { message.bars = [bar]; bar = [bar[0] + step, ...first.slice(1)]; }
    tell(message);
    if (n % 40 === 39) { await new Promise(requestAnimationFrame); said.length = 0; }
  }
  await new Promise(requestAnimationFrame);
}"""


def test_a_closed_chart_leaves_nothing_on_the_page(page):
    page.evaluate("close_chart()")

    assert said(page, "bye")
    expect(page.locator("canvas")).to_have_count(0)
    page.evaluate("m => tell(m)", {"kind": "diff", "since": 1, "rev": 2, "forming": row(300)})
