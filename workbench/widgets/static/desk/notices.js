// What is wrong, in words, with the command that mends it; above everything else on the page.
import { el, setText } from "./dom.js";
import * as show from "./format.js";

const PATIENCE_MS = 5000;

export function noticesBar(store) {
  const node = el("div", { class: "notices", role: "status", "aria-live": "polite" });
  const bornAt = Date.now();
  let shown = "";
  return {
    node,
    update() {
      const found = current(store, bornAt);
      const key = JSON.stringify(found.map(({ code, words, mend, level }) => [code, words, mend, level]));
      if (key !== shown) node.replaceChildren(...found.map(line));
      shown = key;
      found.forEach((notice, i) => setText(node.children[i].querySelector(".age"), notice.age ?? ""));
    },
  };
}

/** Everything to say now, the gravest first. */
export function current(store, bornAt) {
  const { view, silentMs } = store;
  if (view.phase === "loading" && !view.trouble) return loading(bornAt);
  const found = [];
  if (silentMs !== null) {
    const words = "Figures have stopped: the page has lost its kernel, or the kernel is busy. Reload the page; in JupyterLab run the cell again.";
    found.push({ code: "silent", level: "warning", words, age: `for ${show.span(silentMs)}` });
  }
  if (view.trouble) {
    const age = view.as_of ? `figures are ${show.span(store.now - view.as_of)} old` : "";
    found.push({ code: "trouble", level: "warning", words: view.trouble.words, mend: view.trouble.mend, age });
  }
  return [...found, ...view.notices];
}

function loading(bornAt) {
  const waited = Date.now() - bornAt;
  if (waited < PATIENCE_MS) return [];
  const words = "Still waiting for the desk's first figures.";
  return [{ code: "waiting", level: "info", words, mend: "workbench doctor", age: `for ${show.span(waited)}` }];
}

function line({ code, level, words, mend }) {
  const age = el("span", { class: "age muted" });
  const command = mend ? el("span", { class: "mend" }, "Run ", el("code", { text: mend })) : null;
  return el("div", { class: "notice", "data-level": level, "data-code": code }, el("span", { class: "outside", text: words }), age, command);
}
