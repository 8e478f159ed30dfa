// Equity by bot and in total, live. uPlot draws on a true time axis, so uneven recording shows as it was.
import uPlot from "uplot";
import { el, memory, panel, segmented, setAttr, setClass, setText } from "./dom.js";
import { handlers } from "./chart_hands.js";
import { isStale, linesOf, tableOf, valueAt } from "./lines.js";
import * as show from "./format.js";
import { options } from "./chart_look.js";
import { SpanWindow } from "./span_window.js";
import { swatch } from "./marks.js";

const MODES = [["pnl", "P&L"], ["return", "Return"], ["drawdown", "Drawdown"], ["equity", "Equity"]];
const PERCENT = new Set(["return", "drawdown"]);

export function chartPanel(store, paper) {
  const chart = new Chart(store, paper);
  return {
    node: chart.node,
    chip: chart.chip,
    update: () => chart.update(),
    repaint: () => chart.rebuild(),
    destroy: () => chart.destroy(),
  };
}

class Chart {
  constructor(store, paper) {
    Object.assign(this, { store, paper, window: new SpanWindow(), hidden: new Set(), version: -1 });
    this.mode = memory.get("chart.mode", "pnl");
    if (!MODES.some(([name]) => name === this.mode)) this.mode = "pnl";
    this.whole = el("button", { type: "button", class: "quiet", text: "Whole run", hidden: true, onclick: () => this.reset() });
    const modes = segmented("Reading", MODES, this.mode, (mode) => this.read(mode));
    Object.assign(this, panel("Equity curve", "chart", [this.whole, modes]));
    this.legend = el("ul", { class: "legend" });
    this.note = el("p", { class: "chart-note muted", hidden: true });
    this.blank = el("p", { class: "blank" });
    this.canvas = el("div", { class: "canvas", tabindex: "0", role: "img" });
    this.body.append(this.legend, this.note, this.canvas, this.blank);
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(this.canvas);
    this.canvas.addEventListener("keydown", (event) => this.press(event));
  }

  destroy() {
    this.watch.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  read(mode) {
    this.mode = mode;
    memory.set("chart.mode", mode);
    this.rebuild();
  }

  reset() {
    this.window.reset();
    this.redraw();
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.version = -1;
    this.update();
  }

  update() {
    this.showAge();
    if (this.version === this.store.version && this.plot) return;
    this.version = this.store.version;
    const { lines, left, currency } = linesOf(this.store.view, this.paper());
    this.lines = lines.filter((line) => !(this.mode === "return" && !(line.base > 0)));
    this.currency = currency;
    this.showNote(left);
    const ready = this.lines.some((line) => line.t.length > 1);
    setAttr(this.blank, "hidden", ready ? "hidden" : null);
    setAttr(this.canvas, "hidden", ready ? null : "hidden");
    setText(this.blank, this.store.view.phase === "loading" ? "Waiting for the desk's first figures." : "The curve begins when the desk has recorded two points of this run.");
    if (!ready) this.clear();
    else if (this.canvas.clientWidth) this.draw(); // unseen, it has neither size nor colours: `fit` draws it then
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.legend.replaceChildren();
  }

  draw() {
    this.table = tableOf(this.lines, this.mode);
    const names = JSON.stringify(this.lines.map((line) => [line.id, line.shade]));
    if (!this.plot || names !== this.names) this.make(names);
    else this.plot.setData(this.table);
    this.showValues();
  }

  make(names) {
    this.plot?.destroy();
    this.names = names;
    const { clientWidth, clientHeight } = this.canvas;
    const hooks = { setCursor: [() => this.showValues()], draw: [() => this.showTags()] };
    const look = options(this, { width: clientWidth, height: clientHeight }, hooks);
    this.plot = new uPlot(look, this.table, this.canvas);
    this.tags = this.lines.map((line) => el("span", { class: "tag", style: line.shade ? `--shade: ${line.shade}` : null }));
    this.cross = { x: el("span", { class: "cross cross-x", hidden: true }), y: el("span", { class: "cross cross-y", hidden: true }) };
    this.plot.root.querySelector(".u-wrap").append(...this.tags, this.cross.x, this.cross.y);
    handlers(this.plot, this);
    this.makeLegend();
    this.showTags();
    this.showAge();
  }

  /** The canvas has its size, or another one. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    if (this.plot) this.plot.setSize({ width, height });
    else this.update();
  }

  /** After the window has changed. */
  redraw() {
    this.whole.hidden = this.window.whole;
    this.plot?.setData(this.table);
    this.showValues();
  }

  shown(i) {
    return !this.hidden.has(this.lines[i].id);
  }

  makeLegend() {
    this.values = this.lines.map(() => el("span", { class: "figure" }));
    this.legend.replaceChildren(...this.lines.map((line, i) => el("li", {}, this.legendButton(line, i))));
  }

  legendButton(line, i) {
    const shade = swatch();
    if (line.shade) shade.style.setProperty("--shade", line.shade);
    const press = () => {
      const hide = this.shown(i);
      if (hide) this.hidden.add(line.id);
      else this.hidden.delete(line.id);
      setAttr(button, "aria-pressed", String(!hide));
      this.plot.setSeries(i + 1, { show: !hide });
    };
    const button = el(
      "button", { type: "button", "aria-pressed": String(this.shown(i)), title: "Show or hide this line", onclick: press },
      shade, el("span", { class: "outside legend-name", text: line.label }), this.values[i],
    );
    return button;
  }

  words(value) {
    if (value === null) return show.UNKNOWN;
    if (PERCENT.has(this.mode)) return `${show.signed(value)} %`;
    return this.mode === "pnl" ? show.signed(value) : show.fixed(value);
  }

  /** Legend and crosshair: at the pointer, else the newest. */
  showValues() {
    if (!this.plot || !this.values) return;
    const { idx, left, top } = this.plot.cursor;
    const at = left >= 0 && idx !== null && idx !== undefined ? idx : this.table[0].length - 1;
    this.values.forEach((node, i) => setText(node, this.words(valueAt(this.table[i + 1], at))));
    this.showCross(left, top, at);
    setAttr(this.canvas, "aria-label", this.describe());
  }

  showCross(left, top, at) {
    const { x, y } = this.cross;
    const inside = left >= 0 && top >= 0;
    x.hidden = y.hidden = !inside;
    if (!inside) return;
    const { plot } = this;
    const [right, foot] = [plot.over.offsetLeft + plot.over.clientWidth, plot.over.offsetTop + plot.over.clientHeight];
    setText(x, show.time(this.table[0][at]));
    setText(y, this.words(plot.posToVal(top, "y")));
    x.style.transform = `translate(${plot.over.offsetLeft + left}px, ${foot + 3}px) translateX(-50%)`;
    y.style.transform = `translate(${right + 1}px, ${plot.over.offsetTop + top}px) translateY(-50%)`;
  }

  /** The newest value of each line at the right axis, pushed apart where they would overlap. */
  showTags() {
    const { plot, tags } = this;
    if (!plot || !tags) return;
    const [from, to] = [plot.over.offsetTop, plot.over.offsetTop + plot.over.clientHeight];
    const placed = this.lines.map((_, i) => ({ i, value: this.shown(i) ? valueAt(this.table[i + 1], plot.series[0].idxs?.[1] ?? Infinity) : null }));
    for (const { i, value } of placed) tags[i].hidden = value === null;
    const seen = placed.filter(({ value }) => value !== null).map((tag) => ({ ...tag, y: from + plot.valToPos(tag.value, "y") }));
    seen.sort((a, b) => a.y - b.y);
    seen.reduce((least, tag) => (tag.y = Math.max(tag.y, least)) + 16, from);
    seen.reduceRight((most, tag) => (tag.y = Math.min(tag.y, most)) - 16, to);
    const right = plot.over.offsetLeft + plot.over.clientWidth + 1;
    for (const { i, value, y } of seen) {
      setText(tags[i], this.words(value));
      tags[i].style.transform = `translate(${right}px, ${y.toFixed(1)}px) translateY(-50%)`;
    }
  }

  /** The newest figures of a bot that is not well are muted, in the legend and at the axis. */
  showAge() {
    if (!this.plot) return;
    const silent = this.store.silentMs !== null || Boolean(this.store.view.trouble);
    this.lines.forEach(({ id }, i) => {
      const stale = silent || isStale(this.store.view, id);
      for (const node of [this.tags[i], this.values[i]]) setClass(node, "stale", stale);
    });
  }

  showNote(left) {
    const words = left.length ? `Not drawn, being in another currency than ${this.currency}: ${left.join(", ")}` : "";
    setText(this.note, words);
    this.note.hidden = !words;
  }

  describe() {
    const said = this.lines.map((line, i) => `${line.label} ${this.words(valueAt(this.table[i + 1], Infinity))}`);
    return `${MODES.find(([name]) => name === this.mode)[1]} in ${PERCENT.has(this.mode) ? "percent" : this.currency}: ${said.join(", ")}`;
  }

  press(event) {
    if (!this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const times = this.table[0];
    const [from, to] = this.window.over(times);
    const acts = {
      ArrowLeft: () => this.window.pan(times, (from - to) / 10),
      ArrowRight: () => this.window.pan(times, (to - from) / 10),
      "+": () => this.window.zoom(times, (from + to) / 2, 0.8),
      "=": () => this.window.zoom(times, (from + to) / 2, 0.8),
      "-": () => this.window.zoom(times, (from + to) / 2, 1.25),
      0: () => this.window.reset(),
    };
    if (!acts[event.key]) return;
    acts[event.key]();
    this.redraw();
    event.preventDefault();
    event.stopPropagation();
  }
}
