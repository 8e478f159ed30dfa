// What stands now: equity, profit by bot and by period, bots, open and closed trades, events.
import { Arrangement } from "./arrange.js";
import { barsPanel } from "./bars.js";
import { botsPanel } from "./bots.js";
import { chartPanel } from "./chart.js";
import { el, setAttr, setText } from "./dom.js";
import { eventsPanel } from "./events.js";
import { showChip } from "./marks.js";
import { periodsPanel } from "./periods.js";
import { positionsPanel } from "./positions.js";
import { spreadPanel } from "./spread.js";
import { tradesPanel } from "./trades.js";

export class OverviewPage {
  static id = "overview";
  static title = "Overview";

  constructor({ store, paper }) {
    this.store = store;
    const made = {
      chart: chartPanel(store, paper),
      pnl: barsPanel(store, paper),
      bots: botsPanel(store, paper),
      periods: periodsPanel(store),
      spread: spreadPanel(store),
      positions: positionsPanel(store, paper),
      events: eventsPanel(store),
      trades: tradesPanel(store, paper),
    };
    this.parts = Object.values(made);
    this.chart = made.chart;
    this.trades = made.trades;
    this.note = el("p", { class: "page-note", role: "status", hidden: true });
    this.node = el("div", {}, this.note, el("div", { class: "panels" }, ...this.parts.map((part) => part.node)));
    this.arrangement = new Arrangement(OverviewPage.id, Object.entries(made).map(([id, { node }]) => ({ id, node, title: node.getAttribute("aria-label") })));
  }

  update() {
    const told = this.store.pages.get(OverviewPage.id);
    setText(this.note, told?.trouble ? `The bots' trades cannot be had now: ${told.trouble}` : "");
    setAttr(this.note, "hidden", this.note.textContent ? null : "hidden");
    for (const part of this.parts) part.update(told?.view);
    for (const part of this.parts) if (part.chip) showChip(part.chip, this.store.view);
  }

  repaint() {
    this.chart.repaint();
    this.trades.repaint();
  }

  destroy() {
    this.chart.destroy();
  }
}
