"""The page's own line to its kernel: messages as Jupyter's server reads them, widgets found late."""

import base64
import json

import pytest
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_desk_page import until

pytestmark = pytest.mark.browser
LIVE = ".wb.desk[data-phase=live]"
PACKED = """async ([channel, content, buffers]) => {
  const {packed} = await import("/wire.js");
  const bytes = buffers.map((text) => new TextEncoder().encode(text));
  return [...packed({channel, header: {msg_type: "comm_msg"}, content, buffers: bytes})];
}"""
UNPACKED = """async (frame) => {
  const {unpacked} = await import("/wire.js");
  const bytes = Uint8Array.from(atob(frame), (letter) => letter.charCodeAt(0));
  const said = unpacked(bytes.buffer);
  return {...said, buffers: said.buffers.map((part) => new TextDecoder().decode(part))};
}"""
LATE = """async () => {
  const {Models} = await import("/models.js");
  const said = [], changes = [];
  const models = new Models({say: (type, content) => said.push([type, content.comm_id, content.data.method])});
  const told = (data, buffers = []) =>
    models.hear({header: {msg_type: "comm_msg"}, buffers, content: {comm_id: "late", data}});
  const waiting = Promise.all([models.get("late"), models.get("late")]);
  told({method: "update", state: {name: "a part"}, buffer_paths: []});
  told({method: "update", state: {_model_name: "M", name: "bot", raw: null}, buffer_paths: [["raw"]]}, ["bytes"]);
  const [model, same] = await waiting;
  const [first, raw] = [model.get("name"), model.get("raw")];
  model.on("change:name change:raw", (_, value) => changes.push(value));
  model.on("msg:custom", (content) => changes.push(content.words));
  told({method: "update", state: {name: "other"}, buffer_paths: []});
  told({method: "custom", content: {words: "hello"}});
  model.off("change:name change:raw");
  told({method: "update", state: {name: "third"}, buffer_paths: []});
  return {said, first, raw, name: model.get("name"), changes, same: model === same};
}"""


@pytest.mark.parametrize("buffers", [[], ["one"], ["", "two", "Grüße"]])
def test_a_message_is_read_by_the_server_as_it_was_written(page_modules, buffers):
    content = {"comm_id": "a", "data": {"words": "Köln 🌊", "n": [1, 2.5, None]}}

    frame = bytes(page_modules.evaluate(PACKED, ["shell", content, buffers]))
    channel, parts = deserialize_msg_from_ws_v1(frame)

    assert channel == "shell"
    assert [part.decode() for part in parts[4:]] == buffers
    header, parent, metadata, told = (json.loads(part) for part in parts[:4])
    assert (header, parent, metadata, told) == ({"msg_type": "comm_msg"}, {}, {}, content)


@pytest.mark.parametrize("buffers", [[], ["one"], ["", "two", "Grüße"]])
def test_a_message_of_the_server_is_read_as_it_was_written(page_modules, buffers):
    parts = ['{"msg_type": "status"}', "{}", "{}", '{"execution_state": "läuft"}', *buffers]

    frame = serialize_msg_to_ws_v1([part.encode() for part in parts], "iopub")
    said = page_modules.evaluate(UNPACKED, base64.b64encode(frame).decode())

    assert said["channel"] == "iopub"
    assert said["header"] == {"msg_type": "status"}
    assert said["content"] == {"execution_state": "läuft"}
    assert said["buffers"] == buffers


def test_a_widget_made_before_the_page_could_hear_is_asked_for(page_modules):
    told = page_modules.evaluate(LATE)

    assert told["said"] == [["comm_msg", "late", "request_state"]]
    assert (told["first"], told["raw"], told["name"]) == ("bot", "bytes", "third")
    assert told["changes"] == ["other", "hello"]
    assert told["same"]


def test_the_page_is_one_request_and_one_line(browser, served):
    """JupyterLab's scripts are 90 requests and 4.6 MB; and none of ours is compiled from text on the page."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    watched, asked, lines = Watched(context), [], []
    watched.page.goto(served.address())
    watched.page.wait_for_selector(LIVE, timeout=PATIENCE_MS)
    watched.page.on("websocket", lambda line: lines.append(line))
    context.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)

    answer = watched.page.goto(served.url)
    watched.page.wait_for_selector(LIVE, timeout=PATIENCE_MS)

    assert "unsafe-eval" not in answer.header_value("content-security-policy")
    assert [url for url in asked if "/api/shutdown/" not in url] == [served.url]
    assert len(lines) == 1
    watched.page.goto("about:blank")
    context.close()
    assert watched.errors == []


def test_a_broken_line_is_taken_up_again(browser, served):
    """The same page, the same kernel, live figures again."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script("""const Plain = WebSocket; window.lines = [];
      window.WebSocket = class extends Plain { constructor(...told) { super(...told); window.lines.push(this); } };""")
    page = context.new_page()
    page.goto(served.address("every=0.2"))
    page.wait_for_selector(LIVE, timeout=PATIENCE_MS)
    seq = lambda: int(page.locator(".wb.desk").get_attribute("data-seq"))  # noqa: E731

    page.evaluate("lines[0].close()")
    until(lambda: page.evaluate("lines.length > 1 && lines.at(-1).readyState === WebSocket.OPEN"))
    before = seq()

    until(lambda: seq() > before + 3)
    page.goto("about:blank")
    context.close()


def test_a_page_that_heard_nothing_of_its_widget_asks_for_it(browser, served):
    """A forked kernel knows no control channel of widgets, and what it said before the line was there is lost."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script("""const Plain = WebSocket;
      window.WebSocket = class extends Plain {
        set onmessage(hear) { super.onmessage = (event) => document.readyState === "loading" || hear(event); }
      };""")
    watched = Watched(context)

    watched.page.goto(served.address())
    watched.page.wait_for_selector(LIVE, timeout=PATIENCE_MS)

    watched.page.goto("about:blank")
    context.close()
    assert watched.errors == []
