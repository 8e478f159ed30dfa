// Windows as bands over the chart: what is labelled, what is recognised, and the one being brushed.
import { el, setAttr, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";

export class Bands {
  constructor(frame, chart, lab, { onPick }) {
    Object.assign(this, { chart, lab, onPick });
    this.held = new Map();
    this.node = el("div", { class: "bands" });
    this.cursor = el("div", { class: "cursor", hidden: true });
    this.brush = el("div", { class: "band brush", hidden: true },
      el("span", { class: "grip", "data-end": "first" }), el("span", { class: "span-words" }), el("span", { class: "grip", "data-end": "last" }));
    this.node.append(this.cursor, this.brush);
    frame.append(this.node);
  }

  /** Put everything where it belongs now. `brush`: {first, last} bar numbers or null; `cursor`: a bar number or null. */
  update({ brush, cursor }) {
    const { chart } = this;
    const pane = chart.pane;
    this.node.style.width = `${pane.width}px`;
    this.node.style.height = `${pane.height}px`;
    const wanted = new Set();
    for (const band of this.bandsNow()) {
      wanted.add(band.key);
      this.place(this.bandNode(band), band.first, band.last, pane.width);
    }
    for (const [key, { node }] of this.held) {
      if (wanted.has(key)) continue;
      node.remove();
      this.held.delete(key);
    }
    this.placeBrush(brush, pane.width);
    setAttr(this.cursor, "hidden", cursor === null ? "hidden" : null);
    if (cursor !== null) this.cursor.style.transform = `translateX(${chart.xOf(cursor)}px)`;
  }

  bandsNow() {
    const { lab, chart } = this;
    if (!chart.part) return [];
    const here = (one) => one.symbol === chart.part.symbol && one.timeframe === chart.part.timeframe;
    const bands = [];
    for (const one of lab.labels.filter(here)) {
      if (one.id !== lab.pending?.id) bands.push({ key: `l ${one.id}`, kind: "label", id: one.id, words: one.pattern, ...this.ends(one) });
    }
    for (const one of lab.findings.items.filter(here)) {
      const words = `${one.pattern} ${show.fixed(one.probability * 100, 0)} %`;
      bands.push({ key: `f ${one.key}`, kind: "finding", id: one.key, words, ...this.ends(one) });
    }
    return bands.filter((band) => band.first >= 0 && band.last >= 0);
  }

  ends(one) {
    return { first: this.chart.indexOf(one.first), last: this.chart.indexOf(one.last) };
  }

  bandNode(band) {
    let held = this.held.get(band.key);
    if (!held) {
      const tag = el("button", { type: "button", class: "tag outside", tabindex: "-1", onclick: () => this.onPick(band.kind, band.id) });
      const node = el("div", { class: `band ${band.kind}`, "data-id": band.id }, tag);
      this.node.append(node);
      held = { node, tag };
      this.held.set(band.key, held);
    }
    setText(held.tag, band.words);
    setAttr(held.tag, "title", band.words);
    held.node.classList.toggle("chosen", band.id === this.lab.chosen);
    return held.node;
  }

  place(node, first, last, width) {
    const { chart } = this;
    const half = Math.max(chart.barWidth / 2, 1);
    const [left, right] = [chart.xOf(first) - half, chart.xOf(last) + half];
    const seen = right > 0 && left < width;
    node.hidden = !seen;
    if (!seen) return;
    node.style.transform = `translateX(${left}px)`;
    node.style.width = `${right - left}px`;
    node.style.setProperty("--tag-shift", `${Math.max(0, -left)}px`);
  }

  placeBrush(brush, width) {
    this.brush.hidden = !brush;
    if (!brush) return;
    this.place(this.brush, brush.first, brush.last, width);
    const count = brush.last - brush.first + 1;
    setText(this.brush.children[1], count < 8 ? `${count} bars, at least 8` : `${count} bars`);
  }
}
