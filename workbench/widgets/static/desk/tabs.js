// Tabs by the ARIA pattern: arrows move and open, Tab goes on into the page. The address remembers which one is open.
import { el, memory, setAttr } from "./dom.js";

let born = 0;

/** `pages`: {id, title, node}. `opensAt`: where nothing is remembered. `own`: the address is ours to write. */
export function tabs(pages, { opensAt, own, onShow }) {
  const mark = `wb${(born += 1)}`;
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": "Pages", hidden: pages.length < 2 });
  const buttons = pages.map(({ id, title }) =>
    el("button", {
      type: "button", role: "tab", id: `${mark}-tab-${id}`, "data-page": id, "aria-controls": `${mark}-page-${id}`,
      text: title, onclick: () => open(id, true),
    }),
  );
  const sheets = pages.map(({ id, node }) =>
    el("div", { class: "sheet", role: "tabpanel", id: `${mark}-page-${id}`, "data-page": id, "aria-labelledby": `${mark}-tab-${id}`, hidden: true }, node),
  );
  list.append(...buttons);
  list.addEventListener("keydown", press);
  const state = { current: "" };

  function open(id, byHand = false) {
    const at = pages.findIndex((page) => page.id === id);
    if (at < 0 || state.current === id) return;
    state.current = id;
    pages.forEach((_, i) => {
      setAttr(buttons[i], "aria-selected", String(i === at));
      buttons[i].tabIndex = i === at ? 0 : -1;
      sheets[i].hidden = i !== at;
    });
    if (byHand) remember(id, own);
    onShow(pages[at]);
  }

  function press(event) {
    const at = pages.findIndex((page) => page.id === state.current);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1 + pages.length, Home: 0, End: pages.length - 1 };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = steps[event.key] % pages.length;
    open(pages[next].id, true);
    buttons[next].focus();
    event.preventDefault();
    event.stopPropagation();
  }

  const asAddressed = () => open(location.hash.slice(1));
  if (own) window.addEventListener("hashchange", asAddressed);
  return {
    list, sheets, open,
    begin: () => open(first(pages, opensAt, own)),
    get current() {
      return state.current;
    },
    destroy: () => window.removeEventListener("hashchange", asAddressed),
  };
}

function first(pages, opensAt, own) {
  const known = (id) => pages.some((page) => page.id === id);
  const asked = own ? location.hash.slice(1) : ""; // a notebook's cell opens where its author said
  return [asked, own && !opensAt ? memory.get("tab", "") : opensAt].find(known) ?? pages[0].id;
}

function remember(id, own) {
  if (!own) return;
  history.replaceState(null, "", `#${id}`);
  memory.set("tab", id);
}
