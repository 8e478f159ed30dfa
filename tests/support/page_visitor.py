"""A person at the page without a browser: logs in, opens it, and speaks with its kernel over the real WebSocket."""

import json
import re
import uuid
from contextlib import contextmanager

import httpx
from websockets.sync.client import connect

KERNEL_ID = re.compile(r'"kernelId": "([0-9a-f-]{36})"')
MODEL_ID = re.compile(r'"model_id": "([0-9a-f]{32})"')


class PageVisitor:
    """`cookie` is the session. `opened` gives lines to kernels of one's own, `line_to` one to any kernel."""

    def __init__(self, page, **said):
        self.page, self.web = page, httpx.Client(base_url=page.url, timeout=120)
        self.login = self.web.post("/login", data=said)

    @property
    def cookie(self):
        return "; ".join(f"{name}={value}" for name, value in self.web.cookies.items())

    @contextmanager
    def opened(self):
        """A page and its line; the kernel ends with it."""
        html = self.web.get("/").text
        kernel_id = KERNEL_ID.search(html)[1]
        try:
            with self.line_to(kernel_id) as socket:
                yield PageTalk(socket, MODEL_ID.search(html)[1], html, kernel_id)
        finally:
            self.web.post(f"/voila/api/shutdown/{kernel_id}")

    def line_to(self, kernel_id):
        address = f"{self.page.url.replace('http', 'ws')}api/kernels/{kernel_id}/channels?session_id={uuid.uuid4().hex}"
        return connect(address, proxy=None, additional_headers={"Cookie": self.cookie}, max_size=None, open_timeout=120)


class PageTalk:
    """What a page says to its kernel, in Jupyter's older frames of JSON."""

    def __init__(self, socket, model_id, html, kernel_id):
        self.socket, self.model_id, self.html, self.kernel_id = socket, model_id, html, kernel_id

    def say(self, content, model_id=""):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "comm_msg", "session": "s", "username": "", "version": "5.3"}
        data = {"method": "custom", "content": content}
        message = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell"}
        self.socket.send(json.dumps({**message, "content": {"comm_id": model_id or self.model_id, "data": data}}))

    def heard(self, wanted):
        """The first message of a widget that `wanted` takes. Waits for it: two minutes, on a busy machine."""
        while True:
            frame = self.socket.recv(timeout=120)
            message = json.loads(frame if isinstance(frame, str) else _first(frame))
            content = message["content"].get("data", {}).get("content") if message["msg_type"] == "comm_msg" else None
            if isinstance(content, dict) and wanted(content):
                return content

    def asked(self, line):
        """The reply to a line of the grammar."""
        question = uuid.uuid4().hex
        self.say({"kind": "ask", "id": question, "line": line})
        told = self.heard(lambda one: one.get("id") == question and one.get("phase") in ("done", "refused"))
        return told.get("reply") or {"ok": False, "error": told["error"]}


def _first(frame):
    """The text of a frame that has buffers behind it."""
    count = int.from_bytes(frame[:4], "big")
    begins = [int.from_bytes(frame[4 * n : 4 * n + 4], "big") for n in range(1, count + 1)] + [None]
    return frame[begins[0] : begins[1]].decode()
