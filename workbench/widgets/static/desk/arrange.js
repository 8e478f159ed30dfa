// Which panels of a page are open, and in which order: chosen by each user, and remembered.
import { el, memory, setAttr } from "./dom.js";

export class Arrangement {
  /** `panels`: {id, title, node} in their usual order. `node` is a list to arrange them by. */
  constructor(page, panels) {
    Object.assign(this, { name: `panels.${page}`, panels });
    const { order = [], closed = [] } = memory.get(this.name, {}) ?? {};
    this.order = [...order.filter((id) => this.find(id)), ...panels.map(({ id }) => id).filter((id) => !order.includes(id))];
    this.closed = new Set(closed);
    this.node = el("ol", { class: "arrange-list" });
    for (const panel of panels) panel.node.querySelector(".panel-head").prepend((panel.fold = this.folder(panel)));
    this.apply();
  }

  find(id) {
    return this.panels.find((panel) => panel.id === id);
  }

  /** The button at a panel's head that folds it. */
  folder({ id, title }) {
    return el("button", { type: "button", class: "fold", "aria-label": `Fold ${title}`, onclick: () => this.toggle(id) });
  }

  toggle(id) {
    if (!this.closed.delete(id)) this.closed.add(id);
    this.keep();
  }

  move(id, step) {
    const at = this.order.indexOf(id);
    const to = at + step;
    if (to < 0 || to >= this.order.length) return;
    this.order.splice(at, 1);
    this.order.splice(to, 0, id);
    this.keep();
    this.node.querySelector(`[data-panel="${id}"] [data-step="${step}"]`)?.focus();
  }

  keep() {
    memory.set(this.name, { order: this.order, closed: [...this.closed] });
    this.apply();
  }

  apply() {
    this.order.forEach((id, i) => {
      const { node, fold } = this.find(id);
      node.style.order = i;
      setAttr(node, "data-folded", this.closed.has(id) ? "yes" : null);
      setAttr(fold, "aria-expanded", String(!this.closed.has(id)));
    });
    this.node.replaceChildren(...this.order.map((id) => this.line(this.find(id))));
  }

  line({ id, title }) {
    const button = (step, words, sign) => el("button", { type: "button", class: "quiet", "data-step": step, "aria-label": `${title} ${words}`, text: sign, onclick: () => this.move(id, step) });
    const open = el("input", { type: "checkbox", checked: !this.closed.has(id), onchange: () => this.toggle(id) });
    return el("li", { "data-panel": id }, el("label", {}, open, ` ${title}`), el("span", {}, button(-1, "up", "↑"), button(1, "down", "↓")));
  }
}
