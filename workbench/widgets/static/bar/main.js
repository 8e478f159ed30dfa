// The command bar of a notebook: the page's own line with completion and history, and the answers below it.
import { AskPage } from "../desk/ask.js";
import { el } from "../desk/dom.js";
import { Files } from "../desk/files.js";

/** Its suggestions wait to be chosen: a notebook asks nothing by itself. */
class Bar extends AskPage {
  offer(lines) {
    super.offer([]);
    this.chips.replaceChildren(...lines.map((line) => el("button", { type: "button", class: "quiet outside", text: line, onclick: () => this.send(line) })));
  }
}

function render({ model, el: host }) {
  const root = el("div", { class: "wb desk bar", "data-lm-suppress-shortcuts": "true" });
  const look = () => {
    for (const name of ["theme", "pair"]) model.get(name) ? (root.dataset[name] = model.get(name)) : delete root.dataset[name];
  };
  look();
  const tell = (message) => model.send(message);
  const store = { dialogs: new Set(), files: new Files(tell) };
  const paper = () => model.get("theme") || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  const bar = new Bar({ store, ask: tell, paper }, { id: "bar", title: "Ask", about: "Tab or ↑ ↓ take an offer; ↑ in an empty line brings back what was asked." });
  root.append(bar.node);
  host.append(root);

  const hear = (message, buffers) => {
    store.files.hear(message, buffers);
    bar.hear(message);
  };
  model.on("msg:custom", hear);
  model.on("change:theme", look);
  const clock = setInterval(() => bar.update(), 500);
  bar.repaint();
  return () => {
    clearInterval(clock);
    model.off("msg:custom", hear);
    model.off("change:theme", look);
    bar.destroy();
  };
}

export default { render };
