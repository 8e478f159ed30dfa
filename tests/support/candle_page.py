"""The candle panel's bundle on an empty page, its kernel played by the test."""

import base64
import http.server
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.support.page_server import ROOT
from workbench.widgets.tokens import css_variables

STATIC = ROOT / "workbench" / "widgets" / "static"
PAGE = Path(__file__).with_suffix(".html")
STEP = 1_800_000
FIRST = 1_528_156_800_000


def row(n, close=None, volume=5.0):
    """The n-th bar: all numbers follow from n."""
    base = 7000.0 + (n * 37) % 400
    close = base + 12.5 if close is None else close
    return [FIRST + n * STEP, base, max(base, close) + 10.0, min(base, close) - 10.0, close, volume]


def chart(bars, rev=1, **parts):
    """A snapshot of `bars` bars, as `LiveChartRenderer.snapshot` gives it."""
    about = {"symbol": "BTC/USD", "timeframe": "30m", "step": STEP, "age_ms": 0}
    empty = dict.fromkeys(("forming", "overlay", "ribbon", "confidence", "mode"))
    status = {"state": "live", "words": ""}
    rows = [row(n) for n in range(bars)]
    return {"kind": "chart", "rev": rev, "bars": rows, **about, **empty, "status": status, **parts}


def reopen(page, snapshot, shown=()):
    """The widget anew on the same page, which has said nothing yet; `candles` is its chart."""
    page.evaluate("given => open_chart(given)", {"snapshot": snapshot, "shown": list(shown)})
    page.wait_for_function("document.querySelector('.wb.candles')?.dataset.rev >= 0")
    page.evaluate("window.candles = document.querySelector('.wb.candles').chart")


def serve_looks(page, panel):
    """Answer the newest look that the page has asked for, as its kernel would: bars of a candle. None: not asked."""
    page.wait_for_function("said.some((m) => m.kind === 'look') || document.querySelector('.history').dataset.merged")
    looks = [message for message in page.evaluate("window.said.splice(0)") if message["kind"] == "look"]
    if not looks:
        return None
    about, rows = panel.look(looks[-1]["from"], looks[-1]["to"], looks[-1]["most"])
    answer = {"kind": "bars", "ask": looks[-1]["ask"], **about}
    page.evaluate("([m, b]) => tell(m, b)", [answer, base64.b64encode(rows).decode()])
    return about["merged"]


@contextmanager
def candle_page(browser, snapshot=None, shown=(), **how):
    """A page of `browser` with the widget open."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(STATIC))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = {"viewport": {"width": 1100, "height": 620}, "timezone_id": "Europe/Berlin"}
        page = browser.new_page(**settings | how)
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.server_port}/candle_page.html")
        page.wait_for_function("window.ready")
        reopen(page, snapshot or chart(300), shown)
        yield page
        assert errors == []
        page.close()
        server.shutdown()


class _Files(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        own = {"/candle_page.html": PAGE.read_text, "/tokens.css": lambda: css_variables(".wb")}
        if self.path not in own:
            super().do_GET()
            return
        body = own[self.path]().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("html") else "text/css")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
