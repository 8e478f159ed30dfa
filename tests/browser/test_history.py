"""A million bars on a page: what is in sight, finer as it is zoomed, with every high and low."""

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.support.candle_page import candle_page, serve_looks
from workbench.domain.candles import INDEX
from workbench.widgets.history_panel import HistoryPanel

pytestmark = pytest.mark.browser
MANY = 1_000_000


def million():
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4, MANY)))
    index = pd.date_range("2018-01-01", periods=MANY, freq="min", tz="UTC", name=INDEX, unit="ms")
    spread = close * 1e-4
    table = {"open": close, "high": close + spread, "low": close - spread, "close": close, "volume": spread}
    return pd.DataFrame(table, index)


def test_a_million_bars_are_a_screenful_and_finer_ones_come_on_zooming(browser):
    panel = HistoryPanel(million(), "BTC/USD", "1m")
    with candle_page(browser) as page:
        page.evaluate("given => open_chart(given)", {"history": panel.history})
        first = serve_looks(page, panel)
        assert first > 1000
        expect(page.locator(".head")).to_contain_text("1,000,000 bars", use_inner_text=True)
        expect(page.locator(".head")).to_contain_text("a candle", use_inner_text=True)

        box = page.locator(".pane").bounding_box()
        page.mouse.move(box["x"] + 400, box["y"] + 100)
        merged = first
        for _ in range(40):
            for _ in range(5):
                page.mouse.wheel(0, -400)
            page.wait_for_timeout(150)
            finer = serve_looks(page, panel) or merged
            assert finer <= merged
            merged = finer
            if merged == 1:
                break

        assert merged == 1
        expect(page.locator(".head")).not_to_contain_text("a candle", use_inner_text=True)
        page.mouse.dblclick(box["x"] + 400, box["y"] + 100)
        page.wait_for_function("said.some((m) => m.kind === 'look')")
        assert serve_looks(page, panel) == first
