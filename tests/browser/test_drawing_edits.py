"""Any edits by mouse, by key and by code: the page, its notebook, the ledger and the picture agree."""

import os
import random
from datetime import timedelta

import pytest

from tests.browser.test_live_chart import charted, floor, until, visit  # noqa: F401  fixtures
from tests.support.live_page import _words
from tests.support.pictured import assert_pictured
from tests.support.replay_floor import START
from workbench.domain.drawings import Level, to_json
from workbench.domain.errors import WorkbenchError
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import ChartSpec, Panel
from workbench.visual.interactive_charts import InteractiveCharts

pytestmark = pytest.mark.browser
SEQUENCES = int(os.environ.get("WORKBENCH_EDIT_SEQUENCES", "6"))  # 200, with --timeout=3000, where it is wanted
HALF = Timeframe.parse("30m")
CANDLES = sample.load("BTC/USD").loc[: START - timedelta(minutes=1)].iloc[-300:]
# where a drawing can be taken hold of, in pixels of the pane; null where it is out of sight or gone
PLACE = """([id]) => {
  const { chart, board } = document.querySelector('.wb.candles');
  const shape = board.items.get(id)?.shape;
  if (!shape) return null; // it has just been taken away
  const { width, height } = chart.pane;
  const x = (ms, otherwise) => (ms == null ? otherwise : chart.xOf(ms));
  const middle = (a, b) => (a + b) / 2;
  const [from, to] = {
    level: () => [[0, shape.price], [width, shape.price]],
    note: () => [[x(shape.where.at), shape.where.price], [x(shape.where.at), shape.where.price]],
    line: () => [[x(shape.start.at), shape.start.price], [x(shape.end.at), shape.end.price]],
    zone: () => [[x(shape.since, 0), shape.low], [x(shape.until, width), shape.high]],
  }[shape.kind]();
  const at = [middle(from[0], to[0]), middle(chart.yOf(from[1]), chart.yOf(to[1]))];
  return at[0] > 4 && at[0] < width - 4 && at[1] > 4 && at[1] < height - 4 ? at : null;
}"""
ITEMS = "[...document.querySelector('.wb.candles').board.items.values()]"
ACTS = ("draw", "draw", "draw", "note", "move", "move", "delete", "undo", "redo", "code", "uncode")
SETTLED = "(({ turn, answered }) => turn === answered)(document.querySelector('.wb.candles').board)"


class Editor:
    """A pair of hands at a page, and somebody's code at the same ledger."""

    def __init__(self, page, charts, seed):
        self.page, self.charts, self.rng = page, charts, random.Random(seed)
        self.box = page.locator(".pane").bounding_box()

    def point(self):
        width, height = self.box["width"] - 90, self.box["height"] - 40
        return self.box["x"] + self.rng.uniform(20, width), self.box["y"] + self.rng.uniform(20, height)

    def drag(self, start, end):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def edit(self):
        act = self.rng.choice(ACTS)
        self.page.locator(".wb.candles").focus()
        getattr(self, act)()
        self.page.keyboard.press("Escape")

    def draw(self):
        self.page.keyboard.press(self.rng.choice("htz"))
        self.drag(self.point(), self.point())

    def note(self):
        self.page.keyboard.press("a")
        at = self.point()
        self.drag(at, at)
        writer = self.page.locator("input.writer")
        writer.wait_for(state="visible")
        writer.fill(f"<b>{self.rng.random()}</b>")
        writer.press("Enter")

    def held(self):
        """A place on one of the drawings in sight."""
        found = self.page.evaluate(ITEMS)
        at = self.page.evaluate(PLACE, [self.rng.choice(found)["id"]]) if found else None
        return at and (self.box["x"] + at[0], self.box["y"] + at[1])

    def move(self):
        if at := self.held():
            self.drag(at, self.point())

    def delete(self):
        if at := self.held():
            self.drag(at, at)
            self.page.keyboard.press("Delete")

    def undo(self):
        self.page.keyboard.press("Control+z")

    def redo(self):
        self.page.keyboard.press("Control+Shift+z")

    def code(self):
        self.charts.draw(Level(float(CANDLES["close"].iloc[-1]) * self.rng.uniform(0.98, 1.02)), snap=False)

    def uncode(self):
        try:
            self.charts.delete(self.rng.choice(self.charts.refresh()).drawing_id)
        except (IndexError, WorkbenchError):  # nothing is drawn, or the page was quicker
            return


def stored(ledger):
    return ledger.drawings.on("BTC/USD", "30m")


def test_after_any_edits_page_notebook_ledger_and_picture_agree(visit, floor, tmp_path):  # noqa: F811
    floor.command("pause")
    try:
        page = visit(ready=".wb.candles[data-state]:not([data-state=loading])")
        ledger = open_ledger(tmp_path / "ledger.sqlite")
        charts = InteractiveCharts(ledger, "BTC/USD", "30m", CANDLES, "you")
        for seed in range(SEQUENCES):
            if before := charts.refresh():
                charts.delete(*(one.drawing_id for one in before))
            editor = Editor(page, charts, seed)
            for _ in range(editor.rng.randint(1, 10)):
                editor.edit()

            until(lambda: page.evaluate(SETTLED) and page.evaluate(ITEMS) == [to_json(one) for one in stored(ledger)])
            until(lambda: page.locator(".python-value").inner_text().split() == _words(stored(ledger)).split())
            drawings = {one.drawing_id: one for one in stored(ledger)}
            panel = Panel("BTC/USD", HALF, CANDLES, drawings=tuple(drawings.values()), volume=False)
            assert_pictured(AdvancedRenderer(ChartSpec((panel,), bars=60)).vega_lite(), drawings, "you")
        ledger.close()
    finally:
        floor.command("resume")
