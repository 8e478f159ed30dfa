"""From the mouse's release in the pattern lab to similar windows on screen: 136 markets of 6,000 hourly bars.

brush_ms, brush_worst_ms : median and worst of brushes at different places, of 12 to 60 bars, in Chromium by its own
clock: from `pointerup` to the frame after the new cards were drawn. first_ms : the first brush after the page opened,
once its markets are read (the page does so unasked). kernel_ms : CPU of the kernel a brush.

Needs Chromium and the package playwright; raises StartError where one is missing.
"""

import statistics
import time
from pathlib import Path
from typing import Any

from workbench.bench.browser import chromium, find_chromium
from workbench.bench.page_server import PageServer

NOTEBOOK = Path(__file__).with_name("brush_page.ipynb")
READY = ".wb.lab[data-ready=yes]"
PATIENCE_MS = 120_000
# when new cards of similar windows first stood in a frame, by the clock that saw the button go up
WATCH = """() => {
  addEventListener("pointerup", () => {
    for (const card of document.querySelectorAll(".similar .card")) card.dataset.old = "yes";
    const began = performance.now();
    window.took = null;
    const look = () => {
      if (!document.querySelector(".similar .card:not([data-old])")) return requestAnimationFrame(look);
      requestAnimationFrame(() => { window.took = performance.now() - began; });
    };
    look();
  }, true);
}"""


def figures(quick: bool) -> dict[str, float]:
    program = find_chromium("brush")
    with chromium(program) as browser, PageServer("--port", "0", "--heated", "1", notebook=NOTEBOOK) as page:
        page.wait_until_warm(120)
        heated = {kernel.pid for kernel in page.kernels()}
        view = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        view.goto(page.address(), timeout=PATIENCE_MS)
        view.wait_for_selector(READY, timeout=PATIENCE_MS)
        kernel = next(kernel for kernel in page.kernels() if kernel.pid in heated)
        _rest(kernel)
        view.evaluate(WATCH)
        spent = sum(kernel.cpu_times()[:2])
        took = [_brushed(view, number) for number in range(6 if quick else 30)]
        work = (sum(kernel.cpu_times()[:2]) - spent) * 1e3 / len(took)
        view.goto("about:blank")
    return {
        "brush_ms": statistics.median(took),
        "brush_worst_ms": max(took),
        "first_ms": took[0],
        "kernel_ms": work,
    }


def _brushed(view: Any, number: int) -> float:
    """Milliseconds from letting go of the mouse to cards on screen."""
    box = view.locator(".pane").bounding_box()
    first, share, y = 0.05 + 0.6 * ((number * 0.37) % 1), 0.12 + 0.03 * (number % 5), box["y"] + box["height"] / 3
    view.mouse.move(box["x"] + first * box["width"], y)
    view.mouse.down()
    view.mouse.move(box["x"] + (first + share) * box["width"], y, steps=6)
    view.mouse.up()
    view.wait_for_function("window.took !== null", timeout=PATIENCE_MS)
    took = float(view.evaluate("window.took"))
    view.keyboard.press("Escape")
    return took


def _rest(kernel: Any) -> None:
    """Until the kernel has read its markets."""
    before = -1.0
    while (spent := sum(kernel.cpu_times()[:2])) - before > 0.02:
        before = spent
        time.sleep(1)
