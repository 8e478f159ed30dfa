// The desk's page: wires the store to its panels. Python side: workbench/widgets/desk_panel.py.
import { el, memory } from "./dom.js";
import * as show from "./format.js";
import { HaltDialog } from "./halt.js";
import { AskPage } from "./ask.js";
import { header } from "./header.js";
import { noticesBar } from "./notices.js";
import { PAGES } from "./pages.js";
import { Store } from "./store.js";
import { tabs } from "./tabs.js";
import { paperOf, viewDialog } from "./view_dialog.js";
import { WidgetTabPage } from "./widget_tab.js";

const BEAT_MS = 10000;
const TICK_MS = 1000;

function render({ model, el: host }) {
  const root = el("div", { class: "wb desk" });
  const ask = (message) => model.send(message);
  const remembered = model.get("remembered");
  if (remembered) {
    memory.keep(remembered, (name, value) => {
      if (!name.startsWith("lines.")) ask({ kind: "remember", name, value }); // typed lines stay in their browser
    });
  }
  const store = new Store(ask);
  const person = model.get("person");
  const halt = new HaltDialog(store, ask, Boolean(model.get("halts")), person);
  const desk = { store, paper: () => paperOf(root), ask, halt };
  const pages = [...pagesOf(model.get("pages"), desk), ...model.get("widgets").map((tab) => widgetPageOf(tab, desk, model.widget_manager)), ...model.get("asks").map((tab) => askPageOf(tab, desk))];
  const sheets = tabs(pages, {
    opensAt: model.get("opens_at"),
    own: document.body.classList.contains("wb-page"),
    onShow: ({ id, page }) => {
      if (page.repaint) page.repaint(); // unseen, it had neither size nor colours
      if (model.get("pages").includes(id)) ask({ kind: "look", page: id });
      store.changed();
    },
  });
  const pagesOfOurs = new Set(model.get("pages")); // the others paint themselves once they are opened
  const rezone = () => {
    ask({ kind: "choose", page: "overview", choice: { zone: show.ZONE } });
    repaint();
  };
  const repaint = () => {
    for (const { id, page } of pages) if (pagesOfOurs.has(id) || id === sheets.current) page.repaint?.();
    store.changed();
  };
  const overview = pages.find(({ id }) => id === "overview").page;
  const dialog = viewDialog(root, { repaint, rezone, panels: overview.arrangement.node });
  const top = header(store, { openView: dialog.open, halt, person: document.body.classList.contains("wb-page") ? person : null });
  const notices = noticesBar(store);
  root.append(top.node, sheets.list, notices.node, ...sheets.sheets, dialog.node, halt.node);
  host.style.cssText += "display: block; width: 100%; margin: 0;"; // the page sizes itself by the width it is given
  host.append(root);

  const update = () => {
    for (const part of [top, notices, halt]) part.update();
    pages.find(({ id }) => id === sheets.current)?.page.update();
    root.dataset.phase = store.view.phase;
    root.dataset.seq = store.view.seq;
  };
  const hear = (message, buffers) => store.hear(message, buffers);
  const keys = (event) => press(event, root, dialog);
  const light = matchMedia("(prefers-color-scheme: light)");
  const beat = setInterval(() => ask({ kind: "beat", page: sheets.current }), BEAT_MS);
  const tick = setInterval(update, TICK_MS); // ages grow by themselves
  store.subscribe(update);
  model.on("msg:custom", hear);
  document.addEventListener("keydown", keys);
  light.addEventListener("change", repaint);
  store.hear(model.get("snapshot"));
  store.catchUp();
  sheets.begin();
  rezone();
  update();

  return () => {
    clearInterval(beat);
    clearInterval(tick);
    model.off("msg:custom", hear);
    document.removeEventListener("keydown", keys);
    light.removeEventListener("change", repaint);
    sheets.destroy();
    for (const { page } of pages) page.destroy?.();
  };
}

/** The pages that the kernel can fill, in our order. */
function pagesOf(names, desk) {
  return PAGES.filter((Page) => names.includes(Page.id)).map((Page) => {
    const page = new Page(desk);
    return { id: Page.id, title: Page.title, node: page.node, page };
  });
}

/** A tab that holds another widget. */
function widgetPageOf(tab, desk, manager) {
  const page = new WidgetTabPage(desk, tab, manager);
  return { id: tab.id, title: tab.title, node: page.node, page };
}

/** A tab that is a question in the grammar. */
function askPageOf(tab, desk) {
  const page = new AskPage(desk, tab);
  return { id: tab.id, title: tab.title, node: page.node, page };
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
