"""The dashboard in a real browser over a real desk.

warm_s, cold_s : from the request to live figures on screen, with a kernel heated in advance and without (median).
update_p99_ms, update_p50_ms : from just before an event's durable append to the ledger to the frame that shows it.
ten_viewers_mb : proportional memory of the page's server and all its kernels while ten viewers look (`quick`: have
asked for their pages, without a browser each).
kernel_core_fraction : what one viewer's kernel takes of a core meanwhile.

Needs Chromium and the package playwright; raises StartError where one is missing.
"""

import asyncio
import random
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.bench.browser import chromium, find_chromium
from workbench.bench.page_server import PageServer
from workbench.bootstrap.launch import UpOptions, running_desk
from workbench.domain.events import NewEvent
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.event_words import DESK_STARTED
from workbench.settings import load_settings

LIVE = ".wb.desk[data-phase=live] .bots tbody tr"
VIEWERS = 10
# notes, in the frame after the change, when an event's text first stood in the list
WATCH = """() => {
  window.shownAt = {};
  const list = document.querySelector(".wb .events");
  new MutationObserver(() => requestAnimationFrame(() => requestAnimationFrame(() => {
    for (const said of list.querySelectorAll(".said")) window.shownAt[said.textContent] ??= Date.now();
  }))).observe(list, {childList: true, subtree: true});
}"""


def figures(quick: bool) -> dict[str, float]:
    program = find_chromium("dashboard")
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        return asyncio.run(_over_a_desk(Path(folder), program, quick))


async def _over_a_desk(home: Path, program: str, quick: bool) -> dict[str, float]:
    """Start exchange, bots and desk in `home`, then look at them from a thread: the desk needs this loop."""
    overrides: dict[str, Any] = {"home": home, "exchange__port": 0, "page__port": 0}
    if quick:
        overrides["research__kinds"] = ("trend",)
    settings = load_settings(_empty(home), **overrides)
    async with running_desk(settings, UpOptions(), _ignore):
        return await asyncio.to_thread(_look, home, settings.ledger_url, program, quick)


def _look(home: Path, ledger_url: str, program: str, quick: bool) -> dict[str, float]:
    env = {"WORKBENCH_HOME": str(home)}
    with chromium(program) as browser:
        with PageServer("--port", "0", "--heated", "0", cwd=home, env=env) as page:
            cold = [_opened(browser, page) for _ in range(1 if quick else 3)]
        with PageServer("--port", "0", "--heated", "1", "--viewers", str(VIEWERS + 1), cwd=home, env=env) as page:
            warm = []
            for _ in range(2 if quick else 5):
                page.wait_until_warm()
                warm.append(_opened(browser, page))
            updates = _updates(browser, page, ledger_url, 30 if quick else 200)
            crowd = _crowd(None if quick else browser, page)
    return {"warm_s": statistics.median(warm), "cold_s": statistics.median(cold), **updates, **crowd}


def _opened(browser: Any, page: PageServer) -> float:
    """Seconds from the request to figures; the viewer leaves again."""
    context = browser.new_context()
    view = context.new_page()
    began = time.perf_counter()
    view.goto(page.address(), wait_until="commit")
    view.wait_for_selector(LIVE, timeout=60_000)
    took = time.perf_counter() - began
    view.goto("about:blank")  # leaves as a person does, so that the seat is free again
    context.close()
    return took


def _updates(browser: Any, page: PageServer, ledger_url: str, count: int) -> dict[str, float]:
    """Append events at odd moments, and ask the page when it showed each."""
    page.wait_until_warm()
    before = {kernel.pid for kernel in page.kernels()}
    context = browser.new_context()
    view = context.new_page()
    view.goto(page.address())
    view.wait_for_selector(LIVE, timeout=60_000)
    view.evaluate(WATCH)
    kernel = next(kernel for kernel in page.kernels() if kernel.pid in before)
    spent, began = sum(kernel.cpu_times()[:2]), time.perf_counter()
    ledger = open_ledger(ledger_url)
    appended = _append(ledger, count)
    ledger.close()
    view.wait_for_timeout(1500)
    core = (sum(kernel.cpu_times()[:2]) - spent) / (time.perf_counter() - began)
    shown = view.evaluate("window.shownAt")
    view.goto("about:blank")  # leaves as a person does, so that the seat is free again
    context.close()
    _left(kernel)
    missing = [words for words in appended if words not in shown]
    if missing:
        raise RuntimeError(f"{len(missing)} of {count} events never reached the screen, the first: {missing[0]}")
    delays = sorted(shown[words] - at for words, at in appended.items())
    nth = delays[min(len(delays) - 1, round(0.99 * len(delays)))]
    return {"update_p99_ms": nth, "update_p50_ms": statistics.median(delays), "kernel_core_fraction": core}


def _left(kernel: Any) -> None:
    """Wait until the viewer's kernel is gone, or the next viewer finds no seat."""
    end = time.monotonic() + 10
    while kernel.is_running() and kernel.status() != "zombie" and time.monotonic() < end:
        time.sleep(0.1)


def _append(ledger: SqlLedger, count: int) -> dict[str, float]:
    """Words of each event and the moment (epoch ms) just before its append, 0.2 to 0.5 s apart."""
    chance, told = random.Random(7), {}
    for n in range(count):
        time.sleep(chance.uniform(0.2, 0.5))
        words = f"measured {n} of {count}"
        told[words] = time.time() * 1000
        ledger.append([NewEvent(DESK_STARTED, "bench", {"words": words}, f"bench-{n}", datetime.now(UTC))])
    return told


def _crowd(browser: Any | None, page: PageServer) -> dict[str, float]:
    """Ten viewers, all staying. Without a browser their pages are only asked for: the kernels are the same."""
    contexts = []
    if browser is None:
        with ThreadPoolExecutor(3) as askers:
            answers = list(askers.map(lambda _: page.get(), range(VIEWERS)))
        if any(status != 200 for status, _, _ in answers):
            raise RuntimeError("not all of ten viewers were let in")
    else:
        for _ in range(VIEWERS):
            contexts.append(context := browser.new_context())
            view = context.new_page()
            view.goto(page.address(), wait_until="commit")
            view.wait_for_selector(LIVE, timeout=90_000)
    time.sleep(3)
    memory = page.memory_mb()
    for context in contexts:
        context.close()
    return {"ten_viewers_mb": memory}


def _empty(home: Path) -> Path:
    """A workbench.toml that says nothing, so that the user's own changes no figure."""
    path = home / "none.toml"
    path.write_text("")
    return path


def _ignore(_words: str) -> None:
    """The desk's progress is not this benchmark's business."""
