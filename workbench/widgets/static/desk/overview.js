// What stands now: equity, profit by bot, bots, positions, events.
import { barsPanel } from "./bars.js";
import { botsPanel } from "./bots.js";
import { chartPanel } from "./chart.js";
import { el } from "./dom.js";
import { eventsPanel } from "./events.js";
import { showChip } from "./marks.js";
import { positionsPanel } from "./positions.js";

export class OverviewPage {
  static id = "overview";
  static title = "Overview";

  constructor({ store, paper }) {
    this.store = store;
    this.chart = chartPanel(store, paper);
    this.parts = [botsPanel(store, paper), this.chart, barsPanel(store, paper), positionsPanel(store, paper)];
    this.events = eventsPanel(store);
    const [bots, chart, bars, positions] = this.parts;
    this.node = el("div", { class: "panels" }, chart.node, bars.node, bots.node, positions.node, this.events.node);
  }

  update() {
    for (const part of [...this.parts, this.events]) part.update();
    for (const part of this.parts) showChip(part.chip, this.store.view);
  }

  repaint() {
    this.chart.repaint();
  }

  destroy() {
    this.chart.destroy();
  }
}
