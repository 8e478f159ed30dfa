// The pattern lab: one chart to brush windows on, and everything that follows from a window.
import { el } from "../desk/dom.js";
import { Bands } from "./bands.js";
import { Brush } from "./brush.js";
import { ProposalCards, SimilarCards } from "./cards.js";
import { LabChart } from "./chart.js";
import { Form } from "./form.js";
import { Found } from "./found.js";
import { Head } from "./head.js";
import { repaint } from "./mini.js";
import { Parcels } from "./parcels.js";
import { OfferCards } from "./offers.js";
import { Lab } from "./store.js";
import { labelTable, recordTable } from "./tables.js";
import { Acts } from "./acts.js";

function render({ model, el: host }) {
  const root = el("div", { class: "wb lab", "data-lm-suppress-shortcuts": "true" });
  const look = () => {
    for (const name of ["theme", "pair"]) model.get(name) ? (root.dataset[name] = model.get(name)) : delete root.dataset[name];
  };
  look();
  host.append(root);

  const lab = new Lab((message) => model.send(message), () => update());
  const pane = el("div", { class: "pane", tabindex: "0", role: "application", "aria-label": "Candle chart. A begins a window, arrows move, Enter names it, question mark shows all keys." });
  const frame = el("div", { class: "frame" }, pane);
  pane.style.minHeight = `${model.get("height")}px`;
  const view = { hovered: null };
  const acts = new Acts(lab, view);

  const head = new Head(model, { onChart: (...chart) => acts.open(...chart), onTool: (name) => view.brush.choose(name), onUndo: () => acts.undo() });
  const form = new Form(model.get("usual"), {
    onRule: () => acts.measure(), onSave: () => acts.save(), onCancel: () => acts.cancel(), onDelete: () => acts.remove(lab.labelOf(lab.pending?.id)),
  });
  const hint = el("div", { class: "blank hint" }, el("p", { text: "Drag over the chart to brush a window." }), el("p", { text: "By keys: click or tab to the chart, A, arrows, Enter." }));
  const similar = new SimilarCards(acts);
  const proposals = new ProposalCards(acts);
  const found = new Found({ onTrain: () => acts.train(), onPick: (one) => acts.pick("finding", one.key, true), onLabel: (one) => acts.same(one, one.pattern) });
  const labels = labelTable(lab.files, { onEdit: (one) => acts.edit(one), onDelete: (one) => acts.remove(one), onLook: (one) => acts.look(one, one.id) });
  labels.node.append(new Parcels(lab).node);
  const records = recordTable(lab.files);
  const offers = new OfferCards({ onTake: ({ owner, pattern }, on) => lab.ask("accept", { owner, pattern, on }) });
  const side = el("section", { class: "panel side", "aria-label": "Label" }, el("header", { class: "panel-head" }, el("h2", { text: "Label" })), hint, form.node);
  root.append(head.node, el("div", { class: "labs" }, el("section", { class: "panel chart", "aria-label": "Chart" }, frame), side, similar.node, proposals.node, found.node, labels.node, records.node, offers.node));

  const chart = new LabChart(pane, { onMove: () => place(), onEdge: (ms) => acts.more(ms) });
  const brush = new Brush(pane, chart, {
    onChange: (final) => acts.brushed(final), onDone: (by) => acts.name(by), onKey: (name) => (name === "keys" ? head.keys() : acts[name]?.()), onTool: (name) => head.tool(name),
  });
  const bands = new Bands(frame, chart, lab, { onPick: (kind, id) => acts.pick(kind, id, false) });
  Object.assign(view, { chart, brush, form, pane, update });
  acts.listen();

  let framed = false;
  function place() {
    if (framed) return;
    framed = true;
    requestAnimationFrame(() => {
      framed = false;
      bands.update({ brush: brush.window, cursor: document.activeElement === pane || pane.getRootNode().activeElement === pane ? brush.cursor : null });
    });
  }

  function update() {
    place();
    const window = brush.window;
    form.update(lab, window ? window.last - window.first + 1 : 0);
    hint.hidden = Boolean(lab.pending);
    similar.update(lab, acts.nameOfMatches);
    proposals.update(lab);
    offers.update(lab);
    found.update(lab);
    labels.update(lab.labels);
    records.update(lab.records.items);
    const at = view.hovered ?? brush.cursor ?? (chart.rows.length - 1);
    head.update(lab, chart.rows[at], chart.places);
    root.dataset.labels = lab.labels.length;
    root.dataset.findings = lab.findings.state === "ready" ? lab.findings.items.length : "";
    root.dataset.ready = lab.chart.symbol ? "yes" : "";
  }

  chart.chart.subscribeCrosshairMove(({ logical }) => {
    view.hovered = logical === undefined || !chart.rows[Math.round(logical)] ? null : Math.round(logical);
    head.update(lab, chart.rows[view.hovered ?? brush.cursor ?? chart.rows.length - 1], chart.places);
  });
  const light = matchMedia("(prefers-color-scheme: light)");
  const themed = () => {
    look();
    chart.paint();
    repaint(root);
    update();
  };
  const hear = (message, buffers) => lab.hear(message, buffers);
  const seen = () => document.visibilityState === "visible" && lab.ask("hello"); // somebody may have labelled elsewhere
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", seen);
  model.on("change:theme change:pair", themed);
  light.addEventListener("change", themed);
  pane.addEventListener("focus", place);
  form.node.addEventListener("input", update);
  const [symbol, timeframe] = model.get("opens");
  head.show(symbol, timeframe);
  lab.ask("hello");
  acts.open(symbol, timeframe);
  update();

  return () => {
    model.off("msg:custom", hear);
    document.removeEventListener("visibilitychange", seen);
    model.off("change:theme change:pair", themed);
    light.removeEventListener("change", themed);
    brush.destroy();
    chart.destroy();
  };
}

export default { render };
