// The lab's first line: which chart, which tool, undo, keys, and what was just done.
import { el, segmented, setAttr, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";

const KEYS = [
  ["A", "begin a window at the cursor"], ["← →", "move the cursor, or the window's end"], ["Shift ← →", "extend the window"],
  ["PgUp PgDn", "twenty bars"], ["Home End", "first and last bar"], ["Enter", "name the window"], ["Esc", "cancel; again: pan"], ["B, P", "brush, pan"],
  ["+ −", "zoom"], ["N, Shift N", "next, previous window"], ["Del", "delete the chosen label"], ["U, Ctrl Z", "undo"], ["?", "these keys"],
];

export class Head {
  constructor(model, { onChart, onTool, onUndo }) {
    const markets = model.get("markets");
    this.markets = markets;
    this.symbol = el("select", { class: "symbol", "aria-label": "Market", onchange: () => this.pickSymbol(onChart) },
      ...Object.keys(markets).map((name) => el("option", { value: name, text: name })));
    this.frames = el("select", { "aria-label": "Bar length", onchange: () => onChart(this.symbol.value, this.frames.value) });
    this.tools = segmented("Tool", [["brush", "Brush"], ["pan", "Pan"]], "brush", onTool);
    this.undo = el("button", { type: "button", class: "quiet", text: "Undo", title: "Undo (U, Ctrl Z)", onclick: onUndo });
    this.help = el("button", { type: "button", class: "quiet help", text: "?", title: "Keys", "aria-label": "Keys", "aria-expanded": "false", onclick: () => this.keys() });
    this.ohlc = el("span", { class: "ohlc" });
    this.said = el("span", { class: "said", role: "status" });
    this.who = el("span", { class: "who" }, el("span", { class: "outside", text: model.get("user") }), el("span", { class: "source", text: model.get("about") }));
    this.sheet = el("dl", { class: "keys", hidden: true }, ...KEYS.map(([key, words]) => el("div", {}, el("dt", {}, el("kbd", { text: key })), el("dd", { text: words }))));
    this.node = el("header", { class: "lab-head" },
      el("div", { class: "line" }, el("h1", { text: "Pattern lab" }), this.symbol, this.frames, this.tools, this.undo, this.help, el("span", { class: "spring" }), this.who),
      el("div", { class: "line second" }, this.ohlc, el("span", { class: "spring" }), this.said), this.sheet);
  }

  show(symbol, timeframe) {
    this.symbol.value = symbol;
    this.fill(symbol, timeframe);
  }

  fill(symbol, timeframe) {
    const lengths = this.markets[symbol] ?? [];
    this.frames.replaceChildren(...lengths.map((name) => el("option", { value: name, text: name })));
    this.frames.value = lengths.includes(timeframe) ? timeframe : lengths[0];
  }

  pickSymbol(onChart) {
    this.fill(this.symbol.value, this.frames.value);
    onChart(this.symbol.value, this.frames.value);
  }

  tool(name) {
    [...this.tools.children].forEach((button, at) => setAttr(button, "aria-pressed", String(["brush", "pan"][at] === name)));
  }

  keys() {
    this.sheet.hidden = !this.sheet.hidden;
    setAttr(this.help, "aria-expanded", String(!this.sheet.hidden));
  }

  update(lab, row, places) {
    setText(this.said, lab.notice?.words ?? "");
    setAttr(this.said, "data-tone", lab.notice?.tone);
    const price = (value) => show.fixed(value, places);
    const words = row ? `${show.time(row[0])}  O ${price(row[1])}  H ${price(row[2])}  L ${price(row[3])}  C ${price(row[4])}` : `Times in ${show.ZONE}`;
    setText(this.ohlc, words);
    setAttr(this.ohlc, "title", row ? show.timeUtc(row[0]) : null);
  }
}
