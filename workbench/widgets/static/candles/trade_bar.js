// What the trades' signs mean, whose are shown, and what one of them says; by mouse, finger and keys.
import { el, setAttr, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";
import { coins, lines, sums } from "./trade_marks.js";

const REACH = { mouse: 12, touch: 22 };
const SLIP = 6;
const MOST_LINES = 4; // trades that one tip tells of
const KEYS = "B: trades on or off. Shift+B: one bot at a time. , and .: from trade to trade. Esc: close.";

export class TradeBar {
  /** `busy()`: the mouse is needed for something else. */
  constructor(root, frame, layer, busy) {
    Object.assign(this, { root, layer, busy });
    this.chips = new Map();
    this.whose = null; // the one bot that is shown, by Shift+B
    this.at = null; // id of the sign that the keys stand on
    this.pending = null; // the sign that is told of once it is painted
    this.button = el("button", { type: "button", class: "trade-toggle", title: KEYS, onclick: () => this.toggle() }, "Trades", el("kbd", { text: "B" }));
    this.bots = el("span", { class: "trade-bots", role: "group", "aria-label": "Bots whose trades are shown" });
    this.said = el("span", { class: "trade-sums figure" });
    this.signs = el("span", { class: "trade-legend", text: "▲ bought  ▼ sold  △ ▽ closed  ┄ stop  ┈ target" });
    this.node = el("div", { class: "trades-bar", role: "toolbar", "aria-label": "Trades of the bots", hidden: true },
      this.button, this.bots, this.said, el("span", { class: "spring" }), this.signs);
    this.tip = el("div", { class: "trade-tip outside", role: "status", hidden: true });
    frame.append(this.tip);
    const host = layer.chart.host;
    host.addEventListener("pointermove", (event) => event.pointerType === "mouse" && !event.buttons && this.point(event, REACH.mouse));
    host.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.look(null));
    host.addEventListener("pointerdown", (event) => (this.pressed = event), true);
    host.addEventListener("pointerup", (event) => this.tap(event), true);
    root.addEventListener("keydown", (event) => this.key(event));
  }

  toggle() {
    this.layer.on = !this.layer.on;
    this.change();
  }

  /** Show or hide one bot. */
  flip(by) {
    const { hidden } = this.layer;
    if (!hidden.delete(by)) hidden.add(by);
    this.layer.on = true;
    this.whose = null;
    this.change();
  }

  /** All, then each alone, then all again. */
  next() {
    const names = this.names;
    const after = names[names.indexOf(this.whose) + 1] ?? null;
    this.whose = after;
    this.layer.on = true;
    this.layer.hidden = new Set(after === null ? [] : names.filter((name) => name !== after));
    this.change();
  }

  change() {
    this.at = null;
    this.onChange?.();
    this.layer.news();
    this.look(null);
    this.update();
    this.root.focus({ preventScroll: true });
  }

  /** Trades by bot, where not all of them are here. */
  get told() {
    return this.layer.feed.parts.trading?.counts ?? null;
  }

  get names() {
    return this.told ? Object.keys(this.told) : [...new Set(this.layer.all.map((trade) => trade.by))].sort();
  }

  update() {
    const { layer } = this;
    const { trading } = layer.feed.parts;
    this.node.hidden = !trading;
    if (!trading) return;
    setAttr(this.button, "aria-pressed", String(layer.on));
    this.list();
    const words = [];
    if (!this.names.length) words.push(`No bot has traded ${layer.feed.about.symbol} in these bars`);
    else if (!layer.on) words.push("hidden");
    else if (!layer.feed.crowds.length) words.push(...this.summed());
    if (trading.older) words.push(`${show.count(trading.older)} older left out`);
    if (layer.on && layer.marks.length < layer.inSight) words.push(`${show.count(layer.inSight)} signs in ${show.count(layer.marks.length)} marks: zoom in for each`);
    setText(this.said, words.join(" · "));
    this.signs.hidden = !this.names.length;
    Object.assign(this.root.dataset, { trades: layer.shown.length, signs: layer.inSight, marks: layer.marks.length, waits: layer.waits.size });
  }

  summed() {
    const { closed, open, pnl } = sums(this.layer.shown);
    const [, quote] = coins(this.layer.feed.about.symbol);
    return [`${show.count(open)} open`, `${show.count(closed)} closed ${closed ? `${show.signed(pnl)} ${quote}` : ""}`.trim()];
  }

  /** A button for each bot, with how many trades it has here. */
  list() {
    const counts = new Map(this.names.map((name) => [name, this.told?.[name] ?? 0]));
    if (!this.told) for (const trade of this.layer.all) counts.set(trade.by, counts.get(trade.by) + 1);
    for (const [name, chip] of this.chips) {
      if (counts.has(name)) continue;
      chip.node.remove();
      this.chips.delete(name);
    }
    for (const [name, count] of counts) {
      const chip = this.chips.get(name) ?? this.chip(name);
      setText(chip.count, show.count(count));
      setAttr(chip.node, "aria-pressed", String(this.layer.on && !this.layer.hidden.has(name)));
      chip.dot.style.background = this.layer.inkOf(name);
    }
  }

  chip(name) {
    const [dot, count] = [el("span", { class: "trade-dot", "aria-hidden": "true" }), el("span", { class: "figure" })];
    const node = el("button", { type: "button", class: "trade-bot outside", title: name, onclick: () => this.flip(name) }, dot, el("span", { class: "trade-name", text: name }), count);
    this.bots.append(node);
    this.chips.set(name, { node, dot, count });
    return this.chips.get(name);
  }

  point(event, reach) {
    const box = this.layer.chart.host.getBoundingClientRect();
    this.at = null;
    this.look(this.busy() ? null : this.layer.at(event.clientX - box.left, event.clientY - box.top, reach));
  }

  /** A finger that touched and did not move. */
  tap(event) {
    const from = this.pressed;
    this.pressed = null;
    if (event.pointerType === "mouse" || !from) return;
    if (Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) <= SLIP) this.point(event, REACH.touch);
  }

  /** Its keys are the chart's also where no desk is: a notebook would put a cell below for "b". */
  key(event) {
    if (event.target.closest("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.node.hidden) {
      if (!["b", "B", ",", "."].includes(event.key)) return;
    } else if (event.key === "b") this.toggle();
    else if (event.key === "B") this.next();
    else if (event.key === "," || event.key === ".") this.step(event.key === "." ? 1 : -1);
    else if (event.key === "Escape" && !this.tip.hidden) this.look(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** To the next or last sign; from none to the newest in sight. The chart goes along. */
  step(by) {
    const { layer } = this;
    const { signs, chart } = layer;
    if (!signs.length) return;
    const name = (sign) => (sign.trade ? `${sign.trade.id} ${sign.way}` : `crowd ${sign.ms}`);
    const seen = layer.marks.flatMap((mark) => mark.signs);
    const here = signs.findIndex((sign) => name(sign) === this.at);
    const start = seen.length ? signs.indexOf(seen.reduce((a, b) => (a.ms > b.ms ? a : b))) : signs.length - 1;
    const sign = signs[here < 0 ? start : Math.min(Math.max(here + by, 0), signs.length - 1)];
    this.at = name(sign);
    const x = chart.xOf(sign.ms);
    if (!(x > 20 && x < chart.pane.width - 20)) chart.centre(sign.ms);
    this.pending = sign;
    requestAnimationFrame(() => requestAnimationFrame(() => { // painted in its new place
      if (this.pending !== sign) return; // another step, Esc or the mouse was quicker
      const mark = layer.marks.find((one) => one.signs.some((other) => name(other) === this.at));
      this.look(mark ?? null, sign);
    }));
  }

  /** Tell of a mark, `first` of its signs first; null closes the tip. */
  look(mark, first = null) {
    const { layer, tip } = this;
    this.pending = null;
    layer.hold(mark);
    layer.chart.host.classList.toggle("over-trade", Boolean(mark));
    tip.hidden = !mark;
    if (!mark) return;
    const trades = [...new Set([...(first ? [first] : []), ...mark.signs].map((sign) => sign.trade))].filter(Boolean);
    const { about, newest } = layer.feed;
    tip.replaceChildren(...trades.slice(0, MOST_LINES).map((trade) => this.paragraph(lines(trade, about.symbol, layer.chart.places, newest?.[4], (price) => layer.reached(trade, price)), trade)));
    if (!trades.length) tip.append(el("p", { class: "trade-more", text: `${show.count(mark.count)} entries and exits here; zoom in for each` }));
    if (trades.length > MOST_LINES) tip.append(el("p", { class: "trade-more", text: `and ${show.count(trades.length - MOST_LINES)} more; zoom in` }));
    this.place(mark);
  }

  paragraph([name, ...rest], trade) {
    const dot = el("span", { class: "trade-dot", style: `background: ${this.layer.inkOf(trade.by)}` });
    return el("p", {}, el("strong", {}, dot, name), ...rest.map((text) => el("span", { class: "figure", text, "data-tone": text.startsWith("P&L") ? show.tone(trade.pnl) : null })));
  }

  /** Beside the mark, within the pane. */
  place(mark) {
    const { host, pane } = this.layer.chart;
    const { offsetWidth: wide, offsetHeight: tall } = this.tip;
    const [right, left] = [mark.x + 16, mark.x - 16 - wide];
    const beside = right + wide <= pane.width ? right : left >= 0 ? left : null;
    const x = beside ?? Math.min(Math.max(4, mark.x - wide / 2), Math.max(4, pane.width - wide - 4));
    const y = beside !== null ? mark.y - tall / 2 : mark.y + 24 + tall <= pane.height ? mark.y + 24 : mark.y - 24 - tall;
    this.tip.style.left = `${host.offsetLeft + x}px`;
    this.tip.style.top = `${host.offsetTop + Math.min(Math.max(4, y), Math.max(4, pane.height - tall - 4))}px`;
  }
}
