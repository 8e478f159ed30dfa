"""A live chart in a real browser, while 100 markets arrive at 10 messages a second each.

tick_to_pixel_p50_ms, tick_to_pixel_p99_ms : from the exchange's send to the frame that shows it, by one clock. A tick
that a newer one has overtaken counts as shown when the newer one is.
kernel_core_fraction : what the kernel of one chart takes of a core while its market alone arrives at that pace, a bar
closing every four messages; kernel_core_fraction_100 with all of them. From when the fan stands: what is learned once,
on 5,000 bars, is not counted.
drawing_ms : from the mouse button's release to the value in Python, after the ledger has it; median.
frames_per_s : while 5,000 candles are panned by the mouse.
heap_mb : growth of the page's JavaScript heap over the measured ticks, after collection; `ticks` says how many.

Needs Chromium and the package playwright; raises StartError where one is missing.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from workbench.bench.browser import chromium, find_chromium
from workbench.bench.page_server import PageServer
from workbench.bench.venue_process import listening, served
from workbench.domain.errors import StartError
from workbench.market import sample

MARKETS, SPEED = 100, 4500.0  # a step is 450 market seconds: ten messages a second for each market
NOTEBOOK = Path(__file__).with_name("live_page.ipynb")
LIVE = ".wb.candles[data-state=live]"
STREAM = "c00usd@kline_30m"
SETTLE_S = 2.0
_START = pd.Timestamp("2019-01-01", tz="UTC")
# when each newest bar first stood in a frame: two frames after it was drawn on the canvas at the latest
WATCH = """() => {
  const chart = document.querySelector('.wb.candles').chart;
  window.shownAt = {};
  const look = () => {
    const row = chart.feed.newest;
    const key = row && `${row[0]}:${row[5].toFixed(8)}`;
    if (key && !(key in shownAt)) requestAnimationFrame(() => { shownAt[key] ??= Date.now(); });
    requestAnimationFrame(look);
  };
  look();
}"""
FRAMES = """(ms) => new Promise((done) => {
  const at = [];
  const tick = (now) => { at.push(now); now - at[0] < ms ? requestAnimationFrame(tick) : done(at); };
  requestAnimationFrame(tick);
})"""


def figures(quick: bool) -> dict[str, float]:
    program = find_chromium("live")
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbench-bench-")))
        url, sent = stack.enter_context(_venue(home))
        return _looked(stack.enter_context(chromium(program)), home, url, sent, 8.0 if quick else 60.0)


def _looked(browser: Any, home: Path, url: str, sent: dict[str, float], seconds: float) -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        with PageServer("--port", "0", "--heated", "1", notebook=NOTEBOOK, cwd=home) as page:
            found = _measured(browser, page, home, url, sent, seconds)
    except subprocess.TimeoutExpired:
        if not found:  # a server that ends slowly is killed; what it showed before stays true
            raise
    return found


def _measured(
    browser: Any, page: PageServer, home: Path, url: str, sent: dict[str, float], seconds: float
) -> dict[str, float]:
    alone, kernel = _opened(browser, page, home, url, 1, 5000)
    core = _core(kernel, seconds)
    drawing = _drawing(alone, 3 if seconds < 30 else 20)
    frames = _panned(alone)
    alone.goto("about:blank")
    crowd, kernel = _opened(browser, page, home, url, MARKETS, 500)
    crowd.evaluate(WATCH)
    heap = _heap_mb(crowd)
    sent.clear()
    busy = _core(kernel, seconds)
    shown = crowd.evaluate("window.shownAt")
    ticks = dict(sent)
    grown = _heap_mb(crowd) - heap
    crowd.goto("about:blank")
    return {
        **_delays(ticks, shown),
        "kernel_core_fraction": core,
        "kernel_core_fraction_100": busy,
        "drawing_ms": drawing,
        "frames_per_s": frames,
        "heap_mb": grown,
    }


def _opened(browser: Any, page: PageServer, home: Path, url: str, markets: int, history: int) -> tuple[Any, Any]:
    """A page with a live chart, and its kernel."""
    page.wait_until_warm(90)
    before = {kernel.pid for kernel in page.kernels()}
    view = browser.new_context(viewport={"width": 1280, "height": 640}).new_page()
    asked = {"venue": url, "home": str(home), "markets": markets, "history": history}
    view.goto(page.address(urlencode(asked)), timeout=120_000)
    view.wait_for_selector(LIVE, timeout=120_000)
    arrive = f"document.querySelector('.python-value')?.innerText.endsWith(' {markets}')"
    view.wait_for_function(arrive, timeout=240_000)
    view.wait_for_function("document.querySelector('.wb.candles').chart.feed.parts.overlay", timeout=120_000)
    kernel = next(kernel for kernel in page.kernels() if kernel.pid in before)
    _settle(page, kernel)
    return view, kernel


def _settle(page: PageServer, kernel: Any) -> None:
    """Until the kernel that is made ready for the next viewer rests, twice in a row: it is not what is measured."""
    spent, rests = -1.0, 0
    while rests < 2:
        time.sleep(SETTLE_S)
        others = [one for one in page.kernels() if one.pid != kernel.pid]
        before, spent = spent, sum(sum(one.cpu_times()[:2]) for one in others)
        rests = rests + 1 if others and spent - before <= 0.02 else 0


def _core(kernel: Any, seconds: float) -> float:
    spent, began = sum(kernel.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    return (sum(kernel.cpu_times()[:2]) - spent) / (time.perf_counter() - began)


def _drawing(view: Any, count: int) -> float:
    """Levels drawn by mouse."""
    box, took = view.locator(".pane").bounding_box(), []
    view.locator(".wb.candles").focus()
    view.keyboard.press("h")
    for number in range(count):
        view.mouse.move(box["x"] + 300, box["y"] + 40 + 8 * number)
        view.mouse.down()
        at = view.evaluate("Date.now()")
        view.mouse.up()
        view.wait_for_function(f"document.querySelector('.python-value').innerText.startsWith('{number + 1} ')")
        took.append(float(view.locator(".python-value").inner_text().split()[1]) - at)
    view.keyboard.press("Escape")
    return statistics.median(took)


def _panned(view: Any) -> float:
    """All candles in sight, dragged to and fro; frames a second."""
    view.evaluate("document.querySelector('.wb.candles').chart.time.fitContent()")
    box = view.locator(".pane").bounding_box()
    x, y = box["x"] + 500, box["y"] + 60
    view.mouse.move(x, y)
    view.mouse.down()
    view.evaluate(f"window.frames = ({FRAMES})(3000)")
    end = time.monotonic() + 3.0
    step = 0
    while time.monotonic() < end:
        step += 1
        view.mouse.move(x + 300 * np.sin(step / 15), y)
    at = view.evaluate("window.frames")
    view.mouse.up()
    return 1000 * (len(at) - 1) / (at[-1] - at[0])


def _heap_mb(view: Any) -> float:
    session = view.context.new_cdp_session(view)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    session.detach()
    return used


def _delays(sent: dict[str, float], shown: dict[str, float]) -> dict[str, float]:
    """Of every tick that was followed by one that the page showed."""
    order = sorted(sent, key=lambda key: sent[key])
    delays: list[float] = []
    nearest: float | None = None
    for key in reversed(order):
        if key in shown:
            nearest = shown[key] if nearest is None else min(nearest, shown[key])
        if nearest is not None:
            delays.append(nearest - sent[key])
    if not delays:
        raise RuntimeError("no tick ever reached the screen")
    p50, p99 = np.percentile(delays, [50, 99])
    return {"tick_to_pixel_p50_ms": float(p50), "tick_to_pixel_p99_ms": float(p99), "ticks": float(len(delays))}


@contextlib.contextmanager
def _venue(home: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """The exchange, and when it sent each word of the charted market (epoch ms), by bar and volume."""
    sent: dict[str, float] = {}
    ready, loop, end = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    told: list[str] = []

    async def run() -> None:
        args = (
            "--candles",
            _markets(home / "markets.parquet"),
            "--from",
            _START.isoformat(),
            "--speed",
            str(SPEED),
            "--stamp",
        )
        async with served(*args) as venue, listening(venue, [STREAM]) as socket:
            told.append(venue.url)
            ready.set()
            listener = asyncio.create_task(_note(socket, sent))
            await end.wait()
            listener.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    if not ready.wait(120):
        raise StartError("live: the exchange did not start")
    try:
        yield told[0], sent
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)


async def _note(socket: Any, sent: dict[str, float]) -> None:
    async for message in socket:
        said = json.loads(message.data)
        kline = said.get("k")
        if kline:
            sent.setdefault(f"{kline['t']}:{float(kline['v']):.8f}", said["sent"] / 1e6)


def _markets(path: Path) -> str:
    """Candles of all markets, the recorded coins each twenty times, a week apart; the first with a long past."""
    coins, tables = list(sample.load_all().values()), []
    for number in range(MARKETS):
        shift = pd.Timedelta(weeks=number // len(coins))
        table = coins[number % len(coins)]
        past = pd.Timedelta(days=3 if number else 120)
        moved = table.set_axis(table.index + shift)[_START - past : _START + pd.Timedelta(days=60)]
        tables.append(moved.assign(symbol=f"C{number:02}/USD"))
    pd.concat(tables).reset_index(names="ts").to_parquet(path)
    return str(path)
