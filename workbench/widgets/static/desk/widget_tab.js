// A tab that holds another widget: asked for when it is first opened, and again when something else is chosen.
import { el, setAttr, setText } from "./dom.js";

export class WidgetTabPage {
  constructor(desk, { id, title }, manager) {
    Object.assign(this, { desk, id, title, manager, choice: {}, begun: false, shown: "" });
    this.bar = el("div", { class: "tab-choices" });
    this.status = el("p", { class: "ask-status muted", role: "status", text: "Opening … the first time takes a few seconds." });
    this.place = el("div", { class: "tab-widget" });
    this.node = el("div", { class: "ask" }, this.bar, this.status, this.place);
    desk.store.dialogs.add(this);
  }

  repaint() {
    if (this.begun) return;
    this.begun = true;
    this.open();
  }

  update() {}

  open() {
    setText(this.status, "Opening …");
    setAttr(this.status, "hidden", null);
    this.desk.ask({ kind: "open", tab: this.id, choice: this.choice });
  }

  async hear(message) {
    if (message.kind !== "opened" || message.tab !== this.id) return;
    if (message.trouble) return this.fail(message.trouble);
    this.choice = message.choice;
    this.offer(message.choices);
    try {
      if (this.shown !== message.model) await this.put(message.model);
    } catch (error) {
      return this.fail(error.message);
    }
    setAttr(this.status, "hidden", "hidden");
  }

  fail(words) {
    setText(this.status, `This cannot be shown now: ${words}`);
    setAttr(this.status, "data-tone", "warning");
  }

  async put(modelId) {
    this.shown = modelId;
    const model = await this.manager.get_model(modelId);
    const view = await this.manager.create_view(model);
    this.view?.remove();
    this.view = view;
    this.place.replaceChildren(view.el);
    view.trigger("displayed");
  }

  offer(choices) {
    const selects = Object.entries(choices).map(([name, values]) => {
      const options = values.map((value) => el("option", { value, text: value, selected: value === this.choice[name] }));
      return el("label", { class: "muted" }, `${name} `, el("select", { onchange: (event) => this.pick(name, event.target.value) }, ...options));
    });
    this.bar.replaceChildren(...selects);
  }

  pick(name, value) {
    this.choice = { ...this.choice, [name]: value };
    this.open();
  }

  destroy() {
    this.desk.store.dialogs.delete(this);
    this.view?.remove();
  }
}
