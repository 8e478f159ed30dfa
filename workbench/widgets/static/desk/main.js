// The desk's page: wires the store to its panels. Python side: workbench/widgets/desk_panel.py.
import { barsPanel } from "./bars.js";
import { botsPanel } from "./bots.js";
import { chartPanel } from "./chart.js";
import { el } from "./dom.js";
import { eventsPanel } from "./events.js";
import { header } from "./header.js";
import { showChip } from "./marks.js";
import { noticesBar } from "./notices.js";
import { positionsPanel } from "./positions.js";
import { Store } from "./store.js";
import { paperOf, viewDialog } from "./view_dialog.js";

const BEAT_MS = 10000;
const TICK_MS = 1000;

function render({ model, el: host }) {
  const root = el("div", { class: "wb desk" });
  const paper = () => paperOf(root);
  const store = new Store((message) => model.send(message));
  const parts = [botsPanel(store, paper), chartPanel(store, paper), barsPanel(store, paper), positionsPanel(store, paper)];
  const [bots, chart, bars, positions] = parts;
  const events = eventsPanel(store);
  const repaint = () => {
    chart.repaint();
    store.changed();
  };
  const dialog = viewDialog(root, repaint);
  const top = header(store, { openView: dialog.open });
  const notices = noticesBar(store);
  const main = el("div", { class: "panels" }, chart.node, bars.node, bots.node, positions.node, events.node);
  root.append(top.node, notices.node, main, dialog.node);
  host.style.cssText += "display: block; width: 100%; margin: 0;"; // the page sizes itself by the width it is given
  host.append(root);

  const update = () => {
    for (const part of [top, notices, ...parts, events]) part.update();
    for (const part of parts) showChip(part.chip, store.view);
    root.dataset.phase = store.view.phase;
    root.dataset.seq = store.view.seq;
  };
  const hear = (message) => store.hear(message);
  const keys = (event) => press(event, root, dialog);
  const light = matchMedia("(prefers-color-scheme: light)");
  const beat = setInterval(() => model.send({ kind: "beat" }), BEAT_MS);
  const tick = setInterval(update, TICK_MS); // ages grow by themselves
  store.subscribe(update);
  model.on("msg:custom", hear);
  document.addEventListener("keydown", keys);
  light.addEventListener("change", repaint);
  store.hear(model.get("snapshot"));
  store.catchUp();
  update();

  return () => {
    clearInterval(beat);
    clearInterval(tick);
    model.off("msg:custom", hear);
    document.removeEventListener("keydown", keys);
    light.removeEventListener("change", repaint);
    chart.destroy();
  };
}

/** Keys of the whole page; those of a table or the chart are heard there first. */
function press(event, root, dialog) {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
  const ours = event.target === document.body || root.contains(event.target);
  if (!ours || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") dialog.open();
  else if (event.key === "t" || event.key === "T") dialog.nextTheme();
  else return;
  event.preventDefault();
}

export default { render };
