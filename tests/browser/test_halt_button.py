"""The halt button as a trader meets it: on a real exchange with real bots, and nobody leading a desk."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visits
from tests.browser.test_desk_page import text, until
from tests.support.desk_page_floor import PageFloor
from tests.support.desk_views import EVIL
from tests.support.page_server import PageServer
from workbench.commands.catalogue import find
from workbench.dashboard.page_settings import NOTEBOOK
from workbench.domain.desk import DeskState
from workbench.widgets import desk_wire as wire

pytestmark = pytest.mark.browser


@pytest.fixture
def floor(tmp_path):
    with PageFloor(tmp_path / "home") as floor:
        yield floor


@pytest.fixture
def page(browser, floor):
    with PageServer("--port", "0", "--heated", "0", notebook=NOTEBOOK, env=floor.env) as served:
        visits = Visits(browser, served)
        page = visits(ready=".wb.desk[data-phase=live]")
        page.kernel = served.kernel
        yield page
        visits.leave()


def typed(page, word):
    page.locator("button.halt").click()
    page.locator(".halt-form .typed").fill(word)


def test_a_typed_halt_leaves_the_venue_flat_and_a_code_releases_it(page, floor):
    until(lambda: page.locator(".positions tbody tr").count() > 0)
    assert any(floor.holdings().values())

    typed(page, "hal")
    words = text(page, ".halt-lead")
    assert words.startswith("Halt 2 bots, close ")
    assert "worth" in words
    assert "USD in fees" in words
    expect(page.locator(".halt-effects").first).to_contain_text("trend", use_inner_text=True)
    expect(page.locator(".halt-go")).to_be_disabled()
    page.keyboard.press("Enter")
    assert floor.ledger.states.all() == {}

    page.locator(".halt-form .typed").fill("halt")
    page.keyboard.press("Enter")
    expect(page.locator(".halt-dialog h2").first).to_contain_text("2 of 2 confirmed")
    outcomes = {
        row.locator(".halt-name").inner_text(): row.locator("b").inner_text()
        for row in page.locator(".halt-bots li").all()
    }
    assert outcomes == {"trend": "confirmed", "mean_reversion": "confirmed"}
    assert not any(floor.holdings().values())
    assert floor.open_orders() == []
    assert floor.ledger.states.all()["desk"].state is DeskState.HALTED

    page.locator(".release button", has_text="Release…").click()
    page.locator(".release-form").wait_for(state="visible", timeout=60_000)
    code = text(page, ".release-code")
    expect(page.locator(".release-form").first).to_contain_text("good for", use_inner_text=True)
    page.locator(".release-form .typed").fill("zzzzzz" if code != "zzzzzz" else "yyyyyy")
    page.keyboard.press("Enter")
    expect(page.locator(".release").first).to_contain_text("code is wrong")
    assert "desk" in floor.ledger.states.all()

    page.locator(".release button", has_text="Release…").click()
    page.locator(".release-form").wait_for(state="visible", timeout=60_000)
    page.locator(".release-form .typed").fill(text(page, ".release-code"))
    page.keyboard.press("Enter")
    until(lambda: floor.ledger.states.all() == {})

    page.keyboard.press("Escape")
    until(lambda: text(page, "button.halt") == "Halt")
    page.locator("button.halt").click()
    expect(page.locator(".halt-dialog h2").first).to_have_text("Every bot is halted", use_inner_text=True)
    expect(page.locator(".halt-lead").first).to_contain_text("/resume all", use_inner_text=True)
    expect(page.locator(".release")).to_be_hidden()


def test_a_page_that_lost_its_kernel_says_what_to_type_instead(page):
    page.evaluate("window.realNow = Date.now")
    kernel_id = json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]
    page.kernel(kernel_id).kill()
    page.evaluate("Date.now = () => window.realNow() + 120000")

    page.locator("button.halt").click()

    page.locator(".halt-instead").wait_for(state="visible", timeout=60_000)
    line = text(page, ".halt-instead code")
    assert line == "workbench ask '/halt all'"
    assert find(("halt",))


DIALOG = """
const sent = [], evil = EVIL;
const held = {positions: [{symbol: evil, value: 5}]};
const heard = {silentMs: null, now: Date.now(), dialogs: new Set()};
const store = {view: {state: "active"}, bots: [{id: evil, status: held}], ...heard};
const dialog = new m.HaltDialog(store, (message) => sent.push(message), true);
document.body.append(dialog.button, dialog.node);
dialog.open();
dialog.typed.value = "halt";
dialog.typed.dispatchEvent(new Event("input"));
dialog.form.requestSubmit();
"""


def scripted(page, evil, rest):
    script = DIALOG.replace("EVIL", json.dumps(evil)) + rest
    return page.evaluate(f"async () => {{ const m = await import('/halt.js'); {script} }}")


@pytest.mark.parametrize("evil", [name for name in EVIL if len(name) < 500])
def test_every_name_in_the_dialog_is_text(modules, evil):
    evil = wire.clean(evil)
    report = """
    const row = {id: evil, outcome: evil, confirmed: false, left: evil, why: evil};
    const told = {title: evil, ok: false, error: evil, bots: [row], notes: [evil]};
    dialog.hear({kind: "halt", id: sent[0].id, phase: "done", ...told});
    await new Promise((done) => setTimeout(done, 50));
    return [dialog.title.textContent, dialog.node.querySelectorAll("img, script, svg, iframe, a, link").length];"""

    title, tags = scripted(modules, evil, report)

    assert (title, tags) == (evil, 0)
    assert modules.evaluate("window.fired") is None


def test_a_halt_that_nobody_takes_up_says_within_seconds_what_to_type(modules):
    rest = """
    const before = dialog.instead.hidden;
    const real = Date.now;
    Date.now = () => real() + 4000;
    dialog.update();
    const after = dialog.instead.hidden;
    Date.now = real;
    return [before, after, dialog.progress.textContent, sent[0].typed];"""

    before, after, progress, typed = scripted(modules, "trend", rest)

    assert (before, after, typed) == (True, False, "halt")
    assert "waiting for this page's Python" in progress


def test_what_the_kernel_refuses_is_said_and_can_be_tried_again(modules):
    rest = """
    dialog.hear({kind: "halt", id: "another's", phase: "done", title: "not mine", bots: [], notes: []});
    const mine = dialog.title.textContent;
    dialog.hear({kind: "halt", id: sent[0].id, phase: "refused", error: "the ledger is locked"});
    return [mine, dialog.error.textContent, dialog.form.hidden, dialog.instead.hidden];"""

    assert scripted(modules, "trend", rest) == ["Halting all bots", "the ledger is locked", False, False]
